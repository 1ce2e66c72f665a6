/** The metrics of a session: from what was counted to the keys of the registry, with the MOS and its basis. It counts nothing itself. */
import type { Metrics } from '../../crds/index.ts'
import {
  G711_WITH_PLC,
  Histogram,
  type ReceiveStatistics,
  type ReceiveSummary,
  mosOfR,
  pathRating,
} from '../quality/index.ts'
import { G711_CLOCK_RATE } from './codec/g711.ts'
import type { MosBasis, StartOptions } from './media.ts'
import type { RemoteView } from './rtcp-session.ts'
import type { Sender } from './sender.ts'

export interface MeasurementOptions {
  start: Pick<StartOptions, 'codec' | 'ptime' | 'jitterBuffer'>
  statistics: ReceiveStatistics
  sender: Readonly<Pick<Sender, 'packets' | 'octets' | 'firstSequenceNumber' | 'firstAt' | 'lastAt'>>
  view: RemoteView
  received: Readonly<ReceivedCount>
  /** Clock.monotonic of the start. */
  startedAt: number
}

/** RTP of the peer, of every payload type. */
interface ReceivedCount {
  packets: number
  /** With RTP headers. */
  octets: number
}

/** Steps of 0.01 over the MOS scale. */
const MOS_STEP = 0.01
const MOS_STEPS = 450

export class Measurements {
  readonly #options: MeasurementOptions
  readonly #seconds = new Histogram(MOS_STEP, MOS_STEPS)
  readonly #mark: {
    at: number
    packets: number
    octets: number
    sent: number
    sentOctets: number
    rtt: number
    rtts: number
  }

  constructor(options: MeasurementOptions) {
    this.#options = options
    this.#mark = { at: options.startedAt, packets: 0, octets: 0, sent: 0, sentOctets: 0, rtt: 0, rtts: 0 }
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
    Object.assign(metrics, streamMetrics(summary), bufferMetrics(summary), this.#burstMetrics(summary))
    if (summary.duration > 0) {
      metrics.packetRateReceived = ((received.packets - 1) * 1000) / summary.duration
      metrics.bitRateReceived = metrics.packetRateReceived * 8 * (received.octets / received.packets)
    }
    const rtt = this.#rtt()
    const delay = this.#delay(summary.bufferTarget, rtt)
    if (rtt !== undefined) metrics.oneWayDelay = delay
    const { r } = pathRating({
      equipment: G711_WITH_PLC,
      delay,
      loss: (100 * summary.missing) / summary.expected,
      burstRatio: summary.burstRatio,
    })
    metrics.rFactor = r
    metrics.mos = mosOfR(r)
    const low = this.#seconds.quantile(0.05)
    if (low !== undefined) metrics.mosLow = low
    return { metrics, mosBasis: this.#basis(rtt !== undefined) }
  }

  /** What happened since the last sample, or the start. @param at monotonic milliseconds */
  sample(at: number): Metrics {
    const { statistics, received, sender, view } = this.#options
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
      const { r } = pathRating({
        equipment: G711_WITH_PLC,
        delay: this.#delay(statistics.bufferTarget, metrics.rtt ?? this.#rtt()),
        loss: (100 * interval.missing) / interval.expected,
        burstRatio: interval.burstRatio,
      })
      metrics.rFactor = r
      metrics.mos = mosOfR(r)
      this.#seconds.add(metrics.mos)
    }
    mark.at = at
    mark.packets = received.packets
    mark.octets = received.octets
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
      metrics.remoteJitter = ((view.jitter.sum / view.jitter.count) * 1000) / G711_CLOCK_RATE
    }
    if (view.extendedHighest !== undefined && view.cumulativeLost !== undefined) {
      const expected = view.extendedHighest - sender.firstSequenceNumber + 1
      // A peer that counts its cycles from elsewhere, or has seen nothing yet.
      if (expected > 0) metrics.remotePacketLoss = Math.min(100, Math.max(0, (100 * view.cumulativeLost) / expected))
    }
    return metrics
  }

  #burstMetrics(summary: ReceiveSummary): Metrics {
    const { burst, missing } = summary
    const packetDuration = summary.packetDuration ?? this.#options.start.ptime
    const metrics: Metrics = { gapDensity: 100 * burst.gapDensity, gapDuration: burst.gapLength * packetDuration }
    if (missing > 0) {
      metrics.burstDensity = 100 * burst.burstDensity
      metrics.burstDuration = burst.burstLength * packetDuration
    }
    return metrics
  }

  #rtt(): number | undefined {
    const { sum, count } = this.#options.view.rtt
    return count === 0 ? undefined : sum / count
  }

  /** Estimate of the one-way delay mouth to ear: G.711 has no look-ahead. */
  #delay(bufferTarget: number, rtt: number | undefined): number {
    return (rtt ?? 0) / 2 + bufferTarget + this.#options.start.ptime
  }

  #basis(withRtt: boolean): MosBasis {
    const { codec, jitterBuffer } = this.#options.start
    return {
      model: 'G.107',
      codec: `${codec} with packet loss concealment: Ie ${G711_WITH_PLC.ie}, Bpl ${G711_WITH_PLC.bpl} (G.113 Appendix I)`,
      jitterBuffer:
        jitterBuffer.mode === 'Fixed' ? `fixed, ${jitterBuffer.delay} ms` : `adaptive, from ${jitterBuffer.delay} ms`,
      delayBasis: withRtt
        ? 'rtt/2 + jitter buffer + packetization'
        : 'jitter buffer + packetization, no round-trip time',
    }
  }
}

function streamMetrics(summary: ReceiveSummary): Metrics {
  const metrics: Metrics = {
    packetsLost: summary.lost,
    packetLoss: (100 * summary.lost) / summary.expected,
    duplicates: summary.duplicates,
    outOfOrder: summary.outOfOrder,
    sequenceResets: summary.sequenceResets,
    ssrcSwitches: summary.ssrcSwitches,
    longestLossRun: summary.longestLossRun,
  }
  if (summary.jitter !== undefined) metrics.jitter = summary.jitter
  if (summary.interarrival) {
    metrics.interarrivalMin = summary.interarrival.min
    metrics.interarrivalMax = summary.interarrival.max
    metrics.interarrivalP95 = summary.interarrival.p95
  }
  return metrics
}

function bufferMetrics(summary: ReceiveSummary): Metrics {
  const metrics: Metrics = {
    target: summary.bufferTarget,
    late: summary.discarded,
    discardRate: (100 * summary.discarded) / summary.expected,
    played: summary.played,
    concealed: summary.missing,
  }
  if (summary.bufferWait !== undefined) metrics.delay = summary.bufferWait
  return metrics
}
