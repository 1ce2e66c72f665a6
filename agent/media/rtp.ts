/** RTP packets (RFC 3550 5.1): reading their fields where they lie and writing headers; it knows no stream and no codec. */

/**
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                           timestamp                           |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |           synchronization source (SSRC) identifier            |
 *     +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 *     |         contributing source (CSRC) identifiers (CC of them)   |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |  extension header, if X: profile (16), length in words (16)   |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |  payload ...                  | padding, if P: last octet =   |
 *     |                               | octets of padding, itself too |
 */
export const HEADER_LENGTH = 12

/** RTCP packet types, the whole second octet (RFC 5761 4): the payload types 64 to 95 of an RTP packet with its marker set. */
const RTCP_TYPES = { first: 192, last: 223 } as const

/**
 * Whether the octets are an RTP packet by the checks of RFC 3550 A.1: version 2, a length that holds CSRCs, extension and padding, and
 * not RTCP. The functions below need it to be one.
 */
export function isRtp(packet: Uint8Array): boolean {
  if (packet.length < HEADER_LENGTH || octet(packet, 0) >> 6 !== 2 || isRtcp(packet)) return false
  const header = headerLength(packet)
  if ((octet(packet, 0) & 0x20) === 0) return header <= packet.length
  const padding = octet(packet, packet.length - 1)
  return padding > 0 && header + padding <= packet.length
}

/** Whether what came on a port that RTP and RTCP share is RTCP, encrypted or not (RFC 5761 4). Whether it is sound, `parseCompound` says. */
export function isRtcp(packet: Uint8Array): boolean {
  const type = octet(packet, 1)
  return octet(packet, 0) >> 6 === 2 && type >= RTCP_TYPES.first && type <= RTCP_TYPES.last
}

/** With CSRCs and extension; more than the packet has when that is cut off. */
export function headerLength(packet: Uint8Array): number {
  const length = HEADER_LENGTH + 4 * (octet(packet, 0) & 0x0f)
  if ((octet(packet, 0) & 0x10) === 0) return length
  return length + 4 + 4 * ((octet(packet, length + 2) << 8) | octet(packet, length + 3))
}

export function payloadType(packet: Uint8Array): number {
  return octet(packet, 1) & 0x7f
}

export function sequenceNumber(packet: Uint8Array): number {
  return (octet(packet, 2) << 8) | octet(packet, 3)
}

export function timestamp(packet: Uint8Array): number {
  return word(packet, 4)
}

export function ssrc(packet: Uint8Array): number {
  return word(packet, 8)
}

/** A packet with zeroes for sequence number and timestamp, and `payloadLength` octets of payload to be filled. */
export function createPacket(type: number, source: number, payloadLength: number): Buffer {
  const packet = Buffer.alloc(HEADER_LENGTH + payloadLength)
  beginPacket(packet, type, source)
  return packet
}

/** Writes what is the same in all packets of a stream. */
export function beginPacket(packet: Uint8Array, type: number, source: number): void {
  packet[0] = 0x80
  packet[1] = type & 0x7f
  setSsrc(packet, source)
}

/** Writes what differs from packet to packet. */
export function stampPacket(packet: Uint8Array, marker: boolean, sequence: number, time: number): void {
  packet[1] = payloadType(packet) | (marker ? 0x80 : 0)
  packet[2] = sequence >>> 8
  packet[3] = sequence
  setWord(packet, 4, time)
}

export function setSsrc(packet: Uint8Array, source: number): void {
  setWord(packet, 8, source)
}

/** 0 beyond the end. */
function octet(packet: Uint8Array, offset: number): number {
  return packet[offset] ?? 0
}

// Octet by octet: for four octets this is faster than Buffer's checked readUInt32BE.
function word(packet: Uint8Array, offset: number): number {
  const high = (octet(packet, offset) << 8) | octet(packet, offset + 1)
  return ((high << 16) | (octet(packet, offset + 2) << 8) | octet(packet, offset + 3)) >>> 0
}

function setWord(packet: Uint8Array, offset: number, value: number): void {
  packet[offset] = value >>> 24
  packet[offset + 1] = value >>> 16
  packet[offset + 2] = value >>> 8
  packet[offset + 3] = value
}
