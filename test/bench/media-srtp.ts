/** What SRTP adds to a packet of G.711: microseconds to protect and to unprotect it, of each suite. No socket has a part in it. */
import { createPacket, stampPacket } from '../../agent/media/rtp.ts'
import { MOST_OVERHEAD, type SrtpReceiver, type SuiteName } from '../../agent/media/srtp/index.ts'
import { protectionOf } from './media-sessions.ts'

const PAYLOAD = 160
/** Protected one after the other, then all unprotected. */
const BATCH = 1000

export interface SrtpCost {
  readonly protect: number
  readonly unprotect: number
}

/** @param batches of a thousand packets; the first half of them is for the compiler, and does not count */
export function srtpCost(suite: SuiteName, batches: number): SrtpCost {
  const protection = protectionOf(suite)
  using sender = protection.sender
  using receiver = protection.receiver
  const packet = createPacket(8, 1, PAYLOAD)
  const room = Array.from({ length: BATCH }, () => Buffer.alloc(packet.length + MOST_OVERHEAD))
  const spent = { protect: 0, unprotect: 0 }
  let counted = 0
  for (let batch = 0; batch < batches; batch++) {
    const began = process.cpuUsage()
    const wire = room.map((into, index) => {
      const number = batch * BATCH + index
      stampPacket(packet, false, number & 0xffff, (number * PAYLOAD) >>> 0)
      return content(sender.protectRtp(packet, into))
    })
    const between = process.cpuUsage()
    for (const octets of wire) content(receiver.unprotectRtp(octets))
    const ended = process.cpuUsage()
    if (batch < batches / 2) continue
    spent.protect += between.user + between.system - began.user - began.system
    spent.unprotect += ended.user + ended.system - between.user - between.system
    counted += BATCH
  }
  return { protect: spent.protect / counted, unprotect: spent.unprotect / counted }
}

function content(outcome: ReturnType<SrtpReceiver['unprotectRtp']>): Buffer {
  if (outcome.kind !== 'Ok') throw new Error(JSON.stringify(outcome))
  return outcome.packet
}
