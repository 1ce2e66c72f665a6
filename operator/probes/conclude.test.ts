import { describe, expect, test } from 'vitest'
import type { Health } from '../../crds/index.ts'
import type { ExecutionRecord, ProbeMemory } from '../history/history.ts'
import { concludeRound, concludeUnknown, reasonOf } from './conclude.ts'

const fresh: ProbeMemory = { health: 'Unknown', sequence: 0, transitions: [], recentLevels: [] }
const spec = { quorum: 1, failureThreshold: 1, locations: [{ name: 'default' }] }
type Spec = Parameters<typeof concludeRound>[0]
const specOf = (change: object = {}) => ({ ...spec, ...change }) as unknown as Spec

function execution(level: Health | undefined, slot: number, reason = 'WithinThresholds'): ExecutionRecord {
  return {
    id: `execution-${slot}`,
    location: 'default',
    generation: 1,
    slot,
    ...(level && { level }),
    reason,
    message: `It was ${level}.`,
    breaches: [],
    notMeasured: [],
    thresholds: {},
    samples: [],
    result: {
      outcome: 'Success',
      message: '',
      metrics: {},
      findings: [],
      startedAt: slot,
      finishedAt: slot + 3000,
      retransmissions: { sent: 0, received: 0 },
      authenticationRounds: 0,
    },
  }
}

const round = (level: Health | undefined, slot: number, reason?: string) => ({
  slot,
  executions: [execution(level, slot, reason)],
  finishedAt: slot + 3000,
})

function after(levels: readonly Health[], change: object = {}): ProbeMemory {
  return levels.reduce(
    (memory, level, index) => concludeRound(specOf(change), memory, round(level, index * 10_000)).memory,
    fresh,
  )
}

describe('a round', () => {
  test('the first one of a new probe is its first transition', () => {
    const { change, memory } = concludeRound(specOf(), fresh, round('Unhealthy', 0, 'Busy'))
    expect(change).toMatchObject({
      severity: 'Critical',
      transition: {
        sequence: 1,
        from: 'Unknown',
        to: 'Unhealthy',
        reason: 'Busy',
        executionId: 'execution-0',
        at: 3000,
      },
    })
    expect(memory).toMatchObject({ health: 'Unhealthy', sequence: 1, since: 3000, recentLevels: ['Unhealthy'] })
  })

  test('that changes nothing is a round and no transition', () => {
    const { change, memory } = concludeRound(specOf(), after(['Healthy']), round('Healthy', 10_000))
    expect(change).toBeUndefined()
    expect(memory).toMatchObject({ sequence: 1, lastRound: { slot: 10_000, finishedAt: 13_000 } })
  })

  test('that we cut ourselves leaves everything as it was', () => {
    const before = after(['Healthy'])
    const conclusion = concludeRound(specOf(), before, round(undefined, 10_000, 'Stopped'))
    expect(conclusion.memory).toBe(before)
    expect(conclusion.round).toBeUndefined()
    expect(conclusion.executions).toHaveLength(1)
  })

  test('sequence numbers have no gap and only the last ten transitions are kept', () => {
    const flapping = Array.from({ length: 15 }, (_, index): Health => (index % 2 === 0 ? 'Healthy' : 'Unhealthy'))
    const { sequence, transitions } = after(flapping)
    expect(sequence).toBe(15)
    expect(transitions.map((transition) => transition.sequence)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
  })

  test('without thresholds the state is Unknown at once, however it was damped before', () => {
    const { memory, change } = concludeRound(
      specOf({ failureThreshold: 3 }),
      after(['Healthy']),
      round('Unknown', 10_000, 'NoThresholds'),
    )
    expect(change?.transition).toMatchObject({ to: 'Unknown', reason: 'NoThresholds' })
    expect(memory.recentLevels).toEqual([])
  })

  test('when it left Healthy is remembered until it returns', () => {
    expect(after(['Healthy', 'Degraded']).leftHealthyAt).toBe(13_000)
    expect(after(['Healthy', 'Degraded', 'Unhealthy']).leftHealthyAt).toBe(13_000)
    expect(after(['Healthy', 'Degraded', 'Healthy']).leftHealthyAt).toBeUndefined()
  })
})

describe('without a round', () => {
  test('Suspended applies at once and empties the levels', () => {
    const before = after(['Healthy', 'Healthy'], { failureThreshold: 3 })
    const cause = { at: 50_000, reason: 'Suspended', message: 'The probe is suspended.' } as const
    const { memory, change } = concludeUnknown(before, cause)
    expect(memory).toMatchObject({ health: 'Unknown', recentLevels: [], sequence: 2 })
    expect(change).toMatchObject({ severity: 'DataIssue', transition: { at: 50_000, reason: 'Suspended' } })
    expect(concludeUnknown(memory, cause).change).toBeUndefined()
  })
})

describe('the reason of a state', () => {
  test('is that of the last round where it agrees', () => {
    expect(reasonOf(specOf(), after(['Healthy']), undefined)).toEqual({
      reason: 'WithinThresholds',
      message: 'It was Healthy.',
    })
  })

  test('counts the rounds that ask for a change and are still damped', () => {
    const damped = after(['Healthy', 'Degraded', 'Degraded'], { failureThreshold: 3 })
    expect(damped.health).toBe('Healthy')
    expect(reasonOf(specOf({ failureThreshold: 3 }), damped, undefined).message).toContain('2 of 3')
  })

  test('of a probe that never ran says so', () => {
    expect(reasonOf(specOf(), fresh, undefined).reason).toBe('NeverRun')
  })
})
