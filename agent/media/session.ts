/** One RTP session: its sockets, whose packets it takes, what it sends, what it measures. RTCP, pacing and formulas are in their own files. */
import type { RemoteInfo } from 'node:dgram'
import type { Metrics } from '../../crds/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { type ReceivedPacket, ReceiveStatistics } from '../quality/index.ts'
import { Echo } from './echo.ts'
import type { Codec } from './codec/codec.ts'
import { CODECS } from './codec/codecs.ts'
import { DigitReceiver } from './codec/digit-receiver.ts'
import { type DigitTiming, digitPackets } from './codec/telephone-event.ts'
import { Measurements } from './measurements.ts'
import type { MediaReport, MediaSession, StartOptions } from './media.ts'
import { LONGEST_INTERVAL, type Pacer } from './pacer.ts'
import { Peer } from './peer.ts'
import type { PortPair } from './ports.ts'
import { RtcpSession } from './rtcp-session.ts'
import { headerLength, isRtp, payloadType, sequenceNumber, ssrc, timestamp } from './rtp.ts'
import { Sender, SourceSender, type Totals } from './sender.ts'
import type { Sources } from './source/sources.ts'

export interface SessionContext {
  clock: Clock
  random: Random
  pacer: Pacer
  sources: Sources
  totals: Totals
  /** Canonical name for RTCP. */
  cname: string
}

/** Packets kept from before the start: 10 s of 20 ms packets; older ones are forgotten. */
const EARLY_PACKETS = 512
/** IPv4, UDP and RTP headers, octets a packet: the session bandwidth that RTCP takes its share of (RFC 3550 6.2). */
const HEADERS = 40

interface EarlyPacket {
  at: number
  octets: number
  type: number
  packet: ReceivedPacket
  host: string
  port: number
}

/** @throws RangeError when it has no packets of that ptime */
export function codecFor({ codec: name, ptime }: Pick<StartOptions, 'codec' | 'ptime'>): Codec {
  const codec = CODECS[name]
  if (!codec.ptimes.includes(ptime)) throw new RangeError(`${name} has no packets of ${ptime} ms`)
  return codec
}

interface TelephoneEvent {
  payloadType: number
  receiver: DigitReceiver
  stream: { clockRate: number; ptime: number }
}

/** Everything that exists once the session has started. */
interface Started {
  payloadType: number
  peer: Peer
  rtcpPeer: Peer
  statistics: ReceiveStatistics
  sender: Sender
  rtcp: RtcpSession
  measurements: Measurements
  echo: Echo | undefined
  source: SourceSender | undefined
  telephoneEvent: TelephoneEvent | undefined
}

export class RtpSession implements MediaSession {
  readonly #context: SessionContext
  readonly #ports: PortPair
  readonly #disposed: () => void
  readonly #ssrc: number
  readonly #received = { packets: 0, octets: 0 }
  readonly #packet: ReceivedPacket = { ssrc: 0, sequenceNumber: 0, timestamp: 0, timed: true }
  #early: EarlyPacket[] = []
  #started: Started | undefined
  #pacing: Disposable | undefined
  #stopped = false
  #lastReceivedAt: number | undefined

