import { assert, constantFrom, double, integer, oneof, option, property, record } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from './retry.ts'

const start = Date.UTC(2026, 0, 1)
const HOUR = 3_600_000
const rejected = (retryAfter?: string) => ({
  kind: 'Answered' as const,
  code: 503,
  ...(retryAfter !== undefined && { retryAfter }),
})
const first = { attempts: 1, createdAt: start, now: start, random: () => 0 }

/** Milliseconds from the attempt to the next one. */
function wait(...[attempt, circumstances]: Parameters<typeof decide>): number {
  const decision = decide(attempt, circumstances)
  if (decision.result !== 'Retry') throw new Error(`expected Retry, got ${decision.result}`)
  return decision.at - circumstances.now
}

describe('what an answer means', () => {
  test.each([
    [200, 'Delivered'],
    [202, 'Delivered'],
    [204, 'Delivered'],
    [299, 'Delivered'],
    [410, 'Disabled'],
    [301, 'Redirected'],
    [307, 'Redirected'],
    [400, 'Rejected'],
    [401, 'Rejected'],
    [404, 'Rejected'],
    [429, 'Rejected'],
    [500, 'Rejected'],
  ])('%i is %s', (code, expected) => {
    const decision = decide({ kind: 'Answered', code }, first)
    expect(decision.result === 'Retry' ? decision.reason : decision.result).toBe(expected)
  })

  test('no answer is tried again', () => {
    expect(decide({ kind: 'Unanswered', error: 'refused' }, first)).toEqual({
      result: 'Retry',
      at: start + 5000,
      reason: 'Unanswered',
    })
  })
})

describe('the wait before the next attempt', () => {
  test('is 5 s, 30 s, 2 min, 10 min, 30 min, 1 h, and 1 h from then on', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 100].map((attempts) => wait(rejected(), { ...first, attempts }) / 1000)
    expect(waits).toEqual([5, 30, 120, 600, 1800, 3600, 3600, 3600])
  })

  test('is up to a fifth longer by chance', () => {
    expect(wait(rejected(), { ...first, attempts: 2, random: () => 0.5 })).toBe(33_000)
  })

  test('is what the receiver asks for, in seconds or as a date, but 5 s at least', () => {
    expect(wait(rejected('90'), first)).toBe(90_000)
    expect(wait(rejected(new Date(start + 45_000).toUTCString()), first)).toBe(45_000)
    expect(wait(rejected('0'), first)).toBe(5000)
    expect(wait(rejected('Wed, 21 Oct 2015 07:28:00 GMT'), first)).toBe(5000)
    expect(wait(rejected('soon'), { ...first, attempts: 2 })).toBe(30_000)
  })

  test('ends at the age of 6 h, where the outbox gives up', () => {
    const now = start + 5.5 * HOUR
    expect(wait(rejected(), { ...first, attempts: 9, now })).toBe(0.5 * HOUR)
    expect(wait(rejected('86400'), first)).toBe(6 * HOUR)
    expect(wait(rejected(), { ...first, now: start + 7 * HOUR })).toBe(0)
  })
})

const attempt = oneof(
  record({ kind: constantFrom('Unanswered' as const), error: constantFrom('refused') }),
  record(
    {
      kind: constantFrom('Answered' as const),
      code: integer({ min: 200, max: 599 }),
      retryAfter: constantFrom('0', '1', '3600', '999999999', 'x', new Date(start).toUTCString()),
    },
    { requiredKeys: ['kind', 'code'] },
  ),
)
const circumstances = record({
  attempts: integer({ min: 1, max: 1000 }),
  age: integer({ min: 0, max: 20 * HOUR }),
  chance: double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
})

describe('whatever comes', () => {
  test('a next attempt is 5 s away or at the age of 6 h, never past it, and never in the past', () => {
    assert(
      property(attempt, circumstances, (ended, { attempts, age, chance }) => {
        const now = start + age
        const decision = decide(ended, { attempts, createdAt: start, now, random: () => chance })
        if (decision.result !== 'Retry') return
        expect(decision.at).toBeGreaterThanOrEqual(now)
        expect(decision.at).toBeLessThanOrEqual(Math.max(now, start + 6 * HOUR))
        expect(decision.at - now >= 5000 || decision.at >= start + 6 * HOUR).toBe(true)
      }),
    )
  })

  test('only a 2xx is delivered and only 410 disables', () => {
    assert(
      property(attempt, option(circumstances), (ended, given) => {
        const { attempts = 1, age = 0, chance = 0 } = given ?? {}
        const { result } = decide(ended, { attempts, createdAt: start, now: start + age, random: () => chance })
        const code = ended.kind === 'Answered' ? ended.code : 0
        expect(result === 'Delivered').toBe(code >= 200 && code <= 299)
        expect(result === 'Disabled').toBe(code === 410)
      }),
    )
  })

  test('without Retry-After a later attempt never waits less than an earlier one', () => {
    assert(
      property(integer({ min: 1, max: 20 }), (attempts) => {
        const shorter = wait(rejected(), { ...first, attempts })
        expect(wait(rejected(), { ...first, attempts: attempts + 1 })).toBeGreaterThanOrEqual(shorter)
      }),
    )
  })
})
