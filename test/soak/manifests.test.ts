import { expect, test } from 'vitest'
import { fuzz } from '../../crds/fuzz.ts'

test('10,000 mutated manifests crash nothing and none takes a second', () => {
  let slowest = 0
  let last = performance.now()
  let count = 0
  for (const { problems, resources } of fuzz(10_000, 7)) {
    const now = performance.now()
    slowest = Math.max(slowest, now - last)
    last = now
    count++
    expect(problems + resources).toBeGreaterThanOrEqual(0)
  }
  expect(count).toBe(10_000)
  expect(slowest).toBeLessThan(1000)
})
