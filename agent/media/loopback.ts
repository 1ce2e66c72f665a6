/** For the tests of this folder: sessions and bare peers on real sockets of the loopback. No part of the agent uses it. */
import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import { sleep, systemClock } from '../../lib/clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { createMediaEngine } from './index.ts'
import type { MediaEngine, MediaSession, Source, StartOptions } from './index.ts'
import { createPacket, stampPacket } from './rtp.ts'

export const HOST = '127.0.0.1'
export const FIXED = { mode: 'Fixed', delay: 60 } as const

/** Resolves once the condition holds; the test's own time limit ends a wait for nothing. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(systemClock, 2)
}

export function engine(seed = 1): MediaEngine {
  const media = createMediaEngine({ clock: systemClock, random: seededRandom(seed) })
  for (const kind of ['Tone', 'Speech'] as const) media.prepare({ codec: 'PCMA', ptime: 20, source: { kind } })
  return media
}

export async function open(media: MediaEngine, host = HOST): Promise<MediaSession> {
  const outcome = await media.open(host)
  if (outcome.kind !== 'Open') throw new Error(outcome.kind)
  return outcome.session
}

export function options(remote: MediaSession, source: Source, host = HOST): StartOptions {
  const address = { host, rtpPort: remote.rtpPort, rtcpPort: remote.rtcpPort }
  return { remote: address, codec: 'PCMA', payloadType: 8, ptime: 20, source, jitterBuffer: FIXED }
}

/** A peer that is only a pair of sockets: what it gets is kept. */
export async function rawPeer() {
  const sockets: Socket[] = [createSocket('udp4'), createSocket('udp4')]
  const got: Buffer[][] = [[], []]
  for (const [index, socket] of sockets.entries()) {
    socket.on('message', (message) => got[index]?.push(message))
    socket.bind(0, HOST)
    await once(socket, 'listening')
  }
  const [rtp, rtcp] = sockets
  if (!rtp || !rtcp) throw new Error('no sockets')
  return {
    rtp,
    rtcp,
    got: got[0] ?? [],
    gotRtcp: got[1] ?? [],
    address: { host: HOST, rtpPort: rtp.address().port, rtcpPort: rtcp.address().port },
    async [Symbol.asyncDispose]() {
      await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
    },
  }
}

export function packet(number: number, source = 77, type = 8): Buffer {
  const octets = createPacket(type, source, 160)
  stampPacket(octets, number === 0, number & 0xffff, number * 160)
  return octets
}
