/** Round-trip time: the example of RFC 3550 6.4.1, its wraps and its limits. */
import { expect, test } from 'vitest'
import { roundTripTime } from './rtt.ts'

test('the example of RFC 3550 figure 2 is 6.125 s', () => {
  expect(roundTripTime(0xb710_8000, 0xb705_2000, 0x0005_4000)).toBe(6125)
})

test('survives the wrap of the compact clock after 18 hours', () => {
  expect(roundTripTime(0x0000_1000, 0xffff_f000, 0x1000)).toBeCloseTo((0x1000 / 65536) * 1000, 9)
})

test.each([
  ['no sender report was seen by the peer', [5_000_000, 0, 0] as const, undefined],
  ['a delay rounded up', [65536, 65500, 40] as const, 0],
  ['a delay that cannot be', [65536, 10, 600_000] as const, undefined],
])('%s', (_name, [arrival, lsr, dlsr], expected) => {
  expect(roundTripTime(arrival, lsr, dlsr)).toBe(expected)
})
