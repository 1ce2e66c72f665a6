/** Our RTCP, read by tshark's dissectors as they come from the package: no complaint, and the values that were meant. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HOST, engine, open, options, packet, rawPeer, until } from '../../agent/media/loopback.ts'
import { UNAVAILABLE } from '../../agent/media/rtcp-xr.ts'
import { buildCompound } from '../../agent/media/rtcp.ts'
import { shows } from '../lab/features.ts'
import { temporaryFolder } from '../lab/process.ts'
import { readPcap } from '../lab/tshark.ts'
import { udpPcap } from '../lab/udp-pcap.ts'

/** What tshark says of itself: remarks of any severity, what it could not read, whether the lengths of the compound add up. */
const REMARKS = ['_ws.expert.message', '_ws.malformed', 'rtcp.length_check'] as const

/** tshark knows RTCP by this port. */
const PORT = 5005

async function dissect(messages: readonly Buffer[], fields: readonly string[]): Promise<Record<string, string>[]> {
  using folder = temporaryFolder('rtcp')
  const path = join(folder.path, 'rtcp.pcap')
  const datagrams = messages.map((payload, index) => ({ at: index, sourcePort: PORT, destinationPort: PORT, payload }))
  writeFileSync(path, udpPcap(datagrams))
  return await readPcap(path, [...REMARKS, 'frame.protocols', ...fields])
}

const SOUND = { '_ws.expert.message': '', '_ws.malformed': '', 'rtcp.length_check': '1' }

/** What tshark shows of a report block, and what it should be. */
const BLOCK = {
  'rtcp.ssrc.identifier': '0x00000005',
  'rtcp.ssrc.fraction': '64',
  'rtcp.ssrc.cum_nr': '-3',
  'rtcp.ssrc.high_cycles': '1',
  'rtcp.ssrc.high_seq': '23',
  'rtcp.ssrc.jitter': '160',
  'rtcp.ssrc.lsr': String(0xb705_2000),
  'rtcp.ssrc.dlsr': String(0x54000),
}

test('SR and RR, each with a report block', shows({ tshark: ['sr', 'rr'] }), async () => {
  const report = {
    ...{ ssrc: 5, fractionLost: 64, cumulativeLost: -3, extendedHighest: 65_559, jitter: 160 },
    ...{ lastSenderReport: 0xb705_2000, delaySinceLastSenderReport: 0x54000 },
  }
  const sender = {
    ...{ ntp: { seconds: 0xb44d_b705, fraction: 0x2000_0000 }, rtpTimestamp: 16_000 },
    ...{ packetCount: 100, octetCount: 17_200 },
  }
  const values = {
    'rtcp.timestamp.ntp.msw': String(0xb44d_b705),
    'rtcp.timestamp.ntp.lsw': String(0x2000_0000),
    'rtcp.timestamp.rtp': '16000',
    'rtcp.sender.packetcount': '100',
    'rtcp.sender.octetcount': '17200',
  }
  const packets = [
    buildCompound([{ type: 'SR', ssrc: 1, ...sender, reports: [report] }]),
    buildCompound([{ type: 'RR', ssrc: 1, reports: [report] }]),
  ]
  const dissected = await dissect(packets, [...Object.keys(BLOCK), ...Object.keys(values)])
  expect(dissected[0]).toMatchObject({ ...SOUND, ...BLOCK, ...values })
  expect(dissected[1]).toMatchObject({ ...SOUND, ...BLOCK, 'rtcp.sender.packetcount': '' })
})

const EXTENDED = ['xr-reference-time', 'xr-dlrr', 'xr-statistics', 'xr-voip-metrics'] as const

