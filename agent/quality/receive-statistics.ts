/** Everything that is measured of one received RTP stream from arrival stamps and headers; whose packets they are was decided before. */
import { type Arrival, Arrivals, type ReceivedPacket } from './arrivals.ts'
import { type BurstSummary, burstRatio, burstSummary } from './burst.ts'
import { Histogram } from './histogram.ts'
import { InterarrivalJitter } from './interarrival-jitter.ts'
import { JitterBuffer, type JitterBufferMode } from './jitter-buffer.ts'
import { MediaClock } from './media-clock.ts'
import { NotedPackets } from './noted-packets.ts'
import { type LossReport, SequenceState } from './sequence.ts'

export interface ReceiveOptions {
  /** RTP timestamp units a second. */
  clockRate: number
  jitterBuffer: { mode: JitterBufferMode; /** milliseconds */ delay: number }
}

/** What happened between two moments, or since the start. Times in milliseconds. */
export interface ReceiveInterval {
  /** Packets received, duplicates too. */
  packets: number
  /** Sequence numbers from the first to the highest received. */
  expected: number
  /** Of those: never arrived. In an interval it may be below 0, when packets of the one before came late. */
  lost: number
  /** Of those: lost, or too late for the jitter buffer. */
  missing: number
  burstRatio: number
  /** The average over the packets of J of RFC 3550 A.8; absent: fewer than two packets. */
  jitter?: number
}

export interface ReceiveSummary extends ReceiveInterval {
  /** J of RFC 3550 A.8 after the last packet. */
  finalJitter?: number
  /** Arrived, but too late for the jitter buffer. */
  discarded: number
  duplicates: number
  /** For the first time, but after one with a higher number. */
  outOfOrder: number
  longestLossRun: number
  sequenceResets: number
  ssrcSwitches: number
  /** Between consecutive arrivals; absent: fewer than two packets. */
  interarrival?: { min: number; max: number; /** in steps of 0.5 ms */ p95: number }
  burst: BurstSummary
  /** The jitter-buffer model, in averages: what it aims at, and what a played packet waited; absent: none was played. */
  bufferTarget: number
  bufferWait?: number
  /** Packets that were there at their time of playing. */
  played: number
  /** From the first to the last packet. */
  duration: number
  /** Step of the timestamps from one sequence number to the next, as seen last; absent: no two followed each other. */
  packetDuration?: number
  /** Changes of the timestamp that fit neither the packets nor the time between. */
  timestampJumps: number
  /** Parts per million, positive: the sender's clock is faster than ours; absent: no 5 s without a jump. */
  clockDriftPpm?: number
}

/** The part of a reception report block (RFC 3550 6.4.1) that the stream itself gives. */
export interface Reception extends LossReport {
  ssrc: number
  /** Timestamp units, rounded down. */
  jitter: number
  /** Since the last one. */
  duplicatesSince: number
}

/** Steps of 0.5 ms up to 200 ms, ten packets of 20 ms. */
const INTERARRIVAL = { step: 0.5, steps: 400 }

/** What follows from the packets of `Arrivals`, and when each came. Nothing is allocated per packet; one takes about 7 KB, however long. */
export class ReceiveStatistics {
  readonly #clockRate: number
  readonly #arrivals = new Arrivals()
  readonly #jitter: InterarrivalJitter
  readonly #buffer: JitterBuffer
  readonly #mediaClock: MediaClock
  readonly #interarrival = new Histogram(INTERARRIVAL.step, INTERARRIVAL.steps)
  readonly #noted = new NotedPackets()
  #sequence = new SequenceState()
  #firstArrival: number | undefined
  #lastArrival = 0
  #shortest = Infinity
  #longest = 0
  #duplicatesReported = 0
  readonly #mark = { packets: 0, expected: 0, lost: 0, judged: 0, missing: 0, runs: 0, jitterSum: 0, jitterCount: 0 }

  constructor(options: ReceiveOptions) {
    this.#clockRate = options.clockRate
    this.#jitter = new InterarrivalJitter(options.clockRate)
    this.#buffer = new JitterBuffer(options.jitterBuffer.mode, options.jitterBuffer.delay, options.clockRate)
    this.#mediaClock = new MediaClock(options.clockRate)
  }

