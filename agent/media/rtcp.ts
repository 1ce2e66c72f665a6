/** RTCP packets (RFC 3550 6): SR, RR, SDES, BYE and XR from and to octets. It keeps no state and sends nothing. */
import type { NtpTime } from './ntp.ts'
import { type ExtendedReport, buildBlock, parseBlocks as parseExtendedBlocks } from './rtcp-xr.ts'

/** RFC 3550 6.4.1. */
export interface ReportBlock {
  /** Of the source that is reported on. */
  ssrc: number
  /** Of the packets expected since the last report, 256ths. */
  fractionLost: number
  /** 24 bit, signed. */
  cumulativeLost: number
  extendedHighest: number
  /** Timestamp units. */
  jitter: number
  /** Middle 32 bits of the NTP timestamp of the last SR of that source; 0: none came. */
  lastSenderReport: number
  /** Since it came, 1/65536 s. */
  delaySinceLastSenderReport: number
}

export interface SenderReport {
  type: 'SR'
  ssrc: number
  ntp: NtpTime
  rtpTimestamp: number
  packetCount: number
  octetCount: number
  reports: ReportBlock[]
}

export interface ReceiverReport {
  type: 'RR'
  ssrc: number
  reports: ReportBlock[]
}

interface SourceDescription {
  type: 'SDES'
  chunks: Array<{ ssrc: number; items: Array<{ type: number; text: string }> }>
}

export interface Goodbye {
  type: 'BYE'
  sources: number[]
  reason?: string
}

/** A packet of another type (APP, feedback): its length was believed, its content not looked at. */
export interface OtherPacket {
  type: 'Other'
  packetType: number
}

export type RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye | ExtendedReport | OtherPacket

/** SDES item types (RFC 3550 6.5). */
export const CNAME = 1
const PACKET_TYPES = { SR: 200, RR: 201, SDES: 202, BYE: 203, XR: 207 } as const
const HEADER = 4
const BLOCK = 24
const SENDER_INFO = 20
/** RC, SC and an SDES item's length are counters of five and eight bits. */
const MOST_IN_PACKET = 31
const LONGEST_TEXT = 255

/**
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |V=2|P|  count  |  packet type  |    length in words - 1        |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * A compound packet by the checks of RFC 3550 A.2: it begins with SR or RR, each packet has version 2, only the last is padded, the
 * lengths add up. Undefined: it is none, or one of its packets is shorter than its counts say.
 */
export function parseCompound(octets: Buffer): RtcpPacket[] | undefined {
  const packets: RtcpPacket[] = []
  for (let offset = 0; offset < octets.length;) {
    const octetsOfOne = cutPacket(octets, offset)
    const packet = octetsOfOne && parsePacket(octetsOfOne.content)
    if (!packet) return undefined
    packets.push(packet)
    offset = octetsOfOne.end
  }
  const first = packets[0]?.type
  return first === 'SR' || first === 'RR' ? packets : undefined
}

/** The octets of a compound packet: the packets as they stand, one after the other. Texts are cut at 255 octets, lists at 31 entries. */
export function buildCompound(packets: ReadonlyArray<Exclude<RtcpPacket, OtherPacket>>): Buffer {
  return Buffer.concat(packets.map(buildPacket))
}

/** The times of a report: those of the moment when it leaves. */
interface ReportTimes {
  ntp: NtpTime
  rtpTimestamp: number
  delaySinceLastSenderReport: number
}

/** Writes the times into the SR or RR that a compound packet begins with, and into its first report block. */
export function stampReport(octets: Buffer, { ntp, rtpTimestamp, delaySinceLastSenderReport }: ReportTimes): void {
  const isSender = octets.readUInt8(1) === PACKET_TYPES.SR
  const blocks = HEADER + 4 + (isSender ? SENDER_INFO : 0)
  if (isSender) {
    octets.writeUInt32BE(ntp.seconds, 8)
    octets.writeUInt32BE(ntp.fraction, 12)
    octets.writeUInt32BE(rtpTimestamp, 16)
  }
  if ((octets.readUInt8(0) & 0x1f) > 0) octets.writeUInt32BE(delaySinceLastSenderReport, blocks + 20)
}

/** The packet that begins at `offset`, without its padding, and where it ends. */
function cutPacket(octets: Buffer, offset: number): { content: Buffer; end: number } | undefined {
  if (offset + HEADER > octets.length) return undefined
  const first = octets.readUInt8(offset)
  const end = offset + HEADER + 4 * octets.readUInt16BE(offset + 2)
  if (first >> 6 !== 2 || end > octets.length) return undefined
  const packet = octets.subarray(offset, end)
  if ((first & 0x20) === 0) return { content: packet, end }
  const padding = packet.readUInt8(packet.length - 1)
  const sound = padding > 0 && padding % 4 === 0 && padding <= packet.length - HEADER && end === octets.length
  return sound ? { content: packet.subarray(0, packet.length - padding), end } : undefined
}

