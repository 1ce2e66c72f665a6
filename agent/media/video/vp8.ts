/** VP8 in RTP (RFC 7741): frames into payloads, and what a payload says of its frame (RFC 6386 9.1). It decodes nothing. */
import type { VideoPacket } from '../../quality/index.ts'
import { LONGEST_PAYLOAD, octet } from './payload.ts'

/** Octets of the descriptor that we write: the first, the extension, and 15 bits of PictureID. */
const DESCRIPTOR = 4
const KEY_FRAME_HEADER = 10
const START_CODE = 0x9d012a

/**
 *       0 1 2 3 4 5 6 7
 *      +-+-+-+-+-+-+-+-+
 *      |X|R|N|S|R| PID |  S: a partition begins, PID: which one      (RFC 7741 4.2)
 *      +-+-+-+-+-+-+-+-+
 *   X: |I|L|T|K| RSV   |
 *      +-+-+-+-+-+-+-+-+
 *   I: |M| PictureID   |  M: 15 bits, in two octets
 *      +-+-+-+-+-+-+-+-+
 *   L: |   TL0PICIDX   |
 *      +-+-+-+-+-+-+-+-+
 * T/K: |TID|Y| KEYIDX  |
 *      +-+-+-+-+-+-+-+-+
 *
 * The frame in parts of about one size; as we do not look for its partitions, all of it is the first one. PictureIDs are zero.
 */
export function vp8Payloads(frame: Buffer): Buffer[] {
  const count = Math.ceil(frame.length / (LONGEST_PAYLOAD - DESCRIPTOR))
  const size = Math.ceil(frame.length / count)
  return Array.from({ length: count }, (_, index) => {
    const descriptor = Buffer.from([index === 0 ? 0x90 : 0x80, 0x80, 0x80, 0])
    return Buffer.concat([descriptor, frame.subarray(index * size, (index + 1) * size)])
  })
}

/** @param start where the payload of ours begins in `packet` @param id modulo 2^15 */
export function setPictureId(packet: Buffer, start: number, id: number): void {
  packet.writeUInt16BE(0x8000 | (id & 0x7fff), start + 2)
}

/** Fills in `into` what the payload of `packet`, from `start` to `end`, says of its frame. */
export function readVp8(packet: Buffer, { start, end }: { start: number; end: number }, into: VideoPacket): void {
  const first = octet(packet, start, end)
  const header = start + descriptorLength(packet, start, end)
  if (header >= end) return
  into.picture = true
  into.begins = (first & 0x17) === 0x10
  into.key = into.begins && (octet(packet, header, end) & 1) === 0
  if (!into.key || header + KEY_FRAME_HEADER > end || packet.readUIntBE(header + 3, 3) !== START_CODE) return
  // The upper two bits are for scaling.
  into.width = packet.readUInt16LE(header + 6) & 0x3fff
  into.height = packet.readUInt16LE(header + 8) & 0x3fff
}

function descriptorLength(packet: Buffer, start: number, end: number): number {
  if ((octet(packet, start, end) & 0x80) === 0) return 1
  const extension = octet(packet, start + 1, end)
  let length = 2
  if (extension & 0x80) length += octet(packet, start + 2, end) & 0x80 ? 2 : 1
  if (extension & 0x40) length++
  if (extension & 0x30) length++
  return length
}
