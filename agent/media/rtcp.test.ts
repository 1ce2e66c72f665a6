/** RTCP: what is built is parsed back, and what is broken is refused without a throw. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CNAME, type OtherPacket, type RtcpPacket, buildCompound, parseCompound, stampReport } from './rtcp.ts'

type Buildable = Exclude<RtcpPacket, OtherPacket>
const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
const block = fc.record({
  ssrc: uint(32),
  fractionLost: uint(8),
  cumulativeLost: fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }),
  extendedHighest: uint(32),
  jitter: uint(32),
  lastSenderReport: uint(32),
  delaySinceLastSenderReport: uint(32),
})
const reports = fc.array(block, { maxLength: 31 })
const senderReport = fc.record({
  type: fc.constant('SR' as const),
  ssrc: uint(32),
  ntp: fc.record({ seconds: uint(32), fraction: uint(32) }),
  rtpTimestamp: uint(32),
  packetCount: uint(32),
  octetCount: uint(32),
  reports,
})
const receiverReport = fc.record({ type: fc.constant('RR' as const), ssrc: uint(32), reports })
const text = fc.string({ maxLength: 60, unit: 'binary' })
const item = fc.record({ type: fc.integer({ min: 1, max: 255 }), text })
const description = fc.record({
  type: fc.constant('SDES' as const),
  chunks: fc.array(fc.record({ ssrc: uint(32), items: fc.array(item, { maxLength: 4 }) }), { maxLength: 31 }),
})
const goodbye = fc.record(
  { type: fc.constant('BYE' as const), sources: fc.array(uint(32), { maxLength: 31 }), reason: text },
  { requiredKeys: ['type', 'sources'] },
)
const compound = fc
  .tuple(
    fc.oneof(senderReport, receiverReport),
    fc.array(fc.oneof(senderReport, receiverReport, description, goodbye), { maxLength: 4 }),
  )
  .map(([first, others]): Buildable[] => [first, ...others])

test('a sender report has the layout of RFC 3550 6.4.1', () => {
  const octets = buildCompound([
    {
      type: 'SR',
      ssrc: 0x0102_0304,
      ntp: { seconds: 0xb44d_b705, fraction: 0x2000_0000 },
      rtpTimestamp: 160,
      packetCount: 1,
      octetCount: 172,
      reports: [
        {
          ssrc: 5,
          fractionLost: 28,
          cumulativeLost: -2,
          extendedHighest: 65541,
          jitter: 7,
          lastSenderReport: 0xb705_2000,
          delaySinceLastSenderReport: 0x54000,
        },
      ],
    },
    { type: 'BYE', sources: [0x0102_0304], reason: 'bye' },
  ])
  expect(octets.toString('hex')).toBe(
    '81c8000c' +
      '01020304' +
      'b44db705' +
      '20000000' +
      '000000a0' +
      '00000001' +
      '000000ac' +
      '00000005' +
      '1cfffffe' +
      '00010005' +
      '00000007' +
      'b7052000' +
      '00054000' +
      '81cb0002' +
      '01020304' +
      '03627965',
  )
})

test('whatever is built is parsed back', () => {
  fc.assert(
    fc.property(compound, (packets) => {
      expect(parseCompound(buildCompound(packets))).toEqual(packets)
    }),
  )
})

test('the times of a report are written into it when all else is built, and nothing else of it changes', () => {
  const report = fc.oneof(senderReport, receiverReport)
  const times = fc.record({
    ntp: fc.record({ seconds: uint(32), fraction: uint(32) }),
    rtpTimestamp: uint(32),
    delaySinceLastSenderReport: uint(32),
  })
  fc.assert(
    fc.property(report, times, (built, { delaySinceLastSenderReport, ...ofSender }) => {
      const octets = buildCompound([built, { type: 'BYE', sources: [1] }])
      stampReport(octets, { ...ofSender, delaySinceLastSenderReport })
      const stamped = {
        ...built,
        ...(built.type === 'SR' && ofSender),
        reports: built.reports.map((each, index) => (index === 0 ? { ...each, delaySinceLastSenderReport } : each)),
      }
      expect(parseCompound(octets)?.[0]).toEqual(stamped)
    }),
  )
})

test('texts beyond their octet of length are cut', () => {
  const parsed = parseCompound(
    buildCompound([
      { type: 'RR', ssrc: 1, reports: [] },
      { type: 'SDES', chunks: [{ ssrc: 1, items: [{ type: CNAME, text: 'x'.repeat(300) }] }] },
    ]),
  )
  expect(parsed?.[1]).toEqual({ type: 'SDES', chunks: [{ ssrc: 1, items: [{ type: CNAME, text: 'x'.repeat(255) }] }] })
})

describe('a compound packet', () => {
  const receiver = '80c9000100000001'

  test.each([
    ['a report alone', receiver, 1],
    ['a report and an unknown type', `${receiver}80cf000100000001`, 2],
    ['a report whose last packet is padded', `${receiver}a0ca000100000004`, 2],
    ['nothing', '', undefined],
    ['a description first', '80ca0000', undefined],
    ['a length that does not add up', '80c9000200000001', undefined],
    ['version 1', '40c9000100000001', undefined],
    ['a padded packet in the middle', `a0c900020000000100000004${receiver}`, undefined],
    ['padding longer than the packet', `${receiver}a0ca000100000008`, undefined],
    ['more blocks than octets', '82c9000100000001', undefined],
    ['an item longer than its chunk', `${receiver}81ca00020000000101ff4100`, undefined],
    ['a chunk without its end', `${receiver}81ca0002000000010102414c`, undefined],
    ['a reason longer than its packet', `${receiver}81cb0002000000010a616161`, undefined],
  ])('%s', (_name, hex, count) => {
    expect(parseCompound(Buffer.from(hex, 'hex'))?.length).toBe(count)
  })
})

test('no octets make parsing throw', () => {
  const mutated = fc
    .tuple(compound, fc.array(fc.tuple(fc.nat(), uint(8)), { maxLength: 6 }), fc.nat())
    .map(([packets, changes, cut]) => {
      const octets = buildCompound(packets)
      for (const [position, value] of changes) octets[position % octets.length] = value
      return octets.subarray(0, octets.length - (cut % 5))
    })
  const noise = fc.uint8Array({ maxLength: 120 }).map((octets) => Buffer.from(octets))
  fc.assert(
    fc.property(fc.oneof(mutated, noise), (octets) => {
      expect(parseCompound(octets)?.length ?? 0).toBeLessThanOrEqual(octets.length / 4)
    }),
    { numRuns: 3000 },
  )
})
