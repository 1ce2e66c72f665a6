import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decideSlot, executionId, nextSlot, refuseOften, staleAt } from './schedule.ts'

const uid = 'b5a1c9a4-0f5e-4a51-9a55-2d6a3f1c0001'
const every10s = { interval: '10s', timeZone: 'UTC' } as const
const hourly = { cron: '0 * * * *', timeZone: 'UTC' } as const
const noon = Date.UTC(2026, 5, 1, 12)
const question = { uid, watchedSince: noon - 60_000 }

describe('an interval', () => {
  test('a new probe calls at once', () => {
    const decision = decideSlot({ ...question, schedule: every10s, now: noon })
    expect(decision).toEqual({ kind: 'Now', slot: noon, reason: 'First', missed: 0 })
  })

  test('after its first call it joins its grid', () => {
    const decision = decideSlot({ ...question, schedule: every10s, now: noon, lastSlot: noon })
    const grid = nextSlot({ schedule: every10s, uid, now: noon })!
    expect(decision).toEqual({ kind: 'Wait', until: grid })
    expect(grid - noon).toBeLessThanOrEqual(10_000)
    const due = decideSlot({ ...question, schedule: every10s, now: grid, lastSlot: noon })
    expect(due).toEqual({ kind: 'Now', slot: grid, reason: 'Due', missed: 0 })
  })

  test('the grid keeps its distance', () => {
    const first = nextSlot({ schedule: every10s, uid, now: noon })!
    expect(nextSlot({ schedule: every10s, uid, now: first })).toBe(first + 10_000)
  })

  test('slots missed in an outage are served once and counted', () => {
    const grid = nextSlot({ schedule: every10s, uid, now: noon })!
    const decision = decideSlot({ ...question, schedule: every10s, now: grid + 31_000, lastSlot: grid })
    expect(decision).toEqual({ kind: 'Now', slot: grid + 30_000, reason: 'Missed', missed: 2 })
  })

  test('probes of one interval are spread over it', () => {
    const offsets = Array.from(
      { length: 1000 },
      (_, index) => nextSlot({ schedule: every10s, uid: `uid-${index}`, now: noon })! - noon,
    )
    const inFirstHalf = offsets.filter((offset) => offset <= 5_000).length
    expect(inFirstHalf).toBeGreaterThan(400)
    expect(inFirstHalf).toBeLessThan(600)
  })

  test('laws: a slot is never in the future, never served twice, and something is always due within an interval', () => {
    const times = fc.integer({ min: 0, max: 10_000_000 })
    fc.assert(
      fc.property(times, times, fc.integer({ min: 10, max: 3600 }), (after, last, seconds) => {
        const schedule = { interval: `${seconds}s`, timeZone: 'UTC' } as const
        const now = noon + after
        const lastSlot = Math.min(noon + last, now)
        const decision = decideSlot({ ...question, schedule, now, lastSlot })
        // A slot that is due lies after the last one and not in the future; a wait is no longer than the interval.
        const [least, at, most] =
          decision.kind === 'Now'
            ? [lastSlot + 1, decision.slot, now]
            : [now + 1, decision.kind === 'Wait' ? decision.until : Number.NaN, now + seconds * 1000]
        expect(at).toBeGreaterThanOrEqual(least)
        expect(at).toBeLessThanOrEqual(most)
      }),
    )
  })
})

describe('a clock that was set back', () => {
  test('a slot served in the future is not served for ever: the next one is due', () => {
    const ahead = { ...question, schedule: every10s, watchedSince: noon, lastSlot: noon + 86_400_000 }
    const next = nextSlot({ schedule: every10s, uid, now: noon })!
    expect(decideSlot({ ...ahead, now: noon })).toEqual({ kind: 'Wait', until: next })
    expect(decideSlot({ ...ahead, now: next })).toMatchObject({ kind: 'Now', slot: next })
  })
})

describe('cron', () => {
  test('waits for its slot, also when new', () => {
    const decision = decideSlot({ uid, watchedSince: noon + 60_000, schedule: hourly, now: noon + 120_000 })
    expect(decision).toEqual({ kind: 'Wait', until: noon + 3_600_000 })
  })

  test('is due at its time', () => {
    const decision = decideSlot({ ...question, schedule: hourly, now: noon })
    expect(decision).toEqual({ kind: 'Now', slot: noon, reason: 'Due', missed: 0 })
  })

  test('is not due again after it was served', () => {
    const decision = decideSlot({ ...question, schedule: hourly, now: noon + 1, lastSlot: noon })
    expect(decision).toEqual({ kind: 'Wait', until: noon + 3_600_000 })
  })

  test('a slot missed in an outage is served once', () => {
    const decision = decideSlot({ ...question, schedule: hourly, now: noon + 7_200_000 + 60_000, lastSlot: noon })
    expect(decision).toEqual({ kind: 'Now', slot: noon + 7_200_000, reason: 'Missed', missed: 1 })
  })

  test('follows its time zone through a change of the clocks', () => {
    const schedule = { cron: '30 9 * * *', timeZone: 'Europe/Berlin' } as const
    const before = nextSlot({ schedule, uid, now: Date.UTC(2026, 2, 28, 0) })
    const after = nextSlot({ schedule, uid, now: Date.UTC(2026, 2, 29, 0) })
    expect(new Date(before!).toISOString()).toBe('2026-03-28T08:30:00.000Z')
    expect(new Date(after!).toISOString()).toBe('2026-03-29T07:30:00.000Z')
  })

  test('without a next time there is never anything to do', () => {
    const schedule = { cron: '0 0 30 2 *', timeZone: 'UTC' } as const
    expect(decideSlot({ ...question, schedule, now: noon })).toEqual({ kind: 'Never' })
  })
})

describe('stale', () => {
  test('is three due slots after the last finished round, each allowed the longest execution', () => {
    const finishedAt = nextSlot({ schedule: every10s, uid, now: noon })!
    const at = staleAt({ ...question, schedule: every10s, finishedAt, longest: 45_000 })
    expect(at).toBe(finishedAt + 30_000 + 45_000)
  })
})

test('the id of an execution is that of its probe, location and slot', () => {
  const id = executionId(uid, 'default', noon)
  expect(id).toMatch(/^[0-9a-f]{20}$/)
  expect(executionId(uid, 'default', noon)).toBe(id)
  expect(executionId(uid, 'default', noon + 1)).not.toBe(id)
  expect(executionId(uid, 'berlin', noon)).not.toBe(id)
})

describe('an operator that wants more time between two rounds', () => {
  test.each([
    [{ interval: '10s' }, 10_000, undefined],
    [{ interval: '10s' }, 30_000, '10 s apart'],
    [{ interval: '5m' }, 30_000, undefined],
    [{ cron: '* * * * *' }, 60_000, undefined],
    [{ cron: '* * * * *' }, 61_000, '60 s apart'],
    [{ cron: '0,59 3 * * *' }, 3_600_000, '3540 s apart'],
    [{ cron: '0 3,5 * * 1' }, 7_200_000, undefined],
    [{ cron: '0 3,5 * * 1' }, 7_201_000, '7200 s apart'],
    [{ cron: '0 0 30 2 *' }, 86_400_000, undefined],
  ])('%j, at least %i ms: %s', (schedule, minInterval, refused) => {
    const said = refuseOften({ timeZone: 'UTC', ...schedule }, { minInterval, now: noon })
    expect(/two rounds are (.*),/.exec(said ?? '')?.[1]).toBe(refused)
  })
})
