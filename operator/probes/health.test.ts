import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failureClasses, metrics, profiles } from '../../crds/index.ts'
import type { FailureClass, Health, JudgedMetric, KnownHealth, Metrics, Thresholds } from '../../crds/index.ts'
import { damp, judge, roundLevel, severityOf, successThreshold } from './health.ts'

const rank: Record<KnownHealth, number> = { Healthy: 0, Degraded: 1, Unhealthy: 2 }
const standard: Thresholds = profiles.Standard
const measured = (values: Metrics) => ({ message: '', metrics: values })
const ofCall = (mos: number, jitter: number, packetLoss: number) =>
  judge(measured({ mos, jitter, packetLoss }), standard)

describe('one execution', () => {
  test.each([
    [[4.2, 15, 0.5], 'Healthy', ['WithinThresholds']],
    [[3.3, 15, 0.5], 'Degraded', ['Mos']],
    [[4.2, 55, 0.5], 'Unhealthy', ['Jitter']],
    // Three warnings are still a warning, although the published table of this example prints UNHEALTHY against its own rule.
    [[3.3, 45, 4], 'Degraded', ['Mos', 'Jitter', 'PacketLoss']],
    [[4.2, 15, 0.5], 'Healthy', ['WithinThresholds']],
  ])('mos, jitter and loss of %j are %s', ([mos = 0, jitter = 0, packetLoss = 0], level, reasons) => {
    const judgement = ofCall(mos, jitter, packetLoss)
    expect(judgement.level).toBe(level)
    expect(reasons).toContain(judgement.reason)
  })

  test.each([
    [{ mos: 3.5 }, 'Degraded'],
    [{ mos: 3.51 }, 'Healthy'],
    [{ mos: 2.5 }, 'Unhealthy'],
    [{ jitter: 40 }, 'Degraded'],
    [{ jitter: 39.9 }, 'Healthy'],
    [{ jitter: 50 }, 'Unhealthy'],
  ])('at the bound is a breach: %o is %s', (values, level) => {
    expect(judge(measured(values), standard).level).toBe(level)
  })

  test.each<[values: Metrics, level: Health]>([
    [{ oneWayAudio: 0, audioLevel: -26, echoDelay: 20 }, 'Healthy'],
    [{ oneWayAudio: 2000, audioLevel: -26, echoDelay: 20 }, 'Degraded'],
    [{ oneWayAudio: 0, audioLevel: -40, echoDelay: 20 }, 'Degraded'],
    [{ oneWayAudio: 0, audioLevel: -60, echoDelay: 20 }, 'Unhealthy'],
    [{ oneWayAudio: 0, audioLevel: -26, echoDelay: 600 }, 'Unhealthy'],
  ])('what was heard is judged where it is listed: %o is %s', (values, level) => {
    const listed: Thresholds = {
      oneWayAudio: { warning: 2000, critical: 4000 },
      audioLevel: { warning: -40, critical: -55 },
      echoDelay: { warning: 300, critical: 600 },
    }
    expect(judge(measured(values), listed).level).toBe(level)
    expect(judge(measured({ ...values, mos: 4.2 }), { mos: profiles.Standard.mos }).level).toBe('Healthy')
  })

  test('what was not measured is named and not judged', () => {
    const judgement = judge(measured({ mos: 4.2 }), { mos: profiles.Standard.mos, rtt: profiles.Standard.rtt })
    expect(judgement).toMatchObject({ level: 'Healthy', notMeasured: ['rtt'] })
  })

  test('nothing measured at all is not knowing', () => {
    expect(judge(measured({}), standard)).toMatchObject({ level: 'Unknown', reason: 'NothingMeasured' })
  })

  test('no thresholds is not knowing', () => {
    expect(judge(measured({ mos: 1 }), {})).toMatchObject({ level: 'Unknown', reason: 'NoThresholds' })
  })

  test('a breach is described with its metric, value, unit and bound', () => {
    const judgement = judge(measured({ packetLoss: 4.217 }), { packetLoss: { warning: 2, critical: 20 } })
    expect(judgement).toMatchObject({
      level: 'Degraded',
      reason: 'PacketLoss',
      message: 'packetLoss 4.22 % reached its warning bound 2.',
      breaches: [{ metric: 'packetLoss', value: 4.217, level: 'Degraded', threshold: 2 }],
    })
  })

  test.each(Object.entries(failureClasses))(
    'a call that failed with %s is judged by whose fault it is',
    (name, definition) => {
      const failureClass = name as FailureClass
      const blame = definition.whose === 'Theirs' ? 'Unhealthy' : 'Unknown'
      // The call itself was fine, only its end was not.
      const level = failureClass === 'TeardownFailed' ? 'Healthy' : blame
      expect(judge({ ...measured({ mos: 4.4 }), failureClass }, standard).level).toBe(level)
    },
  )

  test('a failed call is Unhealthy without thresholds too', () => {
    expect(judge({ ...measured({}), failureClass: 'Busy' }, {}).level).toBe('Unhealthy')
  })

  test('a callee that nobody called says nothing about the target', () => {
    expect(judge({ ...measured({}), noCall: true }, standard)).toMatchObject({ level: 'Unknown', reason: 'NoCall' })
  })
})

const judgedMetrics = Object.keys(standard) as JudgedMetric[]
const anyMetrics = fc.record(
  Object.fromEntries(judgedMetrics.map((metric) => [metric, fc.double({ min: 0, max: 20_000, noNaN: true })])),
) as fc.Arbitrary<Metrics>
const anyMetric = fc.constantFrom(...judgedMetrics)
const levelOf = (values: Metrics, thresholds: Thresholds) => judge(measured(values), thresholds).level as KnownHealth

