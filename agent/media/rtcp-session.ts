/** The RTCP side of a session: reports to the peer in their intervals, and what the peer's reports say of us (RFC 3550 6). No RTP. */
import type { Socket } from 'node:dgram'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import type { Reception } from '../quality/index.ts'
import { type NtpTime, compactNtp, ntpTime } from './ntp.ts'
import type { PacketPath } from './packet-path.ts'
import type { Peer } from './peer.ts'
import type { ProtectedSession } from './protected-session.ts'
import { averageSize, rtcpInterval } from './rtcp-interval.ts'
import type { ExtendedBlock, ExtendedReport, VoipMetrics } from './rtcp-xr.ts'
import {
  CNAME,
  type Goodbye,
  type ReceiverReport,
  type ReportBlock,
  type SenderReport,
  buildCompound,
  parseCompound,
  stampReport,
} from './rtcp.ts'
import { PeerReports, type RemoteView, delaySince } from './rtcp-view.ts'
import type { Sender, Totals } from './sender.ts'

export interface RtcpOptions {
  clock: Clock
  random: Random
  socket: Socket
  /** Of the stream that reports speak of. */
  sender: Readonly<Pick<Sender, 'ssrc' | 'packets' | 'payloadOctets'>> & Pick<Sender, 'timestampAt'>
  peer: Peer
  /** Takes the place of socket and peer. */
  path: PacketPath | undefined
  protection: ProtectedSession
  /** Canonical name, the same for all streams of the session (RFC 3550 6.5.1). */
  cname: string
  /** Kilobits a second of the session, headers included. */
  bandwidth: number
  totals: Totals
  /** The stream that we receive, now; each call begins its next interval. */
  reception: () => Reception | undefined
  /** What is heard of the stream with this SSRC, so far. */
  voipMetrics: (ssrc: number) => VoipMetrics | undefined
}

/** Every fifth report says what is heard, and the last one: it is more to compute, and to send. */
const VOIP_METRICS_EVERY = 5
/** The size RTCP packets are first assumed to have: SR with one block, SDES with CNAME, lower layers (RFC 3550 6.3.2). */
const PROBABLE_SIZE = 120

export class RtcpSession implements Disposable {
  readonly #options: RtcpOptions
  /** Milliseconds from monotonic time to the wall clock, taken once: a jump of the wall clock does not reach our NTP timestamps. */
  readonly #wallClock: number
  readonly #peer: PeerReports
  #sentCount = 0
  #averageSize = PROBABLE_SIZE
  #timer: Disposable | undefined
  #stopped = false
  #packetsReported = 0

  constructor(options: RtcpOptions) {
    this.#options = options
    this.#peer = new PeerReports(options.sender.ssrc)
    this.#wallClock = options.clock.now() - options.clock.monotonic()
    this.#schedule()
  }

  get view(): RemoteView {
    return this.#peer.view
  }

