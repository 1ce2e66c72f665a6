import { expect, test } from 'vitest'
import { ExtendedSequence } from './extended-sequence.ts'

function steps(...packets: Array<[ssrc: number, sequenceNumber: number]>): number[] {
  const sequence = new ExtendedSequence()
  const extended = packets.map(([ssrc, number]) => sequence.extend(ssrc, number))
  return extended.map((number) => number - (extended[0] ?? 0))
}

test('numbers go on where those of 16 bits wrap, also for what comes late', () => {
  expect(steps([1, 65_534], [1, 0], [1, 65_535], [1, 1], [1, 65_533])).toEqual([0, 2, 1, 3, -1])
})

test('another source, and one that begins anew, is far above all before', () => {
  const [, , other = 0, next, anew = 0] = steps([1, 100], [1, 101], [2, 100], [2, 101], [2, 64_000])
  expect(other).toBeGreaterThan(65_536)
  expect(next).toBe(other + 1)
  expect(anew).toBeGreaterThan(other + 65_536)
})
