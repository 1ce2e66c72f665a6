/** The stream of a source packet by packet: its clock over digits and over time that was left out. */
import { expect, test } from 'vitest'
import { CODECS } from './codec/codecs.ts'
import { digitPackets } from './codec/telephone-event.ts'
import { HOST, rawPeer, until } from './loopback.ts'
import { PacketBuffers } from './packet-buffers.ts'
import { Peer } from './peer.ts'
import { PortPairs } from './ports.ts'
import { timestamp } from './rtp.ts'
import { ProtectedSession } from './protected-session.ts'
import { Sender } from './sender.ts'
import { SourceSender } from './source-sender.ts'
import { Sources } from './source/sources.ts'

const FORMAT = { payloadType: 111, ptime: 20 }
const CODEC = CODECS.G722

async function stream() {
  const peer = await rawPeer()
  const pair = await new PortPairs().bind(HOST)
  if (!pair) throw new Error('no ports')
  const totals = { packetsSent: 0, packetsReceived: 0, sendErrors: 0, refused: 0 }
  const protection = new ProtectedSession()
  const to = new Peer(HOST, peer.address.rtpPort)
  const sender = new Sender({
    socket: pair.rtp,
    peer: to,
    path: undefined,
    ssrc: 1,
    clockRate: CODEC.clockRate,
    protection,
    buffers: new PacketBuffers(),
    totals,
  })
  const loop = new Sources().packets(CODEC, FORMAT.ptime, { kind: 'Speech' })
  const source = new SourceSender(
    sender,
    { ...FORMAT, source: loop },
    { sequenceNumber: 65_535, timestamp: 0xffff_ff00 },
  )
  return {
    ...{ peer, sender, loop, source },
    async [Symbol.asyncDispose]() {
      await pair[Symbol.asyncDispose]()
      await peer[Symbol.asyncDispose]()
    },
  }
}

test('the clock that reports name goes on while packets have the timestamp of their digit', async () => {
  await using sent = await stream()
  sent.source.queue(101, digitPackets('5', { duration: 100, gap: 60 }, { clockRate: CODEC.clockRate, ptime: 20 }))
  for (let packet = 0; packet < 12; packet++) {
    sent.source.next(packet * 20, 0)
    expect(sent.sender.timestampAt(packet * 20 + 10)).toBe((0xffff_ff00 + packet * 160 + 80) >>> 0)
  }
})

test('time that is left out is left out of the clock and of the source', async () => {
  await using sent = await stream()
  sent.source.next(0, 0)
  sent.source.next(5020, 5000)
  sent.source.next(5045, 5)
  await until(() => sent.peer.got.length === 3)
  const [first, second, third] = sent.peer.got.map((message) => (timestamp(message) - 0xffff_ff00) >>> 0)
  expect([first, second, third]).toEqual([0, 160 + 40_000, 320 + 40_040])
  const payloads = sent.peer.got.map((message) => message.subarray(12))
  const packet = (index: number) => sent.loop.octets.subarray(sent.loop.starts[index], sent.loop.ends[index])
  expect(payloads).toEqual([packet(0), packet(251), packet(252)])
})

test('the source begins again after its last packet', async () => {
  await using sent = await stream()
  for (let index = 0; index < 301; index++) {
    sent.source.next(index * 20, 0)
    if (index % 50 === 49) await until(() => sent.peer.got.length === index + 1)
  }
  await until(() => sent.peer.got.length === 301)
  expect(sent.peer.got[300]?.subarray(12)).toEqual(sent.peer.got[0]?.subarray(12))
  expect(new Set(sent.peer.got.map((message) => message.length))).toEqual(new Set([172]))
})
