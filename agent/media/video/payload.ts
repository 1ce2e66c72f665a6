/** What the payload formats of video have in common: how long a payload may be, and reading that stops at its end. */

/** Octets. With RTP, SRTP, UDP and IPv6 headers below 1280, the least MTU of IPv6 (RFC 8200 5), and so of any path. */
export const LONGEST_PAYLOAD = 1180

/** 0 at `end` and behind it. */
export function octet(packet: Buffer, offset: number, end: number): number {
  return offset < end ? (packet[offset] ?? 0) : 0
}