  /** @param disposed called when the ports are free again */
  constructor(context: SessionContext, ports: PortPair, disposed: () => void) {
    this.#context = context
    this.#ports = ports
    this.#disposed = disposed
    this.#ssrc = Math.floor(context.random() * 2 ** 32)
    ports.rtp.on('message', (message, source) => this.#onRtp(context.clock.monotonic(), message, source))
    ports.rtcp.on('message', (message, source) => this.#onRtcp(context.clock.monotonic(), message, source))
    // A send that failed is told to its callback; an error of the socket itself shows as packets that do not come.
    ports.rtp.on('error', () => undefined)
    ports.rtcp.on('error', () => undefined)
  }

  get rtpPort(): number {
    return this.#ports.rtpPort
  }

  get rtcpPort(): number {
    return this.#ports.rtcpPort
  }

  start(options: StartOptions): void {
    if (this.#started || this.#stopped) throw new Error('a media session starts once')
    const { clock, random, pacer, sources, totals, cname } = this.#context
    const { remote, source, ptime } = options
    const codec = codecFor(options)
    const { clockRate } = codec
    const peer = new Peer(remote.host, remote.rtpPort)
    const rtcpPeer = new Peer(remote.host, remote.rtcpPort)
    const statistics = new ReceiveStatistics({ clockRate, jitterBuffer: options.jitterBuffer })
    const sender = new Sender({ socket: this.#ports.rtp, peer, ssrc: this.#ssrc, clockRate, totals })
    const rtcp = new RtcpSession({
      clock,
      random,
      socket: this.#ports.rtcp,
      sender,
      peer: rtcpPeer,
      cname,
      totals,
      bandwidth: codec.bitRate + (HEADERS * 8) / ptime,
      reception: () => statistics.reception(),
      voipMetrics: (ssrc) => measurements.voipMetrics(ssrc),
    })
    const measurements = new Measurements({
      start: options,
      statistics,
      sender,
      view: rtcp.view,
      received: this.#received,
      startedAt: clock.monotonic(),
    })
    const echo = source.kind === 'Echo' ? new Echo(source, sender, clock) : undefined
    const telephoneEvent =
      options.telephoneEvent === undefined
        ? undefined
        : { payloadType: options.telephoneEvent, receiver: new DigitReceiver(clockRate), stream: { clockRate, ptime } }
    const started = { payloadType: options.payloadType, peer, rtcpPeer, statistics, sender, rtcp, measurements, echo }
    this.#started = { ...started, source: undefined, telephoneEvent }
    for (const early of this.#early) this.#take(this.#started, early)
    this.#early = []
    if (source.kind === 'Echo') return
    const packets = new SourceSender(
      sender,
      sources.packets(codec, ptime, source),
      { payloadType: options.payloadType, ptime },
      { sequenceNumber: Math.floor(random() * 2 ** 16), timestamp: Math.floor(random() * 2 ** 32) },
    )
    this.#started.source = packets
    this.#pacing = pacer.add(Math.min(ptime, LONGEST_INTERVAL), (leftOut) => packets.next(clock.monotonic(), leftOut))
  }

  sendDigits(digits: string, timing: DigitTiming): void {
    const { source, telephoneEvent } = this.#started ?? {}
    if (!source || !telephoneEvent) throw new Error('digits need a source beside them, and telephone-event agreed')
    source.queue(telephoneEvent.payloadType, digitPackets(digits, timing, telephoneEvent.stream))
  }

  report(): MediaReport {
    const started = this.#started
    const report: MediaReport = {
      metrics: {},
      packetsSent: started?.sender.packets ?? 0,
      packetsReceived: this.#received.packets,
    }
    if (this.#lastReceivedAt !== undefined) report.lastReceivedAt = this.#lastReceivedAt
    if (!started) return report
    if (started.telephoneEvent) report.digits = started.telephoneEvent.receiver.digits
    const { extendedHighest } = started.rtcp.view
    if (extendedHighest !== undefined) report.remoteProgress = extendedHighest
    return { ...report, ...started.measurements.report() }
  }

  sample(): Metrics {
    return this.#started?.measurements.sample(this.#context.clock.monotonic()) ?? {}
  }

  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#pacing?.[Symbol.dispose]()
    this.#started?.echo?.flush()
    this.#started?.rtcp.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await this.#ports[Symbol.asyncDispose]()
    this.#disposed()
  }

  #onRtp(at: number, message: Buffer, source: RemoteInfo): void {
    if (this.#stopped) return
    const type = payloadType(message)
    const started = this.#started
    if (
      !isRtp(message) ||
      started?.peer.accepts(source.address, source.port, at, type === started.payloadType) === false
    ) {
      this.#context.totals.refused++
      return
    }
    if (!started) {
      this.#keep(at, message, source)
      return
    }
    const packet = this.#packet
    packet.ssrc = ssrc(message)
    packet.sequenceNumber = sequenceNumber(message)
    packet.timestamp = timestamp(message)
    packet.timed = type === started.payloadType
    if (type === started.telephoneEvent?.payloadType) {
      started.telephoneEvent.receiver.receive(at, packet.timestamp, message.subarray(headerLength(message)))
    }
    started.echo?.receive(at, message)
    this.#count(started, at, message.length)
  }

  /** Before the start neither the peer nor the payload type is known. */
  #keep(at: number, message: Buffer, source: RemoteInfo): void {
    if (this.#early.length >= EARLY_PACKETS) this.#early.shift()
    const packet = {
      ssrc: ssrc(message),
      sequenceNumber: sequenceNumber(message),
      timestamp: timestamp(message),
      timed: true,
    }
    const { address: host, port } = source
    this.#early.push({ at, octets: message.length, type: payloadType(message), packet, host, port })
  }

  #take(started: Started, early: EarlyPacket): void {
    const timed = early.type === started.payloadType
    if (!started.peer.accepts(early.host, early.port, early.at, timed)) return
    Object.assign(this.#packet, early.packet, { timed })
    this.#count(started, early.at, early.octets)
  }

  #count(started: Started, at: number, octets: number): void {
    this.#received.packets++
    this.#received.octets += octets
    this.#context.totals.packetsReceived++
    this.#lastReceivedAt = at
    started.statistics.receive(at, this.#packet)
  }

  #onRtcp(at: number, message: Buffer, source: RemoteInfo): void {
    const started = this.#started
    if (!started) return
    const { peer, rtcpPeer, rtcp } = started
    rtcp.receive(at, message, () => {
      return rtcpPeer.accepts(source.address, source.port, at, source.address === peer.host)
    })
  }
}