function parsePacket(packet: Buffer): RtcpPacket | undefined {
  const count = packet.readUInt8(0) & 0x1f
  const packetType = packet.readUInt8(1)
  switch (packetType) {
    case PACKET_TYPES.SR:
      return parseSenderReport(packet, count)
    case PACKET_TYPES.RR:
      return parseReceiverReport(packet, count)
    case PACKET_TYPES.SDES:
      return parseSourceDescription(packet, count)
    case PACKET_TYPES.BYE:
      return parseGoodbye(packet, count)
    case PACKET_TYPES.XR:
      return parseExtendedReport(packet)
    default:
      return { type: 'Other', packetType }
  }
}

/** Header, SSRC of the sender, NTP timestamp (8), RTP timestamp, packet count, octet count, report blocks (RFC 3550 6.4.1). */
function parseSenderReport(packet: Buffer, count: number): SenderReport | undefined {
  const blocks = HEADER + 4 + SENDER_INFO
  if (packet.length < blocks + count * BLOCK) return undefined
  return {
    type: 'SR',
    ssrc: packet.readUInt32BE(4),
    ntp: { seconds: packet.readUInt32BE(8), fraction: packet.readUInt32BE(12) },
    rtpTimestamp: packet.readUInt32BE(16),
    packetCount: packet.readUInt32BE(20),
    octetCount: packet.readUInt32BE(24),
    reports: parseBlocks(packet, blocks, count),
  }
}

function parseReceiverReport(packet: Buffer, count: number): ReceiverReport | undefined {
  const blocks = HEADER + 4
  if (packet.length < blocks + count * BLOCK) return undefined
  return { type: 'RR', ssrc: packet.readUInt32BE(4), reports: parseBlocks(packet, blocks, count) }
}

function parseBlocks(packet: Buffer, start: number, count: number): ReportBlock[] {
  return Array.from({ length: count }, (_, index) => {
    const offset = start + index * BLOCK
    return {
      ssrc: packet.readUInt32BE(offset),
      fractionLost: packet.readUInt8(offset + 4),
      cumulativeLost: packet.readIntBE(offset + 5, 3),
      extendedHighest: packet.readUInt32BE(offset + 8),
      jitter: packet.readUInt32BE(offset + 12),
      lastSenderReport: packet.readUInt32BE(offset + 16),
      delaySinceLastSenderReport: packet.readUInt32BE(offset + 20),
    }
  })
}

/** Chunks of an SSRC and items (type, length, text), each chunk ended by one to four zeroes at a word's end (RFC 3550 6.5). */
function parseSourceDescription(packet: Buffer, count: number): SourceDescription | undefined {
  const chunks: SourceDescription['chunks'] = []
  let offset = HEADER
  for (let chunk = 0; chunk < count; chunk++) {
    if (offset + 4 > packet.length) return undefined
    const source = packet.readUInt32BE(offset)
    const items: Array<{ type: number; text: string }> = []
    offset += 4
    while (offset < packet.length && packet.readUInt8(offset) !== 0) {
      if (offset + 2 > packet.length) return undefined
      const end = offset + 2 + packet.readUInt8(offset + 1)
      if (end > packet.length) return undefined
      items.push({ type: packet.readUInt8(offset), text: packet.toString('utf8', offset + 2, end) })
      offset = end
    }
    // The null octet that ends the list, and up to the next word.
    offset = (offset + 4) & ~3
    if (offset > packet.length) return undefined
    chunks.push({ ssrc: source, items })
  }
  return { type: 'SDES', chunks }
}

/** SSRCs, and possibly the length and text of a reason (RFC 3550 6.6). */
function parseGoodbye(packet: Buffer, count: number): Goodbye | undefined {
  const end = HEADER + 4 * count
  if (packet.length < end) return undefined
  const sources = Array.from({ length: count }, (_, index) => packet.readUInt32BE(HEADER + 4 * index))
  if (packet.length === end) return { type: 'BYE', sources }
  const length = packet.readUInt8(end)
  if (end + 1 + length > packet.length) return undefined
  return { type: 'BYE', sources, reason: packet.toString('utf8', end + 1, end + 1 + length) }
}

