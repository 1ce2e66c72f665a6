/** Everything that is measured of one received RTP stream from arrival stamps and headers; whose packets they are was decided before. */
import { ArrivalWindow } from './arrival-window.ts'
import { type BurstSummary, LossPattern, burstRatio } from './burst.ts'
import { Histogram } from './histogram.ts'
import { InterarrivalJitter } from './interarrival-jitter.ts'
import { JitterBuffer, type JitterBufferMode } from './jitter-buffer.ts'
import { type LossReport, SequenceState } from './sequence.ts'

/** The header fields of a packet that count. The same object may be filled anew for each packet: nothing is kept of it. */
export interface ReceivedPacket {
  ssrc: number
  sequenceNumber: number
  /** RTP timestamp, 32 bit. */
  timestamp: number
  /** False for a payload type whose timestamps do not follow the audio (telephone-event): it has a sequence number, but no jitter. */
  timed: boolean
}

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
}

/** The part of a reception report block (RFC 3550 6.4.1) that the stream itself gives. */
export interface Reception extends LossReport {
  ssrc: number
  /** Timestamp units, rounded down. */
  jitter: number
}

/** A replaced source comes back only when its successor was silent for so long, milliseconds: two streams at once do not alternate. */
const RETURN_SILENCE = 1000
/** Steps of 0.5 ms up to 200 ms, ten packets of 20 ms. */
const INTERARRIVAL = { step: 0.5, steps: 400 }

/**
 * One SSRC counts at a time. The first packet of all makes its SSRC the source; another SSRC replaces it with its second consecutive
 * packet (RFC 3550 A.1 probation, MIN_SEQUENTIAL 2), the first one is then counted too. Loss is counted within each source, never
 * across. Nothing is allocated per packet.
 */
export class ReceiveStatistics {
  readonly #clockRate: number
  readonly #window = new ArrivalWindow()
  readonly #jitter: InterarrivalJitter
  readonly #buffer: JitterBuffer
  readonly #interarrival = new Histogram(INTERARRIVAL.step, INTERARRIVAL.steps)
  readonly #scratch = new LossPattern()
  #sequence = new SequenceState()
  #ssrc: number | undefined
  #previousSsrc: number | undefined
  readonly #candidate: ReceivedPacket = { ssrc: -1, sequenceNumber: 0, timestamp: 0, timed: false }
  #candidateArrival = 0
  #firstArrival = 0
  #lastArrival = 0
  #lastSequenceNumber = 0
  #lastTimestamp = 0
  /** Timestamp units of a packet; 0: not known. */
  #step = 0
  #shortest = Infinity
  #longest = 0
  #packets = 0
  #duplicates = 0
  #outOfOrder = 0
  #ssrcSwitches = 0
  readonly #mark = { packets: 0, expected: 0, lost: 0, judged: 0, missing: 0, runs: 0, jitterSum: 0, jitterCount: 0 }

  constructor(options: ReceiveOptions) {
    this.#clockRate = options.clockRate
    this.#jitter = new InterarrivalJitter(options.clockRate)
    this.#buffer = new JitterBuffer(options.jitterBuffer.mode, options.jitterBuffer.delay, options.clockRate)
  }

