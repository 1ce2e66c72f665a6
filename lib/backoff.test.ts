import { assert, double, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoff } from './backoff.ts'

const limits = { first: 100, longest: 10_000 }

describe('the delay after failures', () => {
  test('doubles from the first to the longest', () => {
    const bounds = [1, 2, 3, 7, 8, 1000].map((failures) => backoff(failures, limits, () => 1))
    expect(bounds).toEqual([100, 200, 400, 6400, 10_000, 10_000])
  })

  test('lies between half of its bound and its bound, whatever chance says', () => {
    assert(
      property(integer({ min: 1, max: 1_000_000 }), double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
        const bound = backoff(failures, limits, () => 1)
        const delay = backoff(failures, limits, () => chance)
        expect(delay).toBeGreaterThanOrEqual(bound / 2)
        expect(delay).toBeLessThanOrEqual(bound)
        expect(bound).toBeLessThanOrEqual(limits.longest)
      }),
    )
  })
})
