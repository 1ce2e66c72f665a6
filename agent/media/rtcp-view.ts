/** What the peer's reports tell: its view of our stream, the round trip, and the stamps that our next report answers. It sends nothing. */
import { COMPACT_NTP_UNITS, roundTripTime } from '../quality/index.ts'
import { compactNtp } from './ntp.ts'
import type { ExtendedReport } from './rtcp-xr.ts'
import type { ReportBlock, RtcpPacket } from './rtcp.ts'

export interface RemoteView {
  /** Milliseconds, one a compound packet that named an SR of ours, or else a reference time of ours. */
  rtt: { sum: number; count: number }
  /** Their jitter of our stream, timestamp units. */
  jitter: { sum: number; count: number }
  /** Absent: no report about our stream. */
  cumulativeLost?: number
  extendedHighest?: number
  /** SRs and RRs of the peer, whatever they name. */
  reports: number
  /** Compound packets of the peer, and when the first and the last came, monotonic milliseconds. */
  received: { count: number; first: number; last: number }
}

/** When a packet came: monotonic milliseconds, and the middle 32 bits of its NTP time on the clock of our own stamps. */
export interface CameAt {
  at: number
  compact: number
}

/** A stamp of the peer that our next report returns. */
export interface HeardStamp {
  ssrc: number
  compact: number
  /** When it came, monotonic milliseconds. */
  at: number
}

/** SRs and reference times of ours that a report may still refer to. */
const REMEMBERED = 16

/** Compact NTP times that we sent last. */
class SentStamps {
  readonly #stamps = new Uint32Array(REMEMBERED)
  #next = 0

  add(compact: number): void {
    this.#stamps[this.#next] = compact
    this.#next = (this.#next + 1) % REMEMBERED
  }

  has(compact: number): boolean {
    return this.#stamps.includes(compact)
  }
}

/**
 *     SR  NTP  ------------>        RR  LSR, DLSR   back: the round trip of one who sends RTP (RFC 3550 6.4.1)
 *     XR  reference time -->        XR  LRR, DLRR   back: of any, also where a gateway fills in no LSR (RFC 3611 4.5)
 */
export class PeerReports {
  readonly #ssrc: number
  readonly sentReports = new SentStamps()
  readonly sentReferences = new SentStamps()
  /** The last SR; only the source that we report on matters. */
  #heardReport: HeardStamp | undefined
  #heardReference: HeardStamp | undefined
  readonly view: RemoteView = {
    rtt: { sum: 0, count: 0 },
    jitter: { sum: 0, count: 0 },
    reports: 0,
    received: { count: 0, first: 0, last: 0 },
  }

  /** @param ssrc ours */
  constructor(ssrc: number) {
    this.#ssrc = ssrc
  }

  read(came: CameAt, packets: readonly RtcpPacket[]): void {
    const { received, rtt: round } = this.view
    if (received.count === 0) received.first = came.at
    received.last = came.at
    received.count++
    const rtt = this.#readReports(came, packets) ?? this.#readExtended(came, packets)
    if (rtt === undefined) return
    round.sum += rtt
    round.count++
  }

  /** The last SR of a source. */
  heardReport(ssrc: number): HeardStamp | undefined {
    return this.#heardReport?.ssrc === ssrc ? this.#heardReport : undefined
  }

  /** The last reference time, whoever sent it. */
  get heardReference(): HeardStamp | undefined {
    return this.#heardReference
  }

  /** @returns the round trip, milliseconds, when an SR of ours is named */
  #readReports(came: CameAt, packets: readonly RtcpPacket[]): number | undefined {
    let rtt: number | undefined
    for (const packet of packets) {
      // Our own SSRC is an echo of our RTCP: its blocks are about the peer, not about us.
      if ((packet.type !== 'SR' && packet.type !== 'RR') || packet.ssrc === this.#ssrc) continue
      this.view.reports++
      if (packet.type === 'SR') this.#heardReport = { ssrc: packet.ssrc, compact: compactNtp(packet.ntp), at: came.at }
      for (const report of packet.reports) if (report.ssrc === this.#ssrc) rtt = this.#readBlock(came, report) ?? rtt
    }
    return rtt
  }

  #readBlock({ compact }: CameAt, report: ReportBlock): number | undefined {
    this.view.cumulativeLost = report.cumulativeLost
    this.view.extendedHighest = report.extendedHighest
    this.view.jitter.sum += report.jitter
    this.view.jitter.count++
    const { lastSenderReport, delaySinceLastSenderReport } = report
    if (!this.sentReports.has(lastSenderReport)) return undefined
    return roundTripTime(compact, lastSenderReport, delaySinceLastSenderReport)
  }

  /** @returns the round trip, milliseconds, when a reference time of ours is named */
  #readExtended(came: CameAt, packets: readonly RtcpPacket[]): number | undefined {
    let rtt: number | undefined
    for (const packet of packets)
      if (packet.type === 'XR' && packet.ssrc !== this.#ssrc) rtt = this.#readBlocks(came, packet) ?? rtt
    return rtt
  }

  #readBlocks({ at, compact }: CameAt, { ssrc, blocks }: ExtendedReport): number | undefined {
    let rtt: number | undefined
    for (const block of blocks) {
      if (block.block === 'RRTR') this.#heardReference = { ssrc, compact: compactNtp(block.ntp), at }
      if (block.block !== 'DLRR') continue
      const ours = block.reports.find((report) => report.ssrc === this.#ssrc)
      if (ours && this.sentReferences.has(ours.lastReceiverReport))
        rtt = roundTripTime(compact, ours.lastReceiverReport, ours.delaySinceLastReceiverReport)
    }
    return rtt
  }
}

/** Since a stamp came, in units of 1/65536 s: DLSR, DLRR. @param at now, monotonic milliseconds */
export function delaySince(heard: HeardStamp, at: number): number {
  return Math.round(((at - heard.at) * COMPACT_NTP_UNITS) / 1000) >>> 0
}