  /** @param arrival monotonic milliseconds, in order of arrival */
  receive(arrival: number, packet: ReceivedPacket): void {
    if (packet.ssrc !== this.#ssrc && !this.#admit(arrival, packet)) return
    this.#count(arrival, packet)
  }

  /** Of the source that counts now. */
  reception(): Reception | undefined {
    const loss = this.#ssrc === undefined ? undefined : this.#sequence.report()
    if (this.#ssrc === undefined || !loss) return undefined
    return { ssrc: this.#ssrc, ...loss, jitter: Math.floor((this.#jitter.current * this.#clockRate) / 1000) }
  }

  /** What the jitter buffer aims at on average, milliseconds. */
  get bufferTarget(): number {
    return this.#buffer.averageTarget
  }

  /** Since the last call of `interval`, or the start. */
  interval(): ReceiveInterval {
    this.#window.pattern(this.#scratch)
    const mark = this.#mark
    const { expected, lost } = this.#window
    const missing = Math.max(0, this.#scratch.missing - mark.missing)
    const judged = this.#scratch.packets - mark.judged
    const jitterCount = this.#jitter.count - mark.jitterCount
    const result: ReceiveInterval = {
      packets: this.#packets - mark.packets,
      expected: expected - mark.expected,
      lost: lost - mark.lost,
      missing,
      burstRatio: burstRatio(judged, missing, this.#scratch.runs - mark.runs),
    }
    if (jitterCount > 0) result.jitter = (this.#jitter.sum - mark.jitterSum) / jitterCount
    mark.packets = this.#packets
    mark.expected = expected
    mark.lost = lost
    mark.judged = this.#scratch.packets
    mark.missing = this.#scratch.missing
    mark.runs = this.#scratch.runs
    mark.jitterSum = this.#jitter.sum
    mark.jitterCount = this.#jitter.count
    return result
  }

  /** Since the start. */
  summary(): ReceiveSummary {
    this.#window.pattern(this.#scratch)
    const { packets, missing, runs } = this.#scratch
    const result: ReceiveSummary = {
      packets: this.#packets,
      expected: this.#window.expected,
      lost: this.#window.lost,
      missing,
      burstRatio: burstRatio(packets, missing, runs),
      discarded: this.#buffer.discarded,
      duplicates: this.#duplicates,
      outOfOrder: this.#outOfOrder,
      longestLossRun: this.#window.longestLossRun(),
      sequenceResets: this.#window.sequenceResets,
      ssrcSwitches: this.#ssrcSwitches,
      burst: this.#scratch.summary(),
      bufferTarget: this.#buffer.averageTarget,
      played: this.#buffer.packets - this.#buffer.discarded,
      duration: this.#packets === 0 ? 0 : this.#lastArrival - this.#firstArrival,
    }
    if (this.#buffer.averageWait !== undefined) result.bufferWait = this.#buffer.averageWait
    if (this.#step > 0) result.packetDuration = (this.#step * 1000) / this.#clockRate
    const jitter = this.#jitter.average
    if (jitter !== undefined) {
      result.jitter = jitter
      result.finalJitter = this.#jitter.current
    }
    const p95 = this.#interarrival.quantile(0.95)
    if (p95 !== undefined) result.interarrival = { min: this.#shortest, max: this.#longest, p95 }
    return result
  }

  #admit(arrival: number, packet: ReceivedPacket): boolean {
    if (this.#ssrc === undefined) {
      this.#ssrc = packet.ssrc
      return true
    }
    if (packet.ssrc === this.#previousSsrc && arrival - this.#lastArrival < RETURN_SILENCE) return false
    const candidate = this.#candidate
    if (packet.ssrc !== candidate.ssrc || packet.sequenceNumber !== ((candidate.sequenceNumber + 1) & 0xffff)) {
      candidate.ssrc = packet.ssrc
      candidate.sequenceNumber = packet.sequenceNumber
      candidate.timestamp = packet.timestamp
      candidate.timed = packet.timed
      this.#candidateArrival = arrival
      return false
    }
    this.#previousSsrc = this.#ssrc
    this.#ssrc = packet.ssrc
    this.#ssrcSwitches++
    this.#window.finish()
    this.#jitter.restart()
    this.#buffer.restart()
    this.#sequence = new SequenceState()
    this.#count(this.#candidateArrival, candidate)
    candidate.ssrc = -1
    return true
  }

  #count(arrival: number, packet: ReceivedPacket): void {
    this.#sequence.update(packet.sequenceNumber)
    const placement = this.#window.place(packet.sequenceNumber)
    if (placement === 'Stray') return
    if (placement === 'Duplicate') this.#duplicates++
    else if (placement === 'OutOfOrder') this.#outOfOrder++
    if (this.#packets > 0) this.#gap(arrival - this.#lastArrival)
    else this.#firstArrival = arrival
    this.#packets++
    this.#lastArrival = arrival
    if (!packet.timed) return
    this.#jitter.add(arrival, packet.timestamp)
    this.#follow(packet)
    if (placement !== 'Duplicate' && !this.#buffer.add(arrival, packet.timestamp))
      this.#window.discard(packet.sequenceNumber)
  }

  #follow(packet: ReceivedPacket): void {
    const step = (packet.timestamp - this.#lastTimestamp) >>> 0
    const follows = packet.sequenceNumber === ((this.#lastSequenceNumber + 1) & 0xffff)
    // More than 200 ms in one packet is no packet's length but a pause of the sender (RFC 3551 4.1).
    if (follows && step > 0 && step <= this.#clockRate / 5) this.#step = step
    this.#lastSequenceNumber = packet.sequenceNumber
    this.#lastTimestamp = packet.timestamp
  }

  #gap(milliseconds: number): void {
    // A packet that waited in probation may be older than the last one of the source it replaces.
    const gap = Math.max(0, milliseconds)
    if (gap < this.#shortest) this.#shortest = gap
    if (gap > this.#longest) this.#longest = gap
    this.#interarrival.add(gap)
  }
}
