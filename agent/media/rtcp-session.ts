/** The RTCP side of a session: reports to the peer in their intervals, and what the peer's reports say of us (RFC 3550 6). No RTP. */
import type { Socket } from 'node:dgram'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { COMPACT_NTP_UNITS, type Reception, roundTripTime } from '../quality/index.ts'
import { compactNtp, ntpTime } from './ntp.ts'
import type { Peer } from './peer.ts'
import { averageSize, rtcpInterval } from './rtcp-interval.ts'
import {
  CNAME,
  type Goodbye,
  type ReceiverReport,
  type ReportBlock,
  type SenderReport,
  buildCompound,
  parseCompound,
} from './rtcp.ts'
import type { Sender, Totals } from './sender.ts'

export interface RtcpOptions {
  clock: Clock
  random: Random
  socket: Socket
  sender: Sender
  peer: Peer
  /** Canonical name, the same for all streams of the session (RFC 3550 6.5.1). */
  cname: string
  /** Kilobits a second of the session, headers included. */
  bandwidth: number
  totals: Totals
  /** The stream that we receive, now. */
  reception: () => Reception | undefined
}

/** What the peer's reports told. */
export interface RemoteView {
  /** Milliseconds, one a report that named an SR of ours. */
  rtt: { sum: number; count: number }
  /** Their jitter of our stream, timestamp units. */
  jitter: { sum: number; count: number }
  /** Absent: no report about our stream. */
  cumulativeLost?: number
  extendedHighest?: number
  /** Compound packets of the peer, and when the first and the last came, monotonic milliseconds. */
  received: { count: number; first: number; last: number }
}

/** SRs of ours that a report may still refer to. */
const REMEMBERED = 16
/** The size RTCP packets are first assumed to have: SR with one block, SDES with CNAME, lower layers (RFC 3550 6.3.2). */
const PROBABLE_SIZE = 120

export class RtcpSession implements Disposable {
  readonly #options: RtcpOptions
  /** Milliseconds from monotonic time to the wall clock, taken once: a jump of the wall clock does not reach our NTP timestamps. */
  readonly #wallClock: number
  readonly #sentReports = new Uint32Array(REMEMBERED)
  #sentCount = 0
  #averageSize = PROBABLE_SIZE
  #timer: Disposable | undefined
  #stopped = false
  #packetsReported = 0
  /** The last SR of each source that we hear: only one matters, the source we report on. */
  #heard: { ssrc: number; compact: number; at: number } | undefined
  readonly view: RemoteView = {
    rtt: { sum: 0, count: 0 },
    jitter: { sum: 0, count: 0 },
    received: { count: 0, first: 0, last: 0 },
  }

  constructor(options: RtcpOptions) {
    this.#options = options
    this.#wallClock = options.clock.now() - options.clock.monotonic()
    this.#schedule()
  }

  /** @param at monotonic milliseconds, stamped when it arrived @param fromPeer its source is, or may become, the peer's */
  receive(at: number, message: Buffer, fromPeer: () => boolean): void {
    if (this.#stopped) return
    const packets = parseCompound(message)
    if (!packets || !fromPeer()) {
      this.#options.totals.refused++
      return
    }
    this.#averageSize = averageSize(this.#averageSize, message.length)
    const received = this.view.received
    if (received.count === 0) received.first = at
    received.last = at
    received.count++
    for (const packet of packets) {
      // Our own SSRC is an echo of our RTCP: its blocks are about the peer, not about us.
      if ((packet.type !== 'SR' && packet.type !== 'RR') || packet.ssrc === this.#options.sender.ssrc) continue
      if (packet.type === 'SR') this.#heard = { ssrc: packet.ssrc, compact: compactNtp(packet.ntp), at }
      for (const report of packet.reports) if (report.ssrc === this.#options.sender.ssrc) this.#read(at, report)
    }
  }

  /** BYE, then silence (RFC 3550 6.3.7: a session of two need not hold it back). */
  stop(): void {
    if (this.#stopped) return
    this.#send({ type: 'BYE', sources: [this.#options.sender.ssrc] })
    this[Symbol.dispose]()
  }

  [Symbol.dispose](): void {
    this.#stopped = true
    this.#timer?.[Symbol.dispose]()
  }

  #read(at: number, report: ReportBlock): void {
    this.view.cumulativeLost = report.cumulativeLost
    this.view.extendedHighest = report.extendedHighest
    this.view.jitter.sum += report.jitter
    this.view.jitter.count++
    if (!this.#sentReports.includes(report.lastSenderReport)) return
    const arrival = compactNtp(ntpTime(at + this.#wallClock))
    const rtt = roundTripTime(arrival, report.lastSenderReport, report.delaySinceLastSenderReport)
    if (rtt === undefined) return
    this.view.rtt.sum += rtt
    this.view.rtt.count++
  }

  #schedule(): void {
    const state = {
      averageSize: this.#averageSize,
      initial: this.#sentCount === 0,
      bandwidth: this.#options.bandwidth,
    }
    this.#timer = this.#options.clock.timer(rtcpInterval(state, this.#options.random), () => {
      this.#send()
      this.#schedule()
    })
  }

  #send(goodbye?: Goodbye): void {
    const { socket, peer, sender, cname, totals } = this.#options
    const octets = buildCompound([
      this.#report(),
      { type: 'SDES', chunks: [{ ssrc: sender.ssrc, items: [{ type: CNAME, text: cname }] }] },
      ...(goodbye ? [goodbye] : []),
    ])
    this.#averageSize = averageSize(this.#averageSize, octets.length)
    this.#sentCount++
    if (peer.port === 0) return
    socket.send(octets, peer.port, peer.host, (error) => {
      if (error) totals.sendErrors++
    })
  }

  /** SR when we sent RTP since the last report, else RR (RFC 3550 6.4). */
  #report(): SenderReport | ReceiverReport {
    const { clock, sender } = this.#options
    const at = clock.monotonic()
    const reports = this.#blocks(at)
    if (sender.packets === this.#packetsReported) return { type: 'RR', ssrc: sender.ssrc, reports }
    this.#packetsReported = sender.packets
    const ntp = ntpTime(at + this.#wallClock)
    this.#sentReports[this.#sentCount % REMEMBERED] = compactNtp(ntp)
    return {
      type: 'SR',
      ssrc: sender.ssrc,
      ntp,
      rtpTimestamp: sender.timestampAt(at),
      packetCount: sender.packets,
      octetCount: sender.payloadOctets,
      reports,
    }
  }

  #blocks(at: number): ReportBlock[] {
    const reception = this.#options.reception()
    if (!reception) return []
    const heard = this.#heard?.ssrc === reception.ssrc ? this.#heard : undefined
    return [
      {
        ...reception,
        lastSenderReport: heard?.compact ?? 0,
        delaySinceLastSenderReport: heard ? Math.round(((at - heard.at) * COMPACT_NTP_UNITS) / 1000) >>> 0 : 0,
      },
    ]
  }
}
