/** One RTP session: its sockets, whose packets it takes, what it sends, what it reports. RTCP, pacing and formulas are in their own files. */
import type { Metrics } from '../../crds/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { ReceiveStatistics } from '../quality/index.ts'
import type { Codec } from './codec/codec.ts'
import { CODECS } from './codec/codecs.ts'
import { DigitReceiver } from './codec/digit-receiver.ts'
import { type DigitTiming, digitPackets } from './codec/telephone-event.ts'
import type { DatagramKind } from './demultiplex.ts'
import { Echo } from './echo.ts'
import { Incoming } from './incoming.ts'
import { Listener } from './listener.ts'
import { Measurements } from './measurements.ts'
import type { MediaReport, MediaSession, NewTerms, StartOptions } from './media.ts'
import type { NegotiatedPath, PathOptions } from './negotiated-path.ts'
import { LONGEST_INTERVAL, type Pacer } from './pacer.ts'
import type { PacketBuffers } from './packet-buffers.ts'
import type { PacketSource } from './packet-path.ts'
import { Peer } from './peer.ts'
import type { PortPair } from './ports.ts'
import { ProtectedSession } from './protected-session.ts'
import { RtcpSession } from './rtcp-session.ts'
import { isRtp } from './rtp.ts'
import { Sender, type Totals } from './sender.ts'
import { SessionPorts } from './session-ports.ts'
import { type SourceFormat, SourceSender } from './source-sender.ts'
import type { Played, Sources } from './source/sources.ts'
import type { Turns } from './turns.ts'

export interface SessionContext {
  clock: Clock
  random: Random
  pacer: Pacer
  sources: Sources
  /** For the analysis of what was heard. */
  turns: Turns
  buffers: PacketBuffers
  totals: Totals
  /** Canonical name for RTCP. */
  cname: string
}

/** Packets kept from before the start: 10 s of 20 ms packets; older ones are forgotten. */
const EARLY_PACKETS = 512
/** IPv4, UDP and RTP headers, octets a packet: the session bandwidth that RTCP takes its share of (RFC 3550 6.2). */
const HEADERS = 40
/** First sequence numbers are below it, so that a peer that misses the first packets counts the turns as SRTP does here (RFC 3711 3.3.1). */
const FIRST_NUMBERS = 2 ** 15

/** Before the start neither the peer nor its keys are known. */
interface EarlyPacket {
  at: number
  message: Buffer
  from: PacketSource
}

/** @throws RangeError when it has no packets of that ptime */
export function codecFor({ codec: name, ptime }: Pick<StartOptions, 'codec' | 'ptime'>): Codec {
  const codec = CODECS[name]
  if (!codec.ptimes.includes(ptime)) throw new RangeError(`${name} has no packets of ${ptime} ms`)
  return codec
}

/** Everything that exists once the session has started. */
interface Started {
  /** As agreed last. */
  terms: Omit<StartOptions, 'protection'>
  codec: Codec
  peer: Peer
  /** The same with RTCP on the RTP port. */
  rtcpPeer: Peer
  rtcpMux: boolean
  incoming: Incoming
  digits: DigitReceiver
  sender: Sender
  rtcp: RtcpSession
  measurements: Measurements
  echo: Echo | undefined
  source: SourceSender | undefined
}

export class RtpSession implements MediaSession {
  readonly #context: SessionContext
  readonly #ports: SessionPorts
  readonly #disposed: () => void
  readonly #ssrc: number
  readonly #protection = new ProtectedSession()
  #early: EarlyPacket[] = []
  #started: Started | undefined
  #listener: Listener | undefined
  #analysis: Promise<void> | undefined
  #analysed: ReturnType<Listener['report']> | undefined
  #pacing: Disposable | undefined
  #stoppedAt: number | undefined
  /** -Infinity: nothing came. Always a number, so that a packet makes no new one. */
  #lastReceivedAt = -Infinity

