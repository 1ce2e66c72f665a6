import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'
import { parseDocuments } from './parse.ts'

/** The soak test runs 10,000. */
const COUNT = 2000
/** Far above what a manifest takes, far below a hang. */
const LONGEST = 2000

test('mutated manifests crash nothing and hang nothing', () => {
  let refused = 0
  let last = performance.now()
  for (const { problems, resources } of fuzz(COUNT, 20260301)) {
    const now = performance.now()
    expect(now - last).toBeLessThan(LONGEST)
    last = now
    if (problems > 0) refused++
    expect(resources).toBeGreaterThanOrEqual(0)
  }
  // Some mutations only touch a comment or a name; most are noticed.
  expect(refused).toBeGreaterThan(COUNT / 2)
})

test('any text gives resources or problems, each problem inside the text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json()), (text) => {
      const lines = text.split('\n').length
      for (const { line, column } of parseDocuments(text, 'a.yaml').problems) {
        expect(line).toBeGreaterThanOrEqual(1)
        expect(line).toBeLessThanOrEqual(lines)
        expect(column).toBeGreaterThanOrEqual(1)
      }
    }),
    { numRuns: 500 },
  )
})

test('any bytes are text in UTF-8 or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const { problems, resources } = parseDocuments(bytes, 'a.yaml')
      expect(problems.length + resources.length).toBeGreaterThanOrEqual(0)
    }),
    { numRuns: 500 },
  )
})
