/** Extended reports of RTCP (RFC 3611): four of their blocks from and to octets. It keeps no state; what the numbers mean is measured elsewhere. */
import type { NtpTime } from './ntp.ts'

export interface ExtendedReport {
  type: 'XR'
  ssrc: number
  blocks: ExtendedBlock[]
}

export type ExtendedBlock = ReceiverReferenceTime | DelaySinceLastReceiverReport | StatisticsSummary | VoipMetrics

/** 4.4: when this was sent, so that one who sends no RTP can measure the round trip too. */
export interface ReceiverReferenceTime {
  block: 'RRTR'
  ntp: NtpTime
}

/** 4.5: to each source, when its reference time came. */
export interface DelaySinceLastReceiverReport {
  block: 'DLRR'
  reports: Array<{
    ssrc: number
    /** LRR: middle 32 bits of the reference time. */
    lastReceiverReport: number
    /** DLRR: since it came, 1/65536 s. */
    delaySinceLastReceiverReport: number
  }>
}

/** 4.6, without the fields that have a flag to say that they are there; what is not there is 0 on the wire. */
export interface StatisticsSummary {
  block: 'StatisticsSummary'
  ssrc: number
  /** First sequence number of the interval, and the one after its last. */
  beginSequence: number
  endSequence: number
  lostPackets?: number
  duplicatePackets?: number
  /** Relative transit times, timestamp units. */
  jitter?: { min: number; max: number; mean: number; deviation: number }
}

/** 4.7. Fractions are 256ths, durations milliseconds. */
export interface VoipMetrics {
  block: 'VoipMetrics'
  ssrc: number
  lossRate: number
  discardRate: number
  burstDensity: number
  gapDensity: number
  burstDuration: number
  gapDuration: number
  roundTripDelay: number
  endSystemDelay: number
  /** dBm0, signed; `UNAVAILABLE`. */
  signalLevel: number
  noiseLevel: number
  /** Residual echo return loss, dB. */
  residualEchoReturnLoss: number
  gmin: number
  /** 0 to 100, or `UNAVAILABLE`. */
  rFactor: number
  externalRFactor: number
  /** 10 to 50, MOS x 10, or `UNAVAILABLE`. */
  mosListening: number
  mosConversational: number
  concealment: 'Unspecified' | 'Disabled' | 'Enhanced' | 'Standard'
  jitterBuffer: 'Unknown' | 'NonAdaptive' | 'Adaptive'
  jitterBufferNominal: number
  jitterBufferMaximum: number
  jitterBufferAbsoluteMaximum: number
}

/** What 4.7 puts into levels, R factors and MOS that nobody measured. */
export const UNAVAILABLE = 127

const TYPES = { RRTR: 4, DLRR: 5, StatisticsSummary: 6, VoipMetrics: 7 } as const
const HEADER = 4
/** Octets of what follows a block's header: of all but DLRR, which has 12 a source. */
const LENGTHS = { RRTR: 8, StatisticsSummary: 36, VoipMetrics: 32 } as const
const DLRR_REPORT = 12
/** Flags of a statistics summary. */
const LOSS = 0x80
const DUPLICATES = 0x40
const JITTER = 0x20
/** The values of two bits each in the receiver configuration, 4.7.6; 1 of the second is reserved. */
const CONCEALMENT = ['Unspecified', 'Disabled', 'Enhanced', 'Standard'] as const
const BUFFER = ['Unknown', 'Unknown', 'NonAdaptive', 'Adaptive'] as const

/**
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |      BT       | type-specific |     length in words - 1       |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * The blocks after header and SSRC of the packet. A block of another type, or with another length than its type has, is passed over
 * (RFC 3611 3); one that does not end within the packet ends the list.
 */
export function parseBlocks(octets: Buffer): ExtendedBlock[] {
  const blocks: ExtendedBlock[] = []
  for (let offset = 0; offset + HEADER <= octets.length;) {
    const end = offset + HEADER + 4 * octets.readUInt16BE(offset + 2)
    if (end > octets.length) break
    const block = parseBlock(
      octets.readUInt8(offset),
      octets.readUInt8(offset + 1),
      octets.subarray(offset + HEADER, end),
    )
    if (block) blocks.push(block)
    offset = end
  }
  return blocks
}

export function buildBlock(block: ExtendedBlock): Buffer {
  switch (block.block) {
    case 'RRTR': {
      const octets = start(TYPES.RRTR, 0, LENGTHS.RRTR)
      octets.writeUInt32BE(block.ntp.seconds, 4)
      octets.writeUInt32BE(block.ntp.fraction, 8)
      return octets
    }
    case 'DLRR': {
      const octets = start(TYPES.DLRR, 0, DLRR_REPORT * block.reports.length)
      for (const [index, report] of block.reports.entries()) {
        const offset = HEADER + DLRR_REPORT * index
        octets.writeUInt32BE(report.ssrc, offset)
        octets.writeUInt32BE(report.lastReceiverReport, offset + 4)
        octets.writeUInt32BE(report.delaySinceLastReceiverReport, offset + 8)
      }
      return octets
    }
    case 'StatisticsSummary':
      return buildStatistics(block)
    case 'VoipMetrics':
      return buildVoipMetrics(block)
  }
}

function parseBlock(type: number, specific: number, content: Buffer): ExtendedBlock | undefined {
  if (type === TYPES.RRTR && content.length === LENGTHS.RRTR)
    return { block: 'RRTR', ntp: { seconds: content.readUInt32BE(0), fraction: content.readUInt32BE(4) } }
  if (type === TYPES.DLRR && content.length % DLRR_REPORT === 0) return parseDelays(content)
  if (type === TYPES.StatisticsSummary && content.length === LENGTHS.StatisticsSummary)
    return parseStatistics(specific, content)
  if (type === TYPES.VoipMetrics && content.length === LENGTHS.VoipMetrics) return parseVoipMetrics(content)
  return undefined
}

