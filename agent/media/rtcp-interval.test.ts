/** RTCP timing: its bounds for a call of two parties. */
import { describe, expect, test } from 'vitest'
import { averageSize, rtcpInterval } from './rtcp-interval.ts'

const bandwidth = 80
const lowest = () => 0
const highest = () => 1

describe('the interval', () => {
  test('lets several reports into a call of three seconds', () => {
    const first = { averageSize: 120, initial: true, bandwidth }
    const next = { ...first, initial: false }
    expect(rtcpInterval(first, lowest)).toBeCloseTo(205.2, 1)
    expect(rtcpInterval(first, highest)).toBeCloseTo(615.6, 1)
    expect(rtcpInterval(next, lowest)).toBeCloseTo(410.4, 1)
    expect(rtcpInterval(next, highest)).toBeCloseTo(1231.2, 1)
  })

  test('keeps RTCP within 5 % of the bandwidth when packets are large', () => {
    const size = 2000
    const mean = rtcpInterval({ averageSize: size, initial: false, bandwidth }, () => 0.5)
    // Two members, each a packet an interval; the compensation is what reconsideration gives back.
    const kilobits = (2 * size * 8) / (mean * (Math.E - 1.5))
    expect(kilobits).toBeCloseTo(0.05 * bandwidth, 9)
  })
})

test('the average size follows the packets by a sixteenth, lower layers included', () => {
  expect(averageSize(120, 92)).toBe(120)
  expect(averageSize(120, 108)).toBe(121)
})
