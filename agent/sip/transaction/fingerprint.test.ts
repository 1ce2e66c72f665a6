import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { Fingerprints } from './fingerprint.ts'

const fingerprints = new Fingerprints(seededRandom(1))

test('the same parts have the same number, which a number of JavaScript holds exactly', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (parts) => {
      const number = fingerprints.of(...parts)
      expect(fingerprints.of(...parts)).toBe(number)
      expect(Number.isSafeInteger(number) && number >= 0).toBe(true)
    }),
  )
})

test('other parts have another number, also when they are the same text', () => {
  const parts = fc.array(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(parts, parts, (some, others) => {
      const same = JSON.stringify(some) === JSON.stringify(others)
      expect(fingerprints.of(...some) === fingerprints.of(...others)).toBe(same)
    }),
  )
  expect(fingerprints.of('ab', 'c')).not.toBe(fingerprints.of('a', 'bc'))
  expect(fingerprints.of('a', '')).not.toBe(fingerprints.of('a'))
})

test('what differs in a digit, as branches do, is as far apart as chance puts it, in each half', () => {
  const COUNT = 20_000
  const numbers = Array.from({ length: COUNT }, (_, each) => fingerprints.of('INVITE', `z9hG4bK-1-${each}`, 'a:5060'))
  expect(new Set(numbers).size).toBe(COUNT)
  // Of 32 bits 0.05 pairs are to be expected, of 21 bits 95.
  expect(new Set(numbers.map((each) => each % 2 ** 32)).size).toBeGreaterThan(COUNT - 5)
  expect(new Set(numbers.map((each) => Math.floor(each / 2 ** 32))).size).toBeGreaterThan(COUNT - 200)
})

test('each engine has other numbers', () => {
  expect(new Fingerprints(seededRandom(2)).of('a')).not.toBe(fingerprints.of('a'))
})