function parseDelays(content: Buffer): DelaySinceLastReceiverReport {
  const reports = Array.from({ length: content.length / DLRR_REPORT }, (_, index) => ({
    ssrc: content.readUInt32BE(DLRR_REPORT * index),
    lastReceiverReport: content.readUInt32BE(DLRR_REPORT * index + 4),
    delaySinceLastReceiverReport: content.readUInt32BE(DLRR_REPORT * index + 8),
  }))
  return { block: 'DLRR', reports }
}

/** SSRC, begin and end, lost, duplicates, four of jitter, four octets of TTL that we neither give nor take (4.6). */
function parseStatistics(flags: number, content: Buffer): StatisticsSummary {
  const summary: StatisticsSummary = {
    block: 'StatisticsSummary',
    ssrc: content.readUInt32BE(0),
    beginSequence: content.readUInt16BE(4),
    endSequence: content.readUInt16BE(6),
  }
  if (flags & LOSS) summary.lostPackets = content.readUInt32BE(8)
  if (flags & DUPLICATES) summary.duplicatePackets = content.readUInt32BE(12)
  if (flags & JITTER) {
    const [min, max] = [content.readUInt32BE(16), content.readUInt32BE(20)]
    summary.jitter = { min, max, mean: content.readUInt32BE(24), deviation: content.readUInt32BE(28) }
  }
  return summary
}

function buildStatistics({
  ssrc,
  beginSequence,
  endSequence,
  lostPackets,
  duplicatePackets,
  jitter,
}: StatisticsSummary) {
  const flags =
    (lostPackets === undefined ? 0 : LOSS) |
    (duplicatePackets === undefined ? 0 : DUPLICATES) |
    (jitter === undefined ? 0 : JITTER)
  const octets = start(TYPES.StatisticsSummary, flags, LENGTHS.StatisticsSummary)
  octets.writeUInt32BE(ssrc, 4)
  octets.writeUInt16BE(beginSequence, 8)
  octets.writeUInt16BE(endSequence, 10)
  octets.writeUInt32BE(lostPackets ?? 0, 12)
  octets.writeUInt32BE(duplicatePackets ?? 0, 16)
  const { min, max, mean, deviation } = jitter ?? { min: 0, max: 0, mean: 0, deviation: 0 }
  for (const [index, value] of [min, max, mean, deviation].entries()) octets.writeUInt32BE(value, 20 + 4 * index)
  return octets
}

/** The order of 4.7; the reserved bits and octets are 0. */
function parseVoipMetrics(content: Buffer): VoipMetrics {
  const configuration = content.readUInt8(24)
  return {
    block: 'VoipMetrics',
    ssrc: content.readUInt32BE(0),
    lossRate: content.readUInt8(4),
    discardRate: content.readUInt8(5),
    burstDensity: content.readUInt8(6),
    gapDensity: content.readUInt8(7),
    burstDuration: content.readUInt16BE(8),
    gapDuration: content.readUInt16BE(10),
    roundTripDelay: content.readUInt16BE(12),
    endSystemDelay: content.readUInt16BE(14),
    signalLevel: content.readInt8(16),
    noiseLevel: content.readInt8(17),
    residualEchoReturnLoss: content.readUInt8(18),
    gmin: content.readUInt8(19),
    rFactor: content.readUInt8(20),
    externalRFactor: content.readUInt8(21),
    mosListening: content.readUInt8(22),
    mosConversational: content.readUInt8(23),
    concealment: CONCEALMENT[configuration >> 6] ?? 'Unspecified',
    jitterBuffer: BUFFER[(configuration >> 4) & 3] ?? 'Unknown',
    jitterBufferNominal: content.readUInt16BE(26),
    jitterBufferMaximum: content.readUInt16BE(28),
    jitterBufferAbsoluteMaximum: content.readUInt16BE(30),
  }
}

function buildVoipMetrics(voip: VoipMetrics): Buffer {
  const octets = start(TYPES.VoipMetrics, 0, LENGTHS.VoipMetrics)
  octets.writeUInt32BE(voip.ssrc, 4)
  octets.set([voip.lossRate, voip.discardRate, voip.burstDensity, voip.gapDensity], 8)
  octets.writeUInt16BE(voip.burstDuration, 12)
  octets.writeUInt16BE(voip.gapDuration, 14)
  octets.writeUInt16BE(voip.roundTripDelay, 16)
  octets.writeUInt16BE(voip.endSystemDelay, 18)
  octets.writeInt8(voip.signalLevel, 20)
  octets.writeInt8(voip.noiseLevel, 21)
  octets.set([voip.residualEchoReturnLoss, voip.gmin, voip.rFactor, voip.externalRFactor], 22)
  octets.set([voip.mosListening, voip.mosConversational], 26)
  octets[28] = (CONCEALMENT.indexOf(voip.concealment) << 6) | (BUFFER.indexOf(voip.jitterBuffer) << 4)
  octets.writeUInt16BE(voip.jitterBufferNominal, 30)
  octets.writeUInt16BE(voip.jitterBufferMaximum, 32)
  octets.writeUInt16BE(voip.jitterBufferAbsoluteMaximum, 34)
  return octets
}

/** @param length octets after the header */
function start(type: number, specific: number, length: number): Buffer {
  const octets = Buffer.alloc(HEADER + length)
  octets.writeUInt8(type, 0)
  octets.writeUInt8(specific, 1)
  octets.writeUInt16BE(length / 4, 2)
  return octets
}
