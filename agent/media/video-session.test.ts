/** A video session on real sockets: what it measures of a clip that is sent, while strangers and the peer send it garbage. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { seededRandom, systemRandom } from '../../lib/random.ts'
import { createMediaEngine } from './engine.ts'
import { readCorpus } from './fuzz/corpus.ts'
import { createMutator } from './fuzz/mutate.ts'
import { buildCompound } from './rtcp.ts'
import type { VideoSession } from './video-session.ts'
import { buildFeedback, parseFeedback, VideoSender } from './video/index.ts'

const HOST = '127.0.0.1'
const SSRC = 0x0bad_cafe
const HOSTILE = 4000
/** Of a hostile packet: the buffer of the socket holds all of a turn. */
const MOST_OCTETS = 1400

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket
}

function started(session: VideoSession, engine: ReturnType<typeof createMediaEngine>, port: number): void {
  session.start({
    remote: { host: HOST, rtpPort: port, rtcpPort: port },
    clip: engine.clip('VP8', 'R360p'),
    ...{ frameRate: 30, payloadType: 96, receivedType: 96, rtcpMux: true, sending: true },
    repair: { nack: true, keyFrames: 'PLI' },
  })
}

test('garbage of strangers and of the peer changes nothing of what is measured, and what it asks for is answered', async () => {
  await using engine = createMediaEngine({ clock: systemClock, random: systemRandom })
  const opened = await engine.openVideo(HOST)
  if (opened.kind !== 'Open') throw new Error(opened.kind)
  const { session } = opened
  const [peer, stranger] = [await bound(), await bound()]
  started(session, engine, peer.address().port)
  let ours = 0
  peer.on('message', (message) => {
    if (message.readUInt8(1) < 192) ours = message.readUInt32BE(8)
  })
  const sender = new VideoSender(
    {
      ...{ clip: engine.clip('VP8', 'R360p'), ssrc: SSRC, payloadType: 96, frameRate: 30 },
      start: { sequenceNumber: 65_500, timestamp: 1 },
      send: (octets) => peer.send(octets, session.rtpPort, HOST),
    },
    systemClock.monotonic(),
  )
  const { packet, pick } = createMutator(seededRandom(3), readCorpus())
  for (let sent = 0; sent < HOSTILE;) {
    sender.step(systemClock.monotonic())
    for (let burst = 0; burst < 20; burst++, sent++) {
      stranger.send(packet().subarray(0, MOST_OCTETS), pick([session.rtpPort, session.rtcpPort]), HOST)
      // Of the peer only what is no video: another stream of its payload type would be the next one.
      const garbage = packet().subarray(0, MOST_OCTETS)
      if (garbage.length > 1) garbage[1] = 200 + (sent % 8)
      peer.send(garbage, session.rtpPort, HOST)
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const request = buildFeedback([{ type: 'FIR', sender: SSRC, commands: [{ ssrc: ours, number: 3 }] }])
  expect(parseFeedback(request)).toHaveLength(1)
  peer.send(Buffer.concat([buildCompound([{ type: 'RR', ssrc: SSRC, reports: [] }]), request]), session.rtpPort, HOST)
  await expect.poll(() => session.report().firsReceived).toBeGreaterThan(0)
  session.stop()
  const { frameWidth, frameHeight, keyFrames, incompleteFrames, frameRate } = session.report()
  expect({ frameWidth, frameHeight, keyFrames, incompleteFrames }).toEqual({
    ...{ frameWidth: 640, frameHeight: 360, incompleteFrames: 0 },
    keyFrames: Math.ceil(sender.frames / 30),
  })
  expect(frameRate).toBeGreaterThan(0)
  expect(engine.gauges.refused).toBeGreaterThan(HOSTILE / 4)
  for (const socket of [peer, stranger]) socket.close()
  await session[Symbol.asyncDispose]()
  expect(engine.gauges.portsUsed).toBe(0)
})

test('it starts once, and not after its end', async () => {
  await using engine = createMediaEngine({ clock: systemClock, random: systemRandom })
  const opened = await engine.openVideo(HOST)
  if (opened.kind !== 'Open') throw new Error(opened.kind)
  const { session } = opened
  expect(session.report()).toEqual({})
  expect(() => session.renegotiate({ remote: { host: HOST, rtpPort: 9, rtcpPort: 9 }, sending: false })).toThrow(
    'that runs',
  )
  started(session, engine, 9)
  expect(() => started(session, engine, 9)).toThrow('starts once')
  session.stop()
  expect(() => started(session, engine, 9)).toThrow('starts once')
})
