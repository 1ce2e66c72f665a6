/** SRTP both ways with libsrtp, over UDP: what we protect it reads, what it protects we read, and what must be refused it refuses as we do. */
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import {
  createKeyLine,
  MOST_OVERHEAD,
  type SrtpOutcome,
  SrtpReceiver,
  SrtpSender,
  suiteNames,
} from '../../agent/media/srtp/index.ts'
import { rtcpPacket, rtpPacket } from '../../agent/media/srtp/packets.fixture.ts'
import { shows } from '../lab/features.ts'
import { libsrtp } from '../lab/libsrtp.ts'
import { until } from '../lab/process.ts'

const SSRC = 0xcafe_babe

/** The outcome's packet in memory of its own; a refusal is a failure of the test. */
function packetOf(outcome: SrtpOutcome): Buffer {
  if (outcome.kind !== 'Ok') throw new Error(outcome.reason)
  return Buffer.from(outcome.packet)
}

async function echoed(socket: Socket, packet: Buffer): Promise<Buffer> {
  const answer: Promise<[Buffer, ...unknown[]]> = once(socket, 'message').then(([message]) => [message])
  socket.send(packet)
  return (await answer)[0]
}

describe.each(suiteNames)('libsrtp with %s', (suite) => {
  async function connected() {
    const ours = createKeyLine(1, suite, randomBytes)
    const theirs = createKeyLine(1, suite, randomBytes)
    const peer = await libsrtp({ suite, receive: ours.line.key, send: theirs.line.key })
    const socket = createSocket('udp4')
    socket.connect(peer.port, '127.0.0.1')
    await once(socket, 'connect')
    const sender = new SrtpSender(ours.master)
    const receiver = new SrtpReceiver(theirs.master)
    return {
      ...{ peer, socket, sender, receiver },
      protect: (packet: Buffer) => packetOf(sender.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD))),
      async [Symbol.asyncDispose]() {
        socket.close()
        await peer[Symbol.asyncDispose]()
      },
    }
  }

  test('RTP: 600 packets of all lengths, across a wrap, some late', shows({ libsrtp: [suite] }), async () => {
    await using far = await connected()
    const packets = Array.from({ length: 600 }, (_, index) => rtpPacket(SSRC, (65_300 + index) % 65_536, index % 200))
    const sent = packets.map((packet) => ({ packet, sealed: far.protect(packet) }))
    // Every tenth packet overtakes the five before it.
    for (let index = 10; index < sent.length; index += 10) sent.splice(index - 5, 0, ...sent.splice(index, 1))
    const wrong: number[] = []
    for (const [index, { packet, sealed }] of sent.entries()) {
      const outcome = far.receiver.unprotectRtp(await echoed(far.socket, sealed))
      if (outcome.kind !== 'Ok' || !outcome.packet.equals(packet)) wrong.push(index)
    }
    expect(wrong).toEqual([])
    expect(far.peer.refused()).toEqual([])
  })

  test('RTCP: 50 packets, beside RTP on the same port', shows({ libsrtp: [suite, 'srtcp'] }), async () => {
    await using far = await connected()
    const report = rtcpPacket(SSRC)
    for (let index = 0; index < 50; index++) {
      const packet = rtpPacket(SSRC, index)
      const answer = await echoed(far.socket, far.protect(packet))
      expect(far.receiver.unprotectRtp(answer)).toEqual({ kind: 'Ok', packet })
      const reported = await echoed(far.socket, packetOf(far.sender.protectRtcp(report)))
      expect(far.receiver.unprotectRtcp(reported)).toEqual({ kind: 'Ok', packet: report })
    }
    expect(far.peer.refused()).toEqual([])
  })

  test(
    'a replayed and a changed packet: libsrtp refuses ours, we its',
    shows({ libsrtp: ['srtp-replay'] }),
    async () => {
      await using far = await connected()
      const sealed = far.protect(rtpPacket(SSRC, 1))
      const answer = await echoed(far.socket, sealed)
      const [again, changed] = [Buffer.from(answer), Buffer.from(answer)]
      changed.writeUInt16BE(2, 2)
      expect(far.receiver.unprotectRtp(answer).kind).toBe('Ok')
      expect(far.receiver.unprotectRtp(again)).toEqual({ kind: 'Refused', reason: 'Replay' })
      expect(far.receiver.unprotectRtp(changed)).toEqual({ kind: 'Refused', reason: 'Authentication' })

      const forged = Buffer.from(sealed)
      forged.writeUInt16BE(2, 2)
      far.socket.send(sealed)
      far.socket.send(forged)
      await until(() => far.peer.refused().length === 2, { what: 'libsrtp refused both' })
      const packet = rtpPacket(SSRC, 3)
      const next = await echoed(far.socket, far.protect(packet))
      expect(far.receiver.unprotectRtp(next)).toEqual({ kind: 'Ok', packet })
    },
  )
})
