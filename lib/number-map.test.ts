import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NumberMap } from './number-map.ts'

/** In a row, far apart, beyond 32 bits, negative, and such as begin at the same place. */
const keys = fc.oneof(
  fc.integer({ min: 0, max: 9000 }),
  fc.maxSafeInteger(),
  fc.integer({ min: 0, max: 200 }).map((times) => times * 2 ** 32),
  fc.integer({ min: -9000, max: -1 }),
)

test('it holds what a Map would, through any sets and deletes', () => {
  const step = fc.record({ key: keys, put: fc.boolean(), times: fc.integer({ min: 1, max: 3000 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const ours = new NumberMap<{ at: number }>()
      const plain = new Map<number, { at: number }>()
      for (const { key, put, times } of steps) {
        for (let at = key; at < key + times && Number.isSafeInteger(at); at++) {
          const value = { at }
          if (put) [ours, plain].forEach((each) => each.set(at, value))
          else [ours, plain].forEach((each) => each.delete(at))
        }
      }
      expect(ours.size).toBe(plain.size)
      expect(new Set(ours.values())).toEqual(new Set(plain.values()))
      expect([...plain].filter(([key, value]) => ours.get(key) !== value)).toEqual([])
    }),
    { numRuns: 50 },
  )
})

test('keys that come to lie at the same place are told apart, whichever of them goes', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 63 }), { minLength: 1 }), fc.nat(), (times, seed) => {
      const map = new NumberMap<{ key: number }>()
      // The upper half of a key counts too: these have all the same lower half.
      const all = times.map((time) => time * 2 ** 32)
      for (const key of all) map.set(key, { key })
      const gone = new Set(all.filter((_, index) => (seed >> (index % 31)) & 1))
      for (const key of gone) map.delete(key)
      for (const key of all) expect(map.get(key)).toEqual(gone.has(key) ? undefined : { key })
      expect(map.size).toBe(all.length - gone.size)
    }),
  )
})

test('nothing is under NaN', () => {
  const map = new NumberMap<{ name: string }>()
  map.set(0, { name: 'zero' })
  expect(map.get(NaN)).toBeUndefined()
  map.delete(NaN)
  expect(map.size).toBe(1)
  map.clear()
  expect(map.values()).toEqual([])
})

test('what came and went leaves it as small as it was', () => {
  const map = new NumberMap<{ key: number }>()
  for (let key = 0; key < 100_000; key++) map.set(key, { key })
  for (let key = 0; key < 100_000; key++) map.delete(key)
  expect(map.size).toBe(0)
  expect(map.values()).toEqual([])
  map.set(-1, { key: -1 })
  expect(map.get(-1)).toEqual({ key: -1 })
})