describe('laws of judging', () => {
  test('health is monotone in every metric: a better value never makes it worse', () => {
    fc.assert(
      fc.property(anyMetrics, anyMetric, fc.double({ min: 0, max: 20_000, noNaN: true }), (values, metric, by) => {
        const better = metrics[metric].direction === 'Higher' ? (values[metric] ?? 0) + by : (values[metric] ?? 0) - by
        expect(rank[levelOf({ ...values, [metric]: better }, standard)]).toBeLessThanOrEqual(
          rank[levelOf(values, standard)],
        )
      }),
    )
  })

  test('judging one metric more never improves it', () => {
    fc.assert(
      fc.property(anyMetrics, anyMetric, (values, metric) => {
        const { [metric]: _, ...fewer } = standard
        expect(rank[levelOf(values, standard)]).toBeGreaterThanOrEqual(rank[levelOf(values, fewer)])
      }),
    )
  })
})

/** Feeds rounds one by one, as the reconciler does. */
function statesAfter(start: Health, levels: readonly Health[], failureThreshold: number, success: number): Health[] {
  const recentLevels: Health[] = []
  let state = start
  return levels.map((level) => {
    recentLevels.push(level)
    state = damp({ state, recentLevels, failureThreshold, successThreshold: success })
    return state
  })
}

describe('damping', () => {
  test('the published table with 3 failures and 2 successes comes out exactly', () => {
    const levels = [3.2, 3.1, 3.3, 4.1, 4.0].map(
      (mos) => judge(measured({ mos }), { mos: profiles.Standard.mos }).level,
    )
    expect(levels).toEqual(['Degraded', 'Degraded', 'Degraded', 'Healthy', 'Healthy'])
    expect(statesAfter('Healthy', levels, 3, 2)).toEqual(['Healthy', 'Healthy', 'Degraded', 'Degraded', 'Healthy'])
  })

  test.each<[Health[], Health]>([
    [['Healthy', 'Unhealthy', 'Degraded', 'Unhealthy'], 'Degraded'],
    [['Healthy', 'Healthy', 'Degraded', 'Unhealthy'], 'Healthy'],
  ])('%j with 3 and 2 ends %s', (levels, end) => {
    expect(statesAfter('Healthy', levels, 3, 2).at(-1)).toBe(end)
  })

  test('the first known level applies at once', () => {
    expect(statesAfter('Unknown', ['Unknown', 'Degraded'], 3, 2)).toEqual(['Unknown', 'Degraded'])
  })

  test('only as many unknown rounds as failures make a known state unknown', () => {
    expect(statesAfter('Healthy', ['Unknown', 'Unknown', 'Unknown'], 3, 2)).toEqual(['Healthy', 'Healthy', 'Unknown'])
  })

  const anyLevel = fc.constantFrom<Health>('Healthy', 'Degraded', 'Unhealthy', 'Unknown')

  test('with 1 and 1 the state is the level', () => {
    fc.assert(
      fc.property(anyLevel, fc.array(anyLevel, { minLength: 1 }), (start, levels) => {
        expect(statesAfter(start, levels, 1, 1)).toEqual(levels)
      }),
    )
  })

  test('a long enough run of one level always arrives there', () => {
    const thresholds = fc.integer({ min: 1, max: 10 })
    fc.assert(
      fc.property(anyLevel, fc.array(anyLevel), anyLevel, thresholds, thresholds, (start, before, level, n, m) => {
        const levels = [...before, ...Array<Health>(Math.max(n, m)).fill(level)]
        expect(statesAfter(start, levels, n, m).at(-1)).toBe(level)
      }),
    )
  })

  test('two good rounds are asked for where more than one bad round is', () => {
    expect(successThreshold({ failureThreshold: 1 })).toBe(1)
    expect(successThreshold({ failureThreshold: 3 })).toBe(2)
    expect(successThreshold({ failureThreshold: 3, successThreshold: 1 })).toBe(1)
  })
})

describe('locations', () => {
  test.each<[Health[], number, Health]>([
    [['Healthy'], 1, 'Healthy'],
    [['Healthy', 'Unhealthy'], 1, 'Unhealthy'],
    [['Healthy', 'Unhealthy'], 2, 'Healthy'],
    [['Degraded', 'Unhealthy', 'Healthy'], 2, 'Degraded'],
    [['Unknown', 'Unhealthy', 'Unknown'], 2, 'Unhealthy'],
    [['Unknown', 'Unknown'], 1, 'Unknown'],
  ])('%j with quorum %d is %s', (levels, quorum, level) => {
    expect(roundLevel(levels, quorum).level).toBe(level)
  })

  test('the location that decided is named', () => {
    expect(roundLevel(['Healthy', 'Unknown', 'Degraded'], 1)).toEqual({ level: 'Degraded', decidedBy: 2 })
  })
})

describe('severity', () => {
  test.each<[Health, Health, string | undefined]>([
    ['Healthy', 'Degraded', 'Warning'],
    ['Healthy', 'Unhealthy', 'Critical'],
    ['Degraded', 'Unhealthy', 'Critical'],
    ['Degraded', 'Healthy', 'Recovery'],
    ['Unhealthy', 'Healthy', 'Recovery'],
    ['Unhealthy', 'Degraded', 'PartialRecovery'],
    ['Healthy', 'Unknown', 'DataIssue'],
    ['Degraded', 'Unknown', 'DataIssue'],
    ['Unhealthy', 'Unknown', 'DataIssue'],
    ['Unknown', 'Healthy', 'Resolution'],
    ['Unknown', 'Degraded', 'Warning'],
    ['Unknown', 'Unhealthy', 'Critical'],
    ['Healthy', 'Healthy', undefined],
  ])('%s to %s is %s', (from, to, severity) => {
    expect(severityOf(from, to)).toBe(severity)
  })
})