test('each field of the four blocks', shows({ tshark: ['source-description', ...EXTENDED] }), async () => {
  const octets = buildCompound([
    { type: 'RR', ssrc: 1, reports: [] },
    { type: 'SDES', chunks: [{ ssrc: 1, items: [{ type: 1, text: 'someone@192.0.2.1' }] }] },
    {
      type: 'XR',
      ssrc: 1,
      blocks: [
        { block: 'RRTR', ntp: { seconds: 0xb44d_b705, fraction: 0x2000_0000 } },
        {
          block: 'DLRR',
          reports: [{ ssrc: 5, lastReceiverReport: 0xb705_2000, delaySinceLastReceiverReport: 0x54000 }],
        },
        {
          block: 'StatisticsSummary',
          ssrc: 5,
          beginSequence: 65_533,
          endSequence: 4,
          lostPackets: 2,
          duplicatePackets: 1,
          jitter: { min: 3, max: 90, mean: 30, deviation: 7 },
        },
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
          residualEchoReturnLoss: 55,
          gmin: 16,
          rFactor: 93,
          externalRFactor: UNAVAILABLE,
          mosListening: 44,
          mosConversational: 43,
          concealment: 'Standard',
          jitterBuffer: 'Adaptive',
          jitterBufferNominal: 60,
          jitterBufferMaximum: 200,
          jitterBufferAbsoluteMaximum: 300,
        },
      ],
    },
    { type: 'BYE', sources: [1] },
  ])
  const values = {
    'rtcp.sdes.text': 'someone@192.0.2.1',
    'rtcp.xr.timestamp': 'Nov 10, 1995 11:33:25.125000000 UTC',
    'rtcp.xr.lrr': String(0xb705_2000),
    'rtcp.xr.dlrr': String(0x54000),
    'rtcp.xr.beginseq': '65533',
    'rtcp.xr.endseq': '4',
    'rtcp.xr.stats.lost': '2',
    'rtcp.xr.stats.dups': '1',
    'rtcp.xr.stats.minjitter': '3',
    'rtcp.xr.stats.maxjitter': '90',
    'rtcp.xr.stats.meanjitter': '30',
    'rtcp.xr.stats.devjitter': '7',
    'rtcp.xr.voipmetrics.burstdensity': '85',
    'rtcp.xr.voipmetrics.gapdensity': '10',
    'rtcp.xr.voipmetrics.burstduration': '120',
    'rtcp.xr.voipmetrics.gapduration': '255',
    'rtcp.xr.voipmetrics.rtdelay': '40',
    'rtcp.xr.voipmetrics.esdelay': '80',
    'rtcp.xr.voipmetrics.signallevel': '-20',
    'rtcp.xr.voipmetrics.noiselevel': '127',
    'rtcp.xr.voipmetrics.rerl': '55',
    'rtcp.xr.voipmetrics.gmin': '16',
    'rtcp.xr.voipmetrics.rfactor': '93',
    'rtcp.xr.voipmetrics.extrfactor': '127',
    'rtcp.xr.voipmetrics.moslq': '4.4',
    'rtcp.xr.voipmetrics.moscq': '4.3',
    'rtcp.xr.voipmetrics.plc': '3',
    'rtcp.xr.voipmetrics.jba': '3',
    'rtcp.xr.voipmetrics.jbnominal': '60',
    'rtcp.xr.voipmetrics.jbmax': '200',
    'rtcp.xr.voipmetrics.jbabsmax': '300',
  }
  const [dissected] = await dissect([octets], Object.keys(values))
  expect(dissected).toEqual({ ...SOUND, 'frame.protocols': 'raw:ip:udp:rtcp', ...values })
})

test('a BYE with its reason', shows({ tshark: ['bye'] }), async () => {
  const octets = buildCompound([
    { type: 'RR', ssrc: 1, reports: [] },
    { type: 'BYE', sources: [1], reason: 'it is over' },
  ])
  expect(await dissect([octets], ['rtcp.sdes.text'])).toMatchObject([{ ...SOUND, 'rtcp.sdes.text': 'it is over' }])
})

test('what a session sends: each report, and the last one with BYE', shows({ tshark: ['sr', 'bye'] }), async () => {
  await using peer = await rawPeer()
  await using media = engine(31)
  const session = await open(media)
  session.start({ ...options(session, { kind: 'Tone' }), remote: peer.address })
  for (const number of [1, 2, 4, 4, 3]) peer.rtp.send(packet(number), session.rtpPort, HOST)
  await until(() => peer.gotRtcp.length >= 2)
  session.stop()
  const count = peer.gotRtcp.length
  await until(() => peer.gotRtcp.length > count)
  const fields = ['rtcp.xr.timestamp', 'rtcp.xr.stats.lost', 'rtcp.xr.voipmetrics.gmin', 'rtcp.ssrc.identifier']
  const dissected = await dissect(peer.gotRtcp, fields)
  for (const each of dissected) {
    expect(each).toMatchObject(SOUND)
    expect(each['rtcp.xr.timestamp']).not.toBe('')
  }
  expect(dissected[0]).toMatchObject({ 'rtcp.xr.stats.lost': '0', 'rtcp.ssrc.identifier': '0x0000004d' })
  expect(dissected.at(-1)).toMatchObject({ 'rtcp.xr.voipmetrics.gmin': '16' })
})
