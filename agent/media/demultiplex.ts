/** Tells by its first octets what a datagram is, where STUN, DTLS, RTP and RTCP share one socket (RFC 7983); it reads none of them. */
import { isRtcp } from './rtp.ts'

export type DatagramKind = 'STUN' | 'DTLS' | 'RTP' | 'RTCP' | 'Unknown'

/**
 *     first octet   0 to 3      STUN
 *                   20 to 63    DTLS
 *                   128 to 191  RTP and RTCP, told apart by RFC 5761 4
 *
 * ZRTP (16 to 19), TURN channels (64 to 79; ours have a socket of their own) and what is empty are unknown.
 */
export function kindOf(datagram: Uint8Array): DatagramKind {
  const first = datagram[0]
  if (first === undefined) return 'Unknown'
  if (first >= 128 && first <= 191) return isRtcp(datagram) ? 'RTCP' : 'RTP'
  if (first <= 3) return 'STUN'
  return first >= 20 && first <= 63 ? 'DTLS' : 'Unknown'
}
