/** The metrics of a session: from what was counted to the keys of the registry, with the MOS and its basis. It counts nothing itself. */
import type { Metrics } from '../../crds/index.ts'
import {
  Histogram,
  type PathQuality,
  type ReceiveStatistics,
  type ReceiveSummary,
  pathQuality,
} from '../quality/index.ts'
import { CODECS } from './codec/codecs.ts'
import type { MosBasis, StartOptions } from './media.ts'
import type { RemoteView } from './rtcp-view.ts'
import type { VoipMetrics } from './rtcp-xr.ts'
import { HEADER_LENGTH } from './rtp.ts'
import type { Sender } from './sender.ts'
import { streamMetrics } from './stream-metrics.ts'
import { voipMetrics } from './voip-metrics.ts'

/** What the stream is rated by. */
type Format = Pick<StartOptions, 'codec' | 'ptime' | 'jitterBuffer'>

export interface MeasurementOptions {
  start: Format
  statistics: ReceiveStatistics
  sender: Readonly<Pick<Sender, 'packets' | 'octets' | 'firstSequenceNumber' | 'firstAt' | 'lastAt'>>
  view: RemoteView
  received: Readonly<ReceivedCount>
  /** Clock.monotonic of the start. */
  startedAt: number
}

/** RTP of the peer. */
interface ReceivedCount {
  /** Of every payload type. */
  packets: number
  /** With RTP headers. */
  octets: number
  /** Those of the codec. */
  audio: { packets: number; octets: number }
}

/** Steps of 0.01 over the MOS scale. */
const MOS_STEP = 0.01
const MOS_STEPS = 450

