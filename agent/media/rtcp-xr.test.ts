/** Extended reports: their layout, reading back what was written, and what is passed over. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ExtendedBlock, UNAVAILABLE } from './rtcp-xr.ts'
import { type RtcpPacket, buildCompound, parseCompound } from './rtcp.ts'

const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
const level = fc.integer({ min: -128, max: 127 })
const referenceTime = fc.record({
  block: fc.constant('RRTR' as const),
  ntp: fc.record({ seconds: uint(32), fraction: uint(32) }),
})
const delays = fc.record({
  block: fc.constant('DLRR' as const),
  reports: fc.array(
    fc.record({ ssrc: uint(32), lastReceiverReport: uint(32), delaySinceLastReceiverReport: uint(32) }),
    { maxLength: 5 },
  ),
})
const statistics = fc.record(
  {
    block: fc.constant('StatisticsSummary' as const),
    ssrc: uint(32),
    beginSequence: uint(16),
    endSequence: uint(16),
    lostPackets: uint(32),
    duplicatePackets: uint(32),
    jitter: fc.record({ min: uint(32), max: uint(32), mean: uint(32), deviation: uint(32) }),
  },
  { requiredKeys: ['block', 'ssrc', 'beginSequence', 'endSequence'] },
)
const voipMetrics = fc.record({
  block: fc.constant('VoipMetrics' as const),
  ssrc: uint(32),
  lossRate: uint(8),
  discardRate: uint(8),
  burstDensity: uint(8),
  gapDensity: uint(8),
  burstDuration: uint(16),
  gapDuration: uint(16),
  roundTripDelay: uint(16),
  endSystemDelay: uint(16),
  signalLevel: level,
  noiseLevel: level,
  residualEchoReturnLoss: uint(8),
  gmin: uint(8),
  rFactor: uint(8),
  externalRFactor: uint(8),
  mosListening: uint(8),
  mosConversational: uint(8),
  concealment: fc.constantFrom(...(['Unspecified', 'Disabled', 'Enhanced', 'Standard'] as const)),
  jitterBuffer: fc.constantFrom(...(['Unknown', 'NonAdaptive', 'Adaptive'] as const)),
  jitterBufferNominal: uint(16),
  jitterBufferMaximum: uint(16),
  jitterBufferAbsoluteMaximum: uint(16),
})
const blocks = fc.array(fc.oneof(referenceTime, delays, statistics, voipMetrics), { maxLength: 8 })

const RECEIVER = '80c9000100000001'

function blocksOf(hex: string): ExtendedBlock[] | undefined {
  const packet: RtcpPacket | undefined = parseCompound(Buffer.from(RECEIVER + hex, 'hex'))?.[1]
  return packet?.type === 'XR' ? packet.blocks : undefined
}

test('has the layout of RFC 3611 2, 4.4, 4.5, 4.6 and 4.7', () => {
  const octets = buildCompound([
    {
      type: 'XR',
      ssrc: 0x0102_0304,
      blocks: [
        { block: 'RRTR', ntp: { seconds: 0xb44d_b705, fraction: 0x2000_0000 } },
        {
          block: 'DLRR',
          reports: [{ ssrc: 5, lastReceiverReport: 0xb705_2000, delaySinceLastReceiverReport: 0x54000 }],
        },
        { block: 'StatisticsSummary', ssrc: 5, beginSequence: 65533, endSequence: 4, lostPackets: 2 },
        {
          block: 'VoipMetrics',
          ssrc: 5,
          lossRate: 12,
          discardRate: 13,
          burstDensity: 85,
          gapDensity: 10,
          burstDuration: 120,
          gapDuration: 255,
          roundTripDelay: 40,
          endSystemDelay: 80,
          signalLevel: -20,
          noiseLevel: UNAVAILABLE,
          residualEchoReturnLoss: UNAVAILABLE,
          gmin: 16,
          rFactor: 93,
          externalRFactor: UNAVAILABLE,
          mosListening: 44,
          mosConversational: 43,
          concealment: 'Standard',
          jitterBuffer: 'Adaptive',
          jitterBufferNominal: 60,
          jitterBufferMaximum: 200,
          jitterBufferAbsoluteMaximum: 200,
        },
      ],
    },
  ])
  expect(octets.toString('hex')).toBe(
    '80cf001b01020304' +
      '04000002b44db70520000000' +
      '0500000300000005b705200000054000' +
      `0680000900000005fffd000400000002${'00'.repeat(24)}` +
      '07000008000000050c0d550a007800ff00280050ec7f7f105d7f2c2bf000003c00c800c8',
  )
})

test('whatever is built is parsed back', () => {
  fc.assert(
    fc.property(blocks, uint(32), (all, ssrc) => {
      const packets: RtcpPacket[] = [
        { type: 'RR', ssrc, reports: [] },
        { type: 'XR', ssrc, blocks: all },
      ]
      expect(parseCompound(buildCompound(packets.filter((packet) => packet.type !== 'Other')))).toEqual(packets)
    }),
  )
})

test.each([
  ['no block', '80cf000100000001', []],
  ['an unknown type before a known one', '80cf0005000000015500000004000002b44db70520000000', ['RRTR']],
  ['a block shorter than its type', '80cf00030000000104000001b44db705', []],
  ['a block longer than its packet', '80cf00040000000104000009b44db70520000000', []],
  ['a delay block that is no multiple of its reports', '80cf00030000000105000001b44db705', []],
  ['less than an SSRC', '80cf0000', undefined],
])('%s', (_name, hex, expected) => {
  expect(blocksOf(hex)?.map(({ block }) => block)).toEqual(expected)
})

test('no octets make parsing throw', () => {
  const noise = fc.uint8Array({ maxLength: 30 }).map((octets) => {
    const content = Buffer.from(octets).subarray(0, octets.length & ~3)
    const header = Buffer.from('80cf000000000001', 'hex')
    header.writeUInt16BE(1 + content.length / 4, 2)
    return Buffer.concat([Buffer.from(RECEIVER, 'hex'), header, content])
  })
  fc.assert(
    fc.property(noise, (octets) => {
      expect(parseCompound(octets)?.length).toBe(2)
    }),
    { numRuns: 3000 },
  )
})
