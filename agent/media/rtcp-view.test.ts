/** What is read from the peer's reports: the round trip by SR or by reference time, and the stamps to return. */
import { describe, expect, test } from 'vitest'
import type { RtcpPacket } from './rtcp.ts'
import { PeerReports, delaySince } from './rtcp-view.ts'

const OURS = 1
const PEER = 77
/** One second in units of compact NTP time. */
const SECOND = 65_536

function block(lastSenderReport: number, delaySinceLastSenderReport: number) {
  const rest = { fractionLost: 0, cumulativeLost: 3, extendedHighest: 70_000, jitter: 16 }
  return { ssrc: OURS, ...rest, lastSenderReport, delaySinceLastSenderReport }
}

const receiverReport = (...reports: ReturnType<typeof block>[]): RtcpPacket => ({ type: 'RR', ssrc: PEER, reports })

function delays(lastReceiverReport: number, delaySinceLastReceiverReport: number, ssrc = OURS): RtcpPacket {
  return {
    type: 'XR',
    ssrc: PEER,
    blocks: [{ block: 'DLRR', reports: [{ ssrc, lastReceiverReport, delaySinceLastReceiverReport }] }],
  }
}

/** Our SR left at 10 s, our reference time at 20 s; the packets come at 21 s, of which the peer held them for half a second. */
function rttOf(...packets: readonly RtcpPacket[]) {
  const reports = new PeerReports(OURS)
  reports.sentReports.add(10 * SECOND)
  reports.sentReferences.add(20 * SECOND)
  reports.read({ at: 5000, compact: 21 * SECOND }, packets)
  return reports.view.rtt
}

describe('the round trip', () => {
  test('is that of the SR a report names', () => {
    expect(rttOf(receiverReport(block(10 * SECOND, 10.5 * SECOND)))).toEqual({ sum: 500, count: 1 })
  })

  test('is that of a reference time where the report names no SR, also to one who sends nothing', () => {
    const withoutSr = receiverReport(block(0, 0))
    expect(rttOf(withoutSr, delays(20 * SECOND, SECOND / 2))).toEqual({ sum: 500, count: 1 })
    expect(rttOf(receiverReport(), delays(20 * SECOND, SECOND / 2))).toEqual({ sum: 500, count: 1 })
  })

  test('counts once for a packet that gives both', () => {
    const both = rttOf(receiverReport(block(10 * SECOND, 10.5 * SECOND)), delays(20 * SECOND, SECOND / 4))
    expect(both).toEqual({ sum: 500, count: 1 })
  })

  test.each([
    ['a reference time that we did not send', delays(19 * SECOND, SECOND / 2)],
    ['none', delays(0, 0)],
    ['somebody else', delays(20 * SECOND, SECOND / 2, 5)],
    ['our own XR, back', { ...delays(20 * SECOND, SECOND / 2), ssrc: OURS }],
  ])('is not made of %s', (_name, packet) => {
    expect(rttOf(receiverReport(), packet)).toEqual({ sum: 0, count: 0 })
  })
})

test('stamps of the peer are returned with the time since', () => {
  const reports = new PeerReports(OURS)
  expect(reports.heardReference).toBeUndefined()
  const ntp = { seconds: 0x1234_b705, fraction: 0x2000_0000 }
  const counts = { rtpTimestamp: 0, packetCount: 0, octetCount: 0, reports: [] }
  reports.read({ at: 1000, compact: 0 }, [
    { type: 'SR', ssrc: PEER, ntp, ...counts },
    { type: 'XR', ssrc: PEER, blocks: [{ block: 'RRTR', ntp }] },
  ])
  const stamp = { ssrc: PEER, compact: 0xb705_2000, at: 1000 }
  expect(reports.heardReport(PEER)).toEqual(stamp)
  expect(reports.heardReport(5)).toBeUndefined()
  expect(reports.heardReference).toEqual(stamp)
  expect(delaySince(stamp, 1500)).toBe(SECOND / 2)
})

test('the view of our stream is that of the last report, and when reports came', () => {
  const reports = new PeerReports(OURS)
  for (const at of [1000, 2000, 4000]) reports.read({ at, compact: 0 }, [receiverReport(block(0, 0))])
  reports.read({ at: 5000, compact: 0 }, [{ type: 'RR', ssrc: OURS, reports: [block(0, 0)] }])
  expect(reports.view).toEqual({
    rtt: { sum: 0, count: 0 },
    jitter: { sum: 48, count: 3 },
    cumulativeLost: 3,
    extendedHighest: 70_000,
    reports: 3,
    received: { count: 4, first: 1000, last: 5000 },
  })
})
