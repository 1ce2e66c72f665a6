import { expect, test } from 'vitest'
import { fuzzSrtp } from './fuzz.fixture.ts'

test('50,000 mutated packets: no exception, no forgery, and the receivers get at them in every way', () => {
  const { packets, bad, refused } = fuzzSrtp({ seed: 3711, count: 50_000 })
  expect(bad).toEqual([])
  expect(packets).toBe(50_000)
  expect([...refused.keys()].toSorted()).toEqual([
    ...['Authentication', 'Malformed', 'NotEncrypted', 'TooShort', 'UnknownKey'],
  ])
})
