import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ChurningMap } from './churning-map.ts'

test('it holds what a Map would, through any sets and deletes', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 9000 }),
    put: fc.boolean(),
    times: fc.integer({ min: 1, max: 3000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const ours = new ChurningMap<number, { at: number }>()
      const plain = new Map<number, { at: number }>()
      for (const { key, put, times } of steps) {
        for (let at = key; at < key + times; at++) {
          const value = { at }
          if (put) [ours, plain].forEach((each) => each.set(at, value))
          else [ours, plain].forEach((each) => each.delete(at))
        }
      }
      expect(ours.size).toBe(plain.size)
      expect(new Set(ours.values())).toEqual(new Set(plain.values()))
      expect(ours.get(42)).toEqual(plain.get(42))
    }),
    { numRuns: 50 },
  )
})

test('a key that came back is not swept away', () => {
  const map = new ChurningMap<number, { name: string }>()
  map.set(-1, { name: 'first' })
  map.delete(-1)
  map.set(-1, { name: 'second' })
  for (let key = 0; key < 10_000; key++) {
    map.set(key, { name: 'passing' })
    map.delete(key)
  }
  expect(map.get(-1)).toEqual({ name: 'second' })
  expect(map.size).toBe(1)
  map.clear()
  expect(map.values()).toEqual([])
})