  /** @param at monotonic milliseconds, stamped when it arrived @param message not encrypted any more @param fromPeer its source is, or may become, the peer's */
  receive(at: number, message: Buffer, fromPeer: () => boolean): void {
    if (this.#stopped) return
    const packets = parseCompound(message)
    if (!packets || !fromPeer()) {
      this.#options.totals.refused++
      return
    }
    this.#averageSize = averageSize(this.#averageSize, message.length)
    this.#peer.read({ at, compact: compactNtp(this.#ntp(at)) }, packets)
  }

  /** At once, behind an RR and the CNAME (RFC 4585 3.1). @param octets of packets of feedback */
  feedback(octets: Buffer): void {
    const { peer, path, protection, sender, cname } = this.#options
    if (this.#stopped || (!path && peer.port === 0)) return
    const head = buildCompound([
      { type: 'RR', ssrc: sender.ssrc, reports: [] },
      { type: 'SDES', chunks: [{ ssrc: sender.ssrc, items: [{ type: CNAME, text: cname }] }] },
    ])
    const leaves = protection.sealRtcp(Buffer.concat([head, octets]))
    if (leaves) this.#transmit(leaves)
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

  #ntp(at: number): NtpTime {
    return ntpTime(at + this.#wallClock)
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
    const { clock, peer, path, protection, sender, cname } = this.#options
    const reception = this.#options.reception()
    const due = goodbye !== undefined || this.#sentCount % VOIP_METRICS_EVERY === VOIP_METRICS_EVERY - 1
    const heard = reception && due ? this.#options.voipMetrics(reception.ssrc) : undefined
    const at = clock.monotonic()
    const report = this.#report(at, reception)
    const octets = buildCompound([
      report,
      { type: 'SDES', chunks: [{ ssrc: sender.ssrc, items: [{ type: CNAME, text: cname }] }] },
      this.#extendedReport(at, reception, heard),
      ...(goodbye ? [goodbye] : []),
    ])
    this.#averageSize = averageSize(this.#averageSize, octets.length)
    this.#sentCount++
    if (!path && peer.port === 0) return
    this.#stamp(octets, report, reception)
    const leaves = protection.sealRtcp(octets)
    if (leaves) this.#transmit(leaves)
  }

  #transmit(octets: Buffer): void {
    const { socket, peer, path, totals } = this.#options
    if (path) path.send('RTCP', octets)
    else {
      socket.send(octets, peer.port, peer.host, (error) => {
        if (error) totals.sendErrors++
      })
    }
  }

  /** SR when we sent RTP since the last report, else RR (RFC 3550 6.4). */
  #report(at: number, reception: Reception | undefined): SenderReport | ReceiverReport {
    const { sender } = this.#options
    const reports = reception ? [this.#block(at, reception)] : []
    if (sender.packets === this.#packetsReported) return { type: 'RR', ssrc: sender.ssrc, reports }
    this.#packetsReported = sender.packets
    return {
      type: 'SR',
      ssrc: sender.ssrc,
      ntp: this.#ntp(at),
      rtpTimestamp: sender.timestampAt(at),
      packetCount: sender.packets,
      octetCount: sender.payloadOctets,
      reports,
    }
  }

  /** Last of all: what passes between the stamps and the sending counts as round trip, and the first packets take long to build. */
  #stamp(octets: Buffer, { type }: SenderReport | ReceiverReport, reception: Reception | undefined): void {
    const { clock, sender } = this.#options
    const at = clock.monotonic()
    const ntp = this.#ntp(at)
    if (type === 'SR') this.#peer.sentReports.add(compactNtp(ntp))
    const heard = reception && this.#peer.heardReport(reception.ssrc)
    const delaySinceLastSenderReport = heard ? delaySince(heard, at) : 0
    stampReport(octets, { ntp, rtpTimestamp: sender.timestampAt(at), delaySinceLastSenderReport })
  }

  #block(at: number, reception: Reception): ReportBlock {
    const heard = this.#peer.heardReport(reception.ssrc)
    return {
      ...reception,
      lastSenderReport: heard?.compact ?? 0,
      delaySinceLastSenderReport: heard ? delaySince(heard, at) : 0,
    }
  }

  #extendedReport(at: number, reception: Reception | undefined, heard: VoipMetrics | undefined): ExtendedReport {
    const ntp = this.#ntp(at)
    this.#peer.sentReferences.add(compactNtp(ntp))
    const blocks: ExtendedBlock[] = [{ block: 'RRTR', ntp }]
    const { heardReference } = this.#peer
    if (heardReference) {
      const { ssrc, compact: lastReceiverReport } = heardReference
      const report = { ssrc, lastReceiverReport, delaySinceLastReceiverReport: delaySince(heardReference, at) }
      blocks.push({ block: 'DLRR', reports: [report] })
    }
    if (reception && reception.expectedSince > 0) blocks.push(statisticsOf(reception))
    if (heard) blocks.push(heard)
    return { type: 'XR', ssrc: this.#options.sender.ssrc, blocks }
  }
}

/** Loss and duplicates since the last report; jitter and time to live have no flag and are not there (RFC 3611 4.6). */
function statisticsOf({ ssrc, extendedHighest, expectedSince, lostSince, duplicatesSince }: Reception): ExtendedBlock {
  return {
    block: 'StatisticsSummary',
    ssrc,
    beginSequence: (extendedHighest - expectedSince + 1) & 0xffff,
    endSequence: (extendedHighest + 1) & 0xffff,
    // A duplicate counts as received in RFC 3550 A.3, and hides a loss there.
    lostPackets: Math.max(0, lostSince + duplicatesSince),
    duplicatePackets: duplicatesSince,
  }
}
