/** What a session says in its extended reports, and that two of them measure the round trip by these alone. */
import { expect, test } from 'vitest'
import { HOST, engine, open, options, packet, rawPeer, until } from './loopback.ts'
import type { ExtendedBlock } from './rtcp-xr.ts'
import { buildCompound, parseCompound } from './rtcp.ts'

function blocksOf(message: Buffer | undefined): ExtendedBlock[] {
  const packets = parseCompound(message ?? Buffer.alloc(0)) ?? []
  return packets.flatMap((each) => (each.type === 'XR' ? each.blocks : []))
}

test('reference times are sent and answered, with what was lost since; the last one says what was heard', async () => {
  await using peer = await rawPeer()
  await using media = engine(21)
  const session = await open(media)
  session.start({ ...options(session, { kind: 'Echo' }), remote: peer.address })
  for (const number of [65_534, 65_535, 65_536, 65_538, 65_538]) peer.rtp.send(packet(number), session.rtpPort, HOST)
  const ntp = { seconds: 0x1234_b705, fraction: 0x2000_0000 }
  peer.rtcp.send(
    buildCompound([
      { type: 'RR', ssrc: 77, reports: [] },
      { type: 'XR', ssrc: 77, blocks: [{ block: 'RRTR', ntp }] },
    ]),
    session.rtcpPort,
    HOST,
  )
  await until(() => peer.gotRtcp.length > 0)
  expect(blocksOf(peer.gotRtcp[0])).toMatchObject([
    { block: 'RRTR' },
    { block: 'DLRR', reports: [{ ssrc: 77, lastReceiverReport: 0xb705_2000 }] },
    // The first packet is probation (RFC 3550 A.1).
    {
      block: 'StatisticsSummary',
      ssrc: 77,
      beginSequence: 65_535,
      endSequence: 3,
      lostPackets: 1,
      duplicatePackets: 1,
    },
  ])
  session.stop()
  const last = () => blocksOf(peer.gotRtcp.at(-1)).find((each) => each.block === 'VoipMetrics')
  await until(() => last() !== undefined)
  expect(last()).toMatchObject({
    ssrc: 77,
    lossRate: Math.floor(256 / 5),
    discardRate: 0,
    gmin: 16,
    jitterBuffer: 'NonAdaptive',
    jitterBufferNominal: 60,
    endSystemDelay: 80,
    rFactor: Math.round(session.report().metrics.rFactor ?? NaN),
    mosConversational: Math.round(10 * (session.report().metrics.mos ?? NaN)),
  })
})

test('the round trip of one who sends no RTP comes from its reference time', async () => {
  await using peer = await rawPeer()
  await using media = engine(22)
  const session = await open(media)
  // An echo of nothing sends nothing: its reports are RR.
  session.start({ ...options(session, { kind: 'Echo' }), remote: peer.address })
  await until(() => peer.gotRtcp.length > 0)
  const packets = parseCompound(peer.gotRtcp[0] ?? Buffer.alloc(0))
  expect(packets?.[0]?.type).toBe('RR')
  const [reference] = blocksOf(peer.gotRtcp[0])
  if (packets?.[0]?.type !== 'RR' || reference?.block !== 'RRTR') throw new Error('no reference time')
  const { seconds, fraction } = reference.ntp
  const report = {
    ssrc: packets[0].ssrc,
    lastReceiverReport: ((seconds << 16) | (fraction >>> 16)) >>> 0,
    delaySinceLastReceiverReport: 0,
  }
  peer.rtcp.send(
    buildCompound([
      { type: 'RR', ssrc: 77, reports: [] },
      { type: 'XR', ssrc: 77, blocks: [{ block: 'DLRR', reports: [report] }] },
    ]),
    session.rtcpPort,
    HOST,
  )
  await until(() => session.report().metrics.rtt !== undefined)
  expect(session.report().metrics.rtt).toBeGreaterThan(0)
})
