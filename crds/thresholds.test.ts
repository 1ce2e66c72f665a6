import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { effectiveThresholds, judgedMetrics, metrics, profiles } from './index.ts'
import { judgedByProfile } from './thresholds.ts'

const spec = { check: 'Call', thresholdProfile: 'Standard', locations: [{ name: 'default' }] } as const
const rtt = (warning: number) => ({ rtt: { warning, critical: 2 * warning } })

describe('which thresholds are in force', () => {
  test('a profile judges what its check measures', () => {
    expect(effectiveThresholds(spec, 'default')).toEqual({
      mos: { warning: 3.5, critical: 2.5 },
      jitter: { warning: 40, critical: 50 },
      packetLoss: { warning: 3, critical: 5 },
      rtt: { warning: 200, critical: 400 },
      setupTime: { warning: 3000, critical: 5000 },
      ringTime: { warning: 5000, critical: 8000 },
      connectTime: { warning: 8000, critical: 12000 },
    })
    expect(effectiveThresholds({ ...spec, check: 'Register' }, 'default')).toEqual({
      registerTime: { warning: 1000, critical: 3000 },
    })
    expect(effectiveThresholds({ ...spec, check: 'Options' }, 'default')).toEqual({
      optionsTime: { warning: 500, critical: 1500 },
    })
  })

  test('None judges nothing', () => {
    expect(effectiveThresholds({ ...spec, thresholdProfile: 'None' }, 'default')).toEqual({})
  })

  test('thresholds of the probe replace the profile, those of the location replace these', () => {
    const both = { ...spec, thresholds: rtt(100), locations: [{ name: 'near' }, { name: 'far', thresholds: rtt(300) }] }
    expect(effectiveThresholds(both, 'near')).toEqual(rtt(100))
    expect(effectiveThresholds(both, 'far')).toEqual(rtt(300))
    expect(effectiveThresholds(both, 'elsewhere')).toEqual(rtt(100))
  })

  test('thresholds that are listed are judged also with the profile None, whatever the check', () => {
    const listed = { ...spec, check: 'Options', thresholdProfile: 'None', thresholds: rtt(100) } as const
    expect(effectiveThresholds(listed, 'default')).toEqual(rtt(100))
  })
})

test('no bound of a profile is on the wrong side or outside its metric', () => {
  for (const profile of Object.values(profiles)) {
    for (const [key, { warning, critical }] of Object.entries(profile)) {
      const metric = judgedMetrics.find((name) => name === key)
      const { direction, range } = metric ? metrics[metric] : { direction: 'None', range: [0, 0] }
      expect(direction === 'Higher' ? warning - critical : critical - warning).toBeGreaterThan(0)
      for (const bound of [warning, critical]) {
        expect(bound).toBeGreaterThanOrEqual(range[0])
        expect(bound).toBeLessThanOrEqual(range[1])
      }
    }
  }
})

test('a profile never judges what its check does not measure', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('Call', 'Options', 'Register'),
      fc.constantFrom('Standard', 'Enterprise', 'BestEffort', 'None'),
      (check, thresholdProfile) => {
        const judged = Object.keys(effectiveThresholds({ ...spec, check, thresholdProfile }, 'default'))
        expect(thresholdProfile === 'None' ? [] : judgedByProfile[check]).toEqual(judged)
      },
    ),
  )
})
