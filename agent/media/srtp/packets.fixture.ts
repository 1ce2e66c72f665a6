/** Keys and packets that tests of SRTP have in common. */
import { seededRandom } from '../../../lib/random.ts'
import { buildCompound } from '../rtcp.ts'
import { createPacket, stampPacket } from '../rtp.ts'
import type { MasterKey, Protocol } from './session-keys.ts'
import { type SuiteName, suites } from './suites.ts'

/** Not for secrets. */
export function seededOctets(seed: number): (length: number) => Buffer {
  const random = seededRandom(seed)
  return (length) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
}

export function masterKey(suite: SuiteName, seed = 1): MasterKey {
  const octets = seededOctets(seed)
  return { suite, key: octets(suites[suite].keyLength), salt: octets(suites[suite].saltLength) }
}

/** Its payload says which packet it is. */
export function rtpPacket(ssrc: number, sequenceNumber: number, payloadLength = 160): Buffer {
  const packet = createPacket(8, ssrc, payloadLength)
  stampPacket(packet, false, sequenceNumber, sequenceNumber * 160)
  packet.fill((sequenceNumber + ssrc) & 0xff, 12)
  return packet
}

export function rtcpPacket(ssrc: number): Buffer {
  return buildCompound([
    { type: 'RR', ssrc, reports: [] },
    { type: 'SDES', chunks: [{ ssrc, items: [{ type: 1, text: 'somebody' }] }] },
  ])
}

/** A protected packet with the MKI of its key: before the tag that is last, else at the end (RFC 3711 3.1, RFC 7714 9). */
export function withMki(packet: Buffer, suite: SuiteName, protocol: Protocol, mki: Buffer): Buffer {
  const { transform, tagLength } = suites[suite]
  const tag = protocol === 'RTP' ? tagLength.rtp : tagLength.rtcp
  const at = packet.length - (transform === 'CounterMode' ? tag : 0)
  return Buffer.concat([packet.subarray(0, at), mki, packet.subarray(at)])
}