export class Measurements {
  readonly #options: MeasurementOptions
  #format: Format
  readonly #seconds = new Histogram(MOS_STEP, MOS_STEPS)
  readonly #mark: {
    at: number
    packets: number
    octets: number
    sent: number
    sentOctets: number
    rtt: number
    rtts: number
    audioPackets: number
    audioOctets: number
  }

  constructor(options: MeasurementOptions) {
    this.#options = options
    this.#format = options.start
    this.#mark = {
      at: options.startedAt,
      packets: 0,
      octets: 0,
      sent: 0,
      sentOctets: 0,
      rtt: 0,
      rtts: 0,
      audioPackets: 0,
      audioOctets: 0,
    }
  }

  /** The call is rated by another codec or packet time: all of it, as one call has one MOS. */
  change(format: Pick<StartOptions, 'codec' | 'ptime'>): void {
    this.#format = { ...this.#format, ...format }
  }

  /** The call so far. */
  report(): { metrics: Metrics; mosBasis?: MosBasis } {
    const { statistics, received } = this.#options
    const metrics = this.#sent()
    Object.assign(metrics, this.#remote())
    metrics.packetsReceived = received.packets
    metrics.bytesReceived = received.octets
    const summary = statistics.summary()
    if (summary.packets === 0) return { metrics }
    Object.assign(metrics, streamMetrics(summary, this.#format.ptime))
    if (summary.duration > 0) {
      metrics.packetRateReceived = ((received.packets - 1) * 1000) / summary.duration
      metrics.bitRateReceived = metrics.packetRateReceived * 8 * (received.octets / received.packets)
    }
    const rtt = this.#rtt()
    const delay = this.#delay(summary.bufferTarget, rtt)
    if (rtt !== undefined) metrics.oneWayDelay = delay
    const quality = this.#quality(summary, delay)
    metrics.rFactor = quality.r
    metrics.mos = quality.mos
    const low = this.#seconds.quantile(0.05)
    if (low !== undefined) metrics.mosLow = low
    return { metrics, mosBasis: this.#basis(quality, rtt !== undefined) }
  }

  /** The call so far, for the peer. @param ssrc of its stream; undefined: nothing of it came */
  voipMetrics(ssrc: number): VoipMetrics | undefined {
    const { statistics } = this.#options
    const start = this.#format
    const summary = statistics.summary()
    if (summary.packets === 0) return undefined
    const rtt = this.#rtt()
    return voipMetrics({
      ssrc,
      summary,
      conversational: this.#quality(summary, this.#delay(summary.bufferTarget, rtt)),
      listening: this.#quality(summary, 0),
      endSystemDelay: this.#delay(summary.bufferTarget, undefined),
      packetDuration: summary.packetDuration ?? start.ptime,
      jitterBuffer: start.jitterBuffer,
      ...(rtt !== undefined && { rtt }),
    })
  }

  /** What happened since the last sample, or the start. @param at monotonic milliseconds */
  sample(at: number): Metrics {
    const { statistics, received, sender, view } = this.#options
    const start = this.#format
    const mark = this.#mark
    const metrics: Metrics = {}
    const seconds = (at - mark.at) / 1000
    if (seconds > 0) {
      metrics.packetRateSent = (sender.packets - mark.sent) / seconds
      metrics.bitRateSent = (8 * (sender.octets - mark.sentOctets)) / seconds
      metrics.packetRateReceived = (received.packets - mark.packets) / seconds
      metrics.bitRateReceived = (8 * (received.octets - mark.octets)) / seconds
    }
    const interval = statistics.interval()
    if (interval.jitter !== undefined) metrics.jitter = interval.jitter
    const rtts = view.rtt.count - mark.rtts
    if (rtts > 0) metrics.rtt = (view.rtt.sum - mark.rtt) / rtts
    if (interval.expected > 0) {
      metrics.packetsLost = Math.max(0, interval.lost)
      metrics.packetLoss = (100 * metrics.packetsLost) / interval.expected
      const { r, mos } = pathQuality({
        codec: start.codec,
        delay: this.#delay(statistics.bufferTarget, metrics.rtt ?? this.#rtt()),
        loss: (100 * interval.missing) / interval.expected,
        burstRatio: interval.burstRatio,
        bitRate: payloadBitRate(
          received.audio.packets - mark.audioPackets,
          received.audio.octets - mark.audioOctets,
          start.ptime,
        ),
      })
      metrics.rFactor = r
      metrics.mos = mos
      this.#seconds.add(metrics.mos)
    }
    mark.at = at
    mark.packets = received.packets
    mark.octets = received.octets
    mark.audioPackets = received.audio.packets
    mark.audioOctets = received.audio.octets
    mark.sent = sender.packets
    mark.sentOctets = sender.octets
    mark.rtt = view.rtt.sum
    mark.rtts = view.rtt.count
    return metrics
  }

  #sent(): Metrics {
    const { sender } = this.#options
    const metrics: Metrics = { packetsSent: sender.packets, bytesSent: sender.octets }
    const duration = sender.lastAt - sender.firstAt
    if (sender.packets > 1 && duration > 0) {
      metrics.packetRateSent = ((sender.packets - 1) * 1000) / duration
      metrics.bitRateSent = metrics.packetRateSent * 8 * (sender.octets / sender.packets)
    }
    return metrics
  }

  /** Round trip and the peer's view of our stream. */
  #remote(): Metrics {
    const { view, sender } = this.#options
    const metrics: Metrics = {}
    const rtt = this.#rtt()
    if (rtt !== undefined) metrics.rtt = rtt
    const { count, first, last } = view.received
    if (count > 1) metrics.rtcpInterval = (last - first) / (count - 1)
    if (view.jitter.count > 0) {
      metrics.remoteJitter = ((view.jitter.sum / view.jitter.count) * 1000) / CODECS[this.#format.codec].clockRate
    }
    if (view.extendedHighest !== undefined && view.cumulativeLost !== undefined) {
      const expected = view.extendedHighest - sender.firstSequenceNumber + 1
      // A peer that counts its cycles from elsewhere, or has seen nothing yet.
      if (expected > 0) metrics.remotePacketLoss = Math.min(100, Math.max(0, (100 * view.cumulativeLost) / expected))
    }
    return metrics
  }

  /** Of the call so far. */
  #quality(summary: ReceiveSummary, delay: number): PathQuality {
    const { received } = this.#options
    const start = this.#format
    return pathQuality({
      codec: start.codec,
      delay,
      loss: (100 * summary.missing) / summary.expected,
      burstRatio: summary.burstRatio,
      bitRate: payloadBitRate(received.audio.packets, received.audio.octets, summary.packetDuration ?? start.ptime),
    })
  }

  #rtt(): number | undefined {
    const { sum, count } = this.#options.view.rtt
    return count === 0 ? undefined : sum / count
  }

  /** Estimate of the one-way delay mouth to ear. */
  #delay(bufferTarget: number, rtt: number | undefined): number {
    const { codec, ptime } = this.#format
    return (rtt ?? 0) / 2 + bufferTarget + ptime + CODECS[codec].codingDelay
  }

  #basis({ model, codec, assumed }: PathQuality, withRtt: boolean): MosBasis {
    const { jitterBuffer, codec: name } = this.#format
    const own = `jitter buffer + packetization${CODECS[name].codingDelay > 0 ? ' + codec' : ''}`
    return {
      model,
      codec,
      jitterBuffer:
        jitterBuffer.mode === 'Fixed' ? `fixed, ${jitterBuffer.delay} ms` : `adaptive, from ${jitterBuffer.delay} ms`,
      delayBasis: withRtt ? `rtt/2 + ${own}` : `${own}, no round-trip time`,
      ...(assumed.length > 0 && { assumed }),
    }
  }
}

/** kbit/s of a stream without its headers, whatever of it was lost. @param packetDuration milliseconds of audio a packet */
function payloadBitRate(packets: number, octets: number, packetDuration: number): number {
  return packets === 0 ? 0 : (8 * (octets / packets - HEADER_LENGTH)) / packetDuration
}