  /** @param disposed called when the ports are free again */
  constructor(context: SessionContext, ports: PortPair, disposed: () => void) {
    this.#context = context
    this.#ports = new SessionPorts({
      ...{ clock: context.clock, random: context.random, pair: ports },
      received: (kind, message, at, from) => this.#onPacket(kind, message, at, from),
      reported: (message, at, from) => this.#onRtcpPort(message, at, from),
      rekeyed: (keys) => this.#protection.change(keys),
    })
    this.#disposed = disposed
    this.#ssrc = Math.floor(context.random() * 2 ** 32)
  }

  get rtpPort(): number {
    return this.#ports.rtpPort
  }

  get rtcpPort(): number {
    return this.#ports.rtcpPort
  }

  get lastReceivedAt(): number | undefined {
    return this.#lastReceivedAt === -Infinity ? undefined : this.#lastReceivedAt
  }

  negotiatePath(options: Pick<PathOptions, 'ice' | 'certificate' | 'lost'>): Promise<NegotiatedPath> {
    return this.#ports.negotiatePath(options, () => !this.#started && this.#stoppedAt === undefined)
  }

  leavePath(): void {
    this.#ports.leavePath()
  }

  start(options: StartOptions): void {
    if (this.#started || this.#stoppedAt !== undefined) throw new Error('a media session starts once')
    const codec = codecFor(options)
    if (options.analysis === 'On') this.#listener = new Listener(codec, this.#context.clock.monotonic())
    const started = this.#join(options, codec)
    this.#started = started
    for (const { at, message, from } of this.#early) this.#take(started, at, message, from)
    this.#early = []
    const { source } = options
    if (source.kind === 'Echo') {
      started.echo = new Echo(source, started.sender, this.#context.clock)
      return
    }
    const { random } = this.#context
    started.source = new SourceSender(started.sender, this.#format({ ...options, source }, codec), {
      sequenceNumber: Math.floor(random() * FIRST_NUMBERS),
      timestamp: Math.floor(random() * 2 ** 32),
    })
    this.#pace(started.source, options.ptime)
  }

  renegotiate(terms: NewTerms): 'Changed' | 'OtherClockRate' {
    const started = this.#started
    if (!started || this.#stoppedAt !== undefined) throw new Error('new terms are for a media session that runs')
    const codec = codecFor(terms)
    if (codec.clockRate !== started.codec.clockRate) return 'OtherClockRate'
    const at = this.#context.clock.monotonic()
    const { remote, sending, receiving, protection, ...format } = terms
    const before = started.terms
    started.peer.move(remote.host, remote.rtpPort, at)
    if (started.rtcpPeer !== started.peer) started.rtcpPeer.move(remote.host, remote.rtcpPort, at)
    if (protection) this.#protection.change(protection)
    started.sender.sending = sending
    started.incoming.expect(terms)
    if (codec !== started.codec) started.incoming.deafen()
    started.measurements.change(terms)
    this.#listener?.expects(at, sending, receiving)
    started.codec = codec
    started.terms = { ...before, remote, ...format }
    if (before.codec !== terms.codec || before.ptime !== terms.ptime || before.payloadType !== terms.payloadType) {
      this.#changeSource(started)
    }
    return 'Changed'
  }

  sendDigits(digits: string, timing: DigitTiming): void {
    const { source, terms, codec } = this.#started ?? {}
    if (!source || terms?.telephoneEvent === undefined || !codec) {
      throw new Error('digits need a source beside them, and telephone-event agreed')
    }
    const { ptime, telephoneEvent } = terms
    source.queue(telephoneEvent, digitPackets(digits, timing, { clockRate: codec.clockRate, ptime }))
  }

  report(): MediaReport {
    const started = this.#started
    const report: MediaReport = {
      metrics: {},
      packetsSent: started?.sender.packets ?? 0,
      packetsReceived: started?.incoming.count.packets ?? 0,
    }
    if (!started) return report
    if (started.terms.telephoneEvent !== undefined) report.digits = started.digits.digits
    const { extendedHighest } = started.rtcp.view
    if (extendedHighest !== undefined) report.remoteProgress = extendedHighest
    Object.assign(report, started.measurements.report())
    Object.assign(report.metrics, this.#ofKeys())
    if (this.#analysed) {
      Object.assign(report.metrics, this.#analysed.metrics)
      report.findings = this.#analysed.findings
    }
    return report
  }

  sample(): Metrics {
    return this.#started?.measurements.sample(this.#context.clock.monotonic()) ?? {}
  }

  stop(): void {
    if (this.#stoppedAt !== undefined) return
    this.#stoppedAt = this.#context.clock.monotonic()
    this.#pacing?.[Symbol.dispose]()
    this.#started?.echo?.flush()
    this.#started?.rtcp.stop()
    this.#protection[Symbol.dispose]()
    this.#listener?.[Symbol.dispose]()
  }

  analyse(): Promise<void> {
    const { turns } = this.#context
    if (this.#stoppedAt === undefined) throw new Error('what was heard is analysed after the end')
    const endedAt = this.#stoppedAt
    this.#analysis ??= turns.take(() => {
      this.#analysed = this.#listener?.report(endedAt)
      this.#listener = undefined
    })
    return this.#analysis
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    this.#listener = undefined
    await this.#ports[Symbol.asyncDispose]()
    this.#disposed()
  }

  #join(options: StartOptions, codec: Codec): Started {
    const { clock, random, buffers, totals, cname } = this.#context
    const { remote, ptime, protection: keys, ...terms } = options
    const { clockRate } = codec
    const protection = this.#protection
    if (keys) protection.begin(keys)
    const peer = new Peer(remote.host, remote.rtpPort)
    const { path } = this.#ports
    const rtcpMux = path !== undefined || options.rtcpMux === true
    const rtcpPeer = rtcpMux ? peer : new Peer(remote.host, remote.rtcpPort)
    const statistics = new ReceiveStatistics({ clockRate, jitterBuffer: options.jitterBuffer })
    const digits = new DigitReceiver(clockRate)
    const incoming = new Incoming({ types: options, statistics, digits, listener: this.#listener })
    const sender = new Sender({
      ...{ socket: this.#ports.rtp, peer, path, ssrc: this.#ssrc, clockRate },
      ...{ protection, buffers, totals },
    })
    const rtcp = new RtcpSession({
      ...{ clock, random, sender, path, protection, cname, totals },
      socket: rtcpMux ? this.#ports.rtp : this.#ports.rtcp,
      peer: rtcpPeer,
      bandwidth: codec.bitRate + (HEADERS * 8) / ptime,
      reception: () => statistics.reception(),
      voipMetrics: (ssrc) => measurements.voipMetrics(ssrc),
    })
    const measurements = new Measurements({
      ...{ start: options, statistics, sender, view: rtcp.view, received: incoming.count },
      startedAt: clock.monotonic(),
    })
    return {
      ...{ terms: { ...terms, remote, ptime }, codec, peer, rtcpPeer, rtcpMux, incoming, digits },
      ...{ sender, rtcp, measurements, echo: undefined, source: undefined },
    }
  }

  #format(format: Pick<StartOptions, 'payloadType' | 'ptime'> & { source: Played }, codec: Codec): SourceFormat {
    const { source, payloadType, ptime } = format
    const listener = this.#listener
    return {
      ...{ source: this.#context.sources.packets(codec, ptime, source), payloadType, ptime },
      ...(listener?.codec === codec && { heard: listener.sent }),
    }
  }

  #changeSource({ terms, codec, source }: Started): void {
    if (!source || terms.source.kind === 'Echo') return
    source.change(this.#format({ ...terms, source: terms.source }, codec))
    this.#pacing?.[Symbol.dispose]()
    this.#pace(source, terms.ptime)
  }

  #ofKeys(): Metrics {
    const { failures: srtpFailures } = this.#protection
    if (srtpFailures === undefined) return {}
    const { rehandshakes } = this.#ports
    return { srtpFailures, ...(rehandshakes !== undefined && { dtlsRehandshakes: rehandshakes }) }
  }

  #pace(source: SourceSender, ptime: number): void {
    const { pacer } = this.#context
    this.#pacing = pacer.add(Math.min(ptime, LONGEST_INTERVAL), (at, leftOut) => source.next(at, leftOut))
  }

  /** @param from the peer, when it came over a path */
  #onPacket(kind: DatagramKind, message: Buffer, at: number, from: PacketSource): void {
    if (this.#stoppedAt !== undefined) return
    const started = this.#started
    if (!started && isRtp(message)) this.#keep({ at, message, from })
    else if (kind === 'RTP' && started) this.#take(started, at, message, from)
    else if (kind === 'RTCP' && started?.rtcpMux) this.#onRtcp(started, at, message, from)
    else this.#context.totals.refused++
  }

  #onRtcpPort(message: Buffer, at: number, from: PacketSource): void {
    if (this.#stoppedAt !== undefined || !this.#started) return
    if (this.#started.rtcpMux) this.#context.totals.refused++
    else this.#onRtcp(this.#started, at, message, from)
  }

  #keep(packet: EarlyPacket): void {
    if (this.#early.length >= EARLY_PACKETS) this.#early.shift()
    this.#early.push(packet)
  }

  /** What is not authentic shows nothing, least of all where the peer is. */
  #take(started: Started, at: number, message: Buffer, from: PacketSource): void {
    const { peer, incoming, echo } = started
    const { totals } = this.#context
    const packet = this.#protection.openRtp(message)
    if (!packet || !isRtp(packet) || !this.#isPeer(peer, from, at, incoming.isAudio(packet))) {
      totals.refused++
      return
    }
    totals.packetsReceived++
    this.#lastReceivedAt = at
    incoming.take(at, packet)
    echo?.receive(at, packet)
  }

  #onRtcp(started: Started, at: number, message: Buffer, from: PacketSource): void {
    const { peer, rtcpPeer, rtcp, sender } = started
    const packet = this.#protection.openRtcp(message)
    if (!packet) {
      this.#context.totals.refused++
      return
    }
    const { reports } = rtcp.view
    rtcp.receive(at, packet, () => {
      // On one port, only RTP shows another place.
      return this.#isPeer(rtcpPeer, from, at, rtcpPeer !== peer && from.address === peer.host)
    })
    if (rtcp.view.reports > reports && sender.packets > 0) this.#listener?.reported(at, rtcp.view.extendedHighest)
  }

  /** What comes over a path is the peer's. */
  #isPeer(peer: Peer, { address, port }: PacketSource, at: number, convincing: boolean): boolean {
    return this.#ports.path !== undefined || peer.accepts(address, port, at, convincing)
  }
}
