/** Reception-report figures of RFC 3550 A.1 and A.3. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SequenceState } from './sequence.ts'

test('a wrap, a late packet, a duplicate and a restart are reported as RFC 3550 computes them', () => {
  const state = new SequenceState()
  const accepted = (...numbers: number[]) => numbers.map((number) => state.update(number))
  expect(state.report()).toBeUndefined()
  expect(accepted(65532)).toEqual([false])
  expect(state.report()).toBeUndefined()
  expect(accepted(65533, 65534, 65535, 0, 2, 3, 1, 5)).not.toContain(false)
  expect(state.report()).toMatchObject({ extendedHighest: 65541, cumulativeLost: 1, fractionLost: 28 })
  accepted(6, 7, 7, 10, 11, 12)
  expect(state.report()).toMatchObject({ extendedHighest: 65548, cumulativeLost: 2, fractionLost: 36 })
  accepted(13, 14, 14, 14, 15)
  expect(state.report()).toMatchObject({ extendedHighest: 65551, cumulativeLost: 0, fractionLost: 0 })
  expect(accepted(9000, 9001)).toEqual([false, true])
  expect(state.report()).toMatchObject({ extendedHighest: 9001, cumulativeLost: 0, fractionLost: 0 })
})

test('whatever arrives, a report fits its fields', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 }), (numbers) => {
      const state = new SequenceState()
      for (const number of numbers) state.update(number)
      const report = state.report()
      if (!report) return
      expect(report.fractionLost).toBeGreaterThanOrEqual(0)
      expect(report.fractionLost).toBeLessThanOrEqual(255)
      expect(Math.abs(report.cumulativeLost)).toBeLessThanOrEqual(0x80_0000)
      expect(report.extendedHighest).toBeLessThan(2 ** 32)
    }),
  )
})
