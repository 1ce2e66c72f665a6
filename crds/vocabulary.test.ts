import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failureClasses, judgedMetrics, metrics, milliseconds, outcomes, parseDuration, runMetrics } from './index.ts'

describe('durations', () => {
  test.each([
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['1m5s20ms', 65_020],
    ['0s', 0],
  ])('%s', (text, expected) => expect(milliseconds(text)).toBe(expected))

  test.each(['', '5', '5 m', '1d', '-5s', '1.5s', '5s5m', 's', '1e3s'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
    expect(() => milliseconds(text)).toThrow(RangeError)
  })

  test('parts add up', () => {
    const part = fc.nat({ max: 9999 })
    fc.assert(
      fc.property(part, part, part, part, (h, m, s, ms) => {
        expect(milliseconds(`${h}h${m}m${s}s${ms}ms`)).toBe(h * 3_600_000 + m * 60_000 + s * 1000 + ms)
      }),
    )
  })
})

describe('metrics', () => {
  test('the judged ones are those of the health rules', () => {
    expect(judgedMetrics.toSorted()).toEqual(
      [
        ...[
          'mos',
          'jitter',
          'packetLoss',
          'rtt',
          'setupTime',
          'ringTime',
          'connectTime',
          'registerTime',
          'optionsTime',
        ],
        ...['longestLossRun', 'discardRate', 'oneWayAudio', 'audioLevel', 'echoDelay', 'mosLow', 'certificateDays'],
      ].toSorted(),
    )
  })

  test('each judged one has a direction and a range', () => {
    for (const key of judgedMetrics) {
      expect(metrics[key].direction).toMatch(/Higher|Lower/)
      expect(metrics[key].range[0]).toBeLessThan(metrics[key].range[1])
    }
  })

  test('names in Prometheus are in base units and not used twice', () => {
    const all = Object.values(metrics).flatMap((metric) => ('prometheus' in metric ? [metric] : []))
    for (const { prometheus, unit } of all) {
      expect(prometheus.factor).toBe({ ms: 0.001, '%': 0.01 }[String(unit)] ?? 1)
      expect(prometheus.name.endsWith('_seconds')).toBe(unit === 'ms')
      expect(prometheus.name.endsWith('_ratio')).toBe(unit === '%')
    }
    expect(new Set(all.map(({ prometheus }) => prometheus.name)).size).toBe(all.length)
  })

  test('no figure of a run has the name of a metric of a call', () => {
    expect(Object.keys(runMetrics).filter((key) => key in metrics)).toEqual([])
  })
})

test('faults of ours are OsError and nothing else is', () => {
  for (const { whose, outcomes: given } of Object.values(failureClasses)) {
    expect(given.join() === 'OsError').toBe(whose === 'Ours')
    for (const outcome of given) expect(outcomes).toContain(outcome)
  }
})