  /** For who does not ask at once what the packet is: it is judged with others, before anything is read. @param arrival as for `receive` */
  note(arrival: number, packet: ReceivedPacket): void {
    this.#noted.add(arrival, packet)
    if (this.#noted.isFull) this.#judgeNoted()
  }

  /** @param arrival monotonic milliseconds, in order of arrival */
  receive(arrival: number, packet: ReceivedPacket): Arrival {
    this.#judgeNoted()
    return this.#judge(arrival, packet)
  }

  #judgeNoted(): void {
    if (!this.#noted.isEmpty) this.#noted.take(this.#judge)
  }

  readonly #judge = (arrival: number, packet: ReceivedPacket): Arrival => {
    const before = this.#arrivals.ssrc
    const place = this.#arrivals.place(arrival, packet)
    if (place === 'Switch') this.#begin(packet.ssrc !== before)
    if (packet.ssrc === this.#arrivals.ssrc) this.#sequence.update(packet.sequenceNumber)
    if (place !== 'Stray') this.#time(arrival, packet, place)
    return place
  }

  /** Of the source that counts now; undefined: no packet came. */
  get ssrc(): number | undefined {
    this.#judgeNoted()
    return this.#arrivals.ssrc
  }

  /** Of the source that counts now; begins the next interval of its loss and duplicates. */
  reception(): Reception | undefined {
    this.#judgeNoted()
    const { ssrc, duplicates } = this.#arrivals
    const loss = this.#sequence.report()
    if (ssrc === undefined || !loss) return undefined
    const duplicatesSince = duplicates - this.#duplicatesReported
    this.#duplicatesReported = duplicates
    return { ssrc, ...loss, jitter: Math.floor((this.#jitter.current * this.#clockRate) / 1000), duplicatesSince }
  }

  /** What the jitter buffer aims at on average, milliseconds. */
  get bufferTarget(): number {
    this.#judgeNoted()
    return this.#buffer.averageTarget
  }

  /** Since the last call of `interval`, or the start. */
  interval(): ReceiveInterval {
    this.#judgeNoted()
    const { expected, lost, packets } = this.#arrivals
    const pattern = this.#arrivals.pattern()
    const mark = this.#mark
    const missing = Math.max(0, pattern.missing - mark.missing)
    const judged = pattern.packets - mark.judged
    const jitterCount = this.#jitter.count - mark.jitterCount
    const result: ReceiveInterval = {
      packets: packets - mark.packets,
      expected: expected - mark.expected,
      lost: lost - mark.lost,
      missing,
      burstRatio: burstRatio(judged, missing, pattern.runs - mark.runs),
    }
    if (jitterCount > 0) result.jitter = (this.#jitter.sum - mark.jitterSum) / jitterCount
    mark.packets = packets
    mark.expected = expected
    mark.lost = lost
    mark.judged = pattern.packets
    mark.missing = pattern.missing
    mark.runs = pattern.runs
    mark.jitterSum = this.#jitter.sum
    mark.jitterCount = this.#jitter.count
    return result
  }

  /** Since the start. */
  summary(): ReceiveSummary {
    this.#judgeNoted()
    const arrivals = this.#arrivals
    const pattern = arrivals.pattern()
    const result: ReceiveSummary = {
      packets: arrivals.packets,
      expected: arrivals.expected,
      lost: arrivals.lost,
      missing: pattern.missing,
      burstRatio: burstRatio(pattern.packets, pattern.missing, pattern.runs),
      discarded: this.#buffer.discarded,
      duplicates: arrivals.duplicates,
      outOfOrder: arrivals.outOfOrder,
      longestLossRun: arrivals.longestLossRun(),
      sequenceResets: arrivals.sequenceResets,
      ssrcSwitches: arrivals.ssrcSwitches,
      burst: burstSummary(pattern),
      bufferTarget: this.#buffer.averageTarget,
      played: this.#buffer.packets - this.#buffer.discarded,
      duration: this.#firstArrival === undefined ? 0 : this.#lastArrival - this.#firstArrival,
      timestampJumps: this.#mediaClock.jumps,
    }
    if (this.#buffer.averageWait !== undefined) result.bufferWait = this.#buffer.averageWait
    const { packetDuration, driftPpm } = this.#mediaClock
    if (packetDuration !== undefined) result.packetDuration = packetDuration
    if (driftPpm !== undefined) result.clockDriftPpm = driftPpm
    const jitter = this.#jitter.average
    if (jitter !== undefined) {
      result.jitter = jitter
      result.finalJitter = this.#jitter.current
    }
    const p95 = this.#interarrival.quantile(0.95)
    if (p95 !== undefined) result.interarrival = { min: this.#shortest, max: this.#longest, p95 }
    return result
  }

  /** Another count begins, with its first packet that waited. @param anotherSource false: the same one, with other numbers */
  #begin(anotherSource: boolean): void {
    const { candidate } = this.#arrivals
    this.#jitter.restart()
    this.#buffer.restart()
    this.#mediaClock.restart()
    if (anotherSource) {
      this.#sequence = new SequenceState()
      this.#sequence.update(candidate.sequenceNumber)
    }
    this.#time(candidate.arrival, candidate, 'New')
  }

  #time(arrival: number, packet: ReceivedPacket, place: Exclude<Arrival, 'Stray'>): void {
    this.#gap(arrival)
    if (!packet.timed || place === 'Straggler') return
    const { sequenceNumber, timestamp } = packet
    const jumped = (place === 'New' || place === 'Switch') && this.#mediaClock.add(arrival, sequenceNumber, timestamp)
    if (jumped) {
      this.#jitter.skip()
      this.#buffer.restart()
    }
    this.#jitter.add(arrival, timestamp)
    if (place !== 'Duplicate' && !this.#buffer.add(arrival, timestamp)) this.#arrivals.discard(sequenceNumber)
  }

  #gap(arrival: number): void {
    const last = this.#lastArrival
    if (this.#firstArrival === undefined) this.#firstArrival = arrival
    // A packet that waited as a candidate may be older than the last one of the count before it.
    else if (arrival < last) return
    else {
      const gap = arrival - last
      if (gap < this.#shortest) this.#shortest = gap
      if (gap > this.#longest) this.#longest = gap
      this.#interarrival.add(gap)
    }
    this.#lastArrival = arrival
  }
}