/** Header, SSRC of the sender, blocks (RFC 3611 2). */
function parseExtendedReport(packet: Buffer): ExtendedReport | undefined {
  if (packet.length < HEADER + 4) return undefined
  return { type: 'XR', ssrc: packet.readUInt32BE(4), blocks: parseExtendedBlocks(packet.subarray(HEADER + 4)) }
}

function buildPacket(packet: Exclude<RtcpPacket, OtherPacket>): Buffer {
  switch (packet.type) {
    case 'SR': {
      const reports = packet.reports.slice(0, MOST_IN_PACKET)
      const octets = Buffer.alloc(HEADER + 4 + SENDER_INFO + reports.length * BLOCK)
      octets.writeUInt32BE(packet.ntp.seconds, 8)
      octets.writeUInt32BE(packet.ntp.fraction, 12)
      octets.writeUInt32BE(packet.rtpTimestamp >>> 0, 16)
      octets.writeUInt32BE(packet.packetCount >>> 0, 20)
      octets.writeUInt32BE(packet.octetCount >>> 0, 24)
      return finishReport(octets, packet.ssrc, { type: PACKET_TYPES.SR, reports })
    }
    case 'RR': {
      const reports = packet.reports.slice(0, MOST_IN_PACKET)
      const octets = Buffer.alloc(HEADER + 4 + reports.length * BLOCK)
      return finishReport(octets, packet.ssrc, { type: PACKET_TYPES.RR, reports })
    }
    case 'SDES': {
      const chunks = packet.chunks.slice(0, MOST_IN_PACKET)
      const octets = Buffer.concat([Buffer.alloc(HEADER), ...chunks.map(buildChunk)])
      return finish(octets, PACKET_TYPES.SDES, chunks.length)
    }
    case 'BYE': {
      const sources = packet.sources.slice(0, MOST_IN_PACKET)
      const reason = packet.reason === undefined ? undefined : text(packet.reason)
      const octets = Buffer.alloc(HEADER + 4 * sources.length + (reason ? (1 + reason.length + 3) & ~3 : 0))
      for (const [index, source] of sources.entries()) octets.writeUInt32BE(source, HEADER + 4 * index)
      if (reason) {
        octets.writeUInt8(reason.length, HEADER + 4 * sources.length)
        reason.copy(octets, HEADER + 4 * sources.length + 1)
      }
      return finish(octets, PACKET_TYPES.BYE, sources.length)
    }
    case 'XR': {
      const octets = Buffer.concat([Buffer.alloc(HEADER + 4), ...packet.blocks.map(buildBlock)])
      octets.writeUInt32BE(packet.ssrc, HEADER)
      return finish(octets, PACKET_TYPES.XR, 0)
    }
  }
}

function finishReport(octets: Buffer, sender: number, content: { type: number; reports: ReportBlock[] }): Buffer {
  octets.writeUInt32BE(sender, 4)
  const start = octets.length - content.reports.length * BLOCK
  for (const [index, report] of content.reports.entries()) {
    const offset = start + index * BLOCK
    octets.writeUInt32BE(report.ssrc, offset)
    octets.writeUInt8(report.fractionLost, offset + 4)
    octets.writeIntBE(report.cumulativeLost, offset + 5, 3)
    octets.writeUInt32BE(report.extendedHighest, offset + 8)
    octets.writeUInt32BE(report.jitter, offset + 12)
    octets.writeUInt32BE(report.lastSenderReport, offset + 16)
    octets.writeUInt32BE(report.delaySinceLastSenderReport, offset + 20)
  }
  return finish(octets, content.type, content.reports.length)
}

function finish(octets: Buffer, type: number, count: number): Buffer {
  octets.writeUInt8(0x80 | count, 0)
  octets.writeUInt8(type, 1)
  octets.writeUInt16BE(octets.length / 4 - 1, 2)
  return octets
}

function buildChunk(chunk: SourceDescription['chunks'][number]): Buffer {
  const items = chunk.items.map((item) => ({ type: item.type, text: text(item.text) }))
  const length = items.reduce((sum, item) => sum + 2 + item.text.length, 4)
  // At least one null octet ends the list.
  const octets = Buffer.alloc((length + 4) & ~3)
  octets.writeUInt32BE(chunk.ssrc, 0)
  let offset = 4
  for (const item of items) {
    octets.writeUInt8(item.type, offset)
    octets.writeUInt8(item.text.length, offset + 1)
    item.text.copy(octets, offset + 2)
    offset += 2 + item.text.length
  }
  return octets
}

function text(value: string): Buffer {
  return Buffer.from(value, 'utf8').subarray(0, LONGEST_TEXT)
}
