/** H.264 in RTP (RFC 6184, packetization mode 1): NAL units into payloads, and what a payload says of its frame. It decodes nothing. */
import type { VideoPacket } from '../../quality/index.ts'
import { LONGEST_PAYLOAD, octet } from './payload.ts'
import { pictureSize } from './sequence-parameter-set.ts'

/** nal_unit_type (H.264 table 7-1; from 24 on RFC 6184 table 1). */
export const NAL = { slice: 1, partitionC: 4, idr: 5, sps: 7, pps: 8, delimiter: 9, stapA: 24, fuA: 28 } as const
const TYPE = 0x1f
const FU = { start: 0x80, end: 0x40 } as const

/**
 *     SPS, PPS         STAP-A   | 24 | length | SPS | length | PPS |             RFC 6184 5.7.1
 *     slice, short     single   | NAL unit as it is |                           5.6
 *     slice, long      FU-A     | 28 | S, type | part |  | 28 | E, type | part |  5.8
 *
 * @param units the NAL units of one picture, without start codes; the marker belongs on the last payload
 */
export function h264Payloads(units: readonly Buffer[]): Buffer[] {
  const sets = units.filter((unit) => isParameterSet(nalType(unit)))
  const others = units.filter((unit) => !isParameterSet(nalType(unit)))
  return [...(sets.length > 0 ? [aggregate(sets)] : []), ...others.flatMap(fragment)]
}

export function nalType(unit: Buffer): number {
  return octet(unit, 0, unit.length) & TYPE
}

/** first_mb_in_slice is 0 (H.264 7.3.3): ue(v) writes a 0 as a single 1. @param offset of the octet behind the NAL unit's header */
export function beginsPicture(unit: Buffer, offset: number, end: number): boolean {
  return (octet(unit, offset, end) & 0x80) !== 0
}

/** Fills in `into` what the payload of `packet`, from `start` to `end`, says of its frame. */
export function readH264(packet: Buffer, { start, end }: { start: number; end: number }, into: VideoPacket): void {
  switch (octet(packet, start, end) & TYPE) {
    case NAL.stapA: {
      for (let offset = start + 1; offset + 2 < end;) {
        const next = offset + 2 + packet.readUInt16BE(offset)
        readUnit(packet, { start: offset + 2, end: Math.min(next, end) }, into)
        offset = next
      }
      return
    }
    case NAL.fuA: {
      const header = octet(packet, start + 1, end)
      const begins = (header & FU.start) !== 0 && beginsPicture(packet, start + 2, end)
      readSlice(header & TYPE, begins, into)
      return
    }
    default:
      readUnit(packet, { start, end }, into)
  }
}

function readUnit(packet: Buffer, { start, end }: { start: number; end: number }, into: VideoPacket): void {
  const type = octet(packet, start, end) & TYPE
  if (type === NAL.sps) {
    const size = pictureSize(packet.subarray(start, end))
    into.width = size?.width ?? 0
    into.height = size?.height ?? 0
  }
  if (type === NAL.sps || type === NAL.delimiter) into.begins = true
  else readSlice(type, beginsPicture(packet, start + 1, end), into)
}

function readSlice(type: number, begins: boolean, into: VideoPacket): void {
  if (type < NAL.slice || type > NAL.idr) return
  into.picture = true
  if (begins) into.begins = true
  if (type === NAL.idr) into.key = true
}

function isParameterSet(type: number): boolean {
  return type === NAL.sps || type === NAL.pps
}

/** The header has the highest NRI of those inside. */
function aggregate(units: readonly Buffer[]): Buffer {
  const importance = Math.max(...units.map((unit) => octet(unit, 0, unit.length) & 0x60))
  const parts = units.flatMap((unit) => [Buffer.from([unit.length >> 8, unit.length & 0xff]), unit])
  return Buffer.concat([Buffer.from([importance | NAL.stapA]), ...parts])
}

function fragment(unit: Buffer): Buffer[] {
  if (unit.length <= LONGEST_PAYLOAD) return [unit]
  const header = octet(unit, 0, unit.length)
  const content = unit.subarray(1)
  const count = Math.ceil(content.length / (LONGEST_PAYLOAD - 2))
  const size = Math.ceil(content.length / count)
  return Array.from({ length: count }, (_, index) => {
    const place = index === 0 ? FU.start : index === count - 1 ? FU.end : 0
    const headers = Buffer.from([(header & 0xe0) | NAL.fuA, place | (header & TYPE)])
    return Buffer.concat([headers, content.subarray(index * size, (index + 1) * size)])
  })
}
