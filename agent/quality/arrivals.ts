/** Whose packets count: the source a stream goes on with, the one it left, and one that may follow. It adds up their counts, and knows no jitter. */
import { ArrivalWindow, belongs } from './arrival-window.ts'
import { type LossTotals, LossPattern, noLossTotals } from './burst.ts'

/** The header fields of a packet that count. The same object may be filled anew for each packet: nothing is kept of it. */
export interface ReceivedPacket {
  ssrc: number
  sequenceNumber: number
  /** RTP timestamp, 32 bit. */
  timestamp: number
  /** False for a payload type whose timestamps do not follow the audio (telephone-event): it has a sequence number, but no jitter. */
  timed: boolean
}

export type Arrival =
  | 'New'
  | 'OutOfOrder'
  | 'Duplicate'
  /** Of the count that was left: it completes that one, and has no successor in time. */
  | 'Straggler'
  /** Not counted, unless a second one follows. */
  | 'Stray'
  /** The second packet of another count, which goes on from here: `candidate` is the first, and is counted now too. */
  | 'Switch'

/**
 * Milliseconds. For so long after a switch what is still on its way counts for the count that was left; and a source that was left comes
 * back only when its successor was silent for so long: two streams at once do not alternate.
 */
const STRAGGLING = 1000

/**
 *     SSRC 1:  97  98      100  99         one count, lost 0       after the second packet of SSRC 2, for a second: stragglers
 *     SSRC 2:          700      702  703   the next, lost 1        700 waits as the candidate, 702 confirms it
 *
 * One count at a time: one SSRC from one beginning of its sequence numbers. Another SSRC, or a sequence number too far away to be loss
 * or delay, begins the next one with its second packet (RFC 3550 A.1 has a probation too, but of consecutive numbers, which a network
 * that loses need not deliver). Loss is counted within each, never across. Nothing is allocated per packet or switch.
 */
export class Arrivals {
  #ssrc: number | undefined
  #previousSsrc: number | undefined
  #current = new ArrivalWindow()
  #left = new ArrivalWindow()
  #leftSsrc: number | undefined
  #switchedAt = 0
  #lastArrival = 0
  /** Its arrival, monotonic milliseconds, and how often it came again. */
  readonly candidate = { ssrc: -1, sequenceNumber: 0, timestamp: 0, timed: false, arrival: 0, copies: 0 }
  readonly #closed = { expected: 0, lost: 0, longestLossRun: 0, pattern: noLossTotals() }
  readonly #scratch = new LossPattern()
  #packets = 0
  #duplicates = 0
  #outOfOrder = 0
  #ssrcSwitches = 0
  #sequenceResets = 0

  /** @param arrival monotonic milliseconds */
  place(arrival: number, packet: ReceivedPacket): Arrival {
    const { ssrc, sequenceNumber } = packet
    if (this.#ssrc === undefined) {
      this.#ssrc = ssrc
      this.#current.begin(sequenceNumber)
      return this.#counted(arrival, 'New')
    }
    if (ssrc === this.#ssrc && this.#current.belongs(sequenceNumber))
      return this.#counted(arrival, this.#current.place(sequenceNumber))
    if (this.#straggles(arrival, packet)) {
      this.#counted(this.#lastArrival, this.#left.place(sequenceNumber))
      return 'Straggler'
    }
    return this.#consider(arrival, packet)
  }

  /** A packet of the current count came too late to be played. */
  discard(sequenceNumber: number): void {
    this.#current.discard(sequenceNumber)
  }

  /** Of the source that counts now; undefined: no packet came. */
  get ssrc(): number | undefined {
    return this.#ssrc
  }

  /** All that count, duplicates too. */
  get packets(): number {
    return this.#packets
  }

  get duplicates(): number {
    return this.#duplicates
  }

  get outOfOrder(): number {
    return this.#outOfOrder
  }

  get ssrcSwitches(): number {
    return this.#ssrcSwitches
  }

  get sequenceResets(): number {
    return this.#sequenceResets
  }

  /** Sequence numbers from the first to the highest received, over all counts. */
  get expected(): number {
    return this.#closed.expected + this.#open((window) => window.expected)
  }

  /** Of those, how many never arrived. */
  get lost(): number {
    return this.#closed.lost + this.#open((window) => window.lost)
  }

  longestLossRun(): number {
    const left = this.#leftSsrc === undefined ? 0 : this.#left.longestLossRun()
    const current = this.#ssrc === undefined ? 0 : this.#current.longestLossRun()
    return Math.max(this.#closed.longestLossRun, left, current)
  }

  /** The pattern of loss and discards, over all counts. */
  pattern(): LossTotals {
    const totals = { ...this.#closed.pattern }
    if (this.#leftSsrc !== undefined) this.#left.addTo(totals, this.#scratch)
    if (this.#ssrc !== undefined) this.#current.addTo(totals, this.#scratch)
    return totals
  }

  #open(of: (window: ArrivalWindow) => number): number {
    return (this.#leftSsrc === undefined ? 0 : of(this.#left)) + (this.#ssrc === undefined ? 0 : of(this.#current))
  }

  #counted<Placed extends Arrival>(arrival: number, placed: Placed): Placed {
    this.#packets++
    this.#lastArrival = arrival
    if (placed === 'Duplicate') this.#duplicates++
    else if (placed === 'OutOfOrder') this.#outOfOrder++
    return placed
  }

  #straggles(arrival: number, { ssrc, sequenceNumber }: ReceivedPacket): boolean {
    return ssrc === this.#leftSsrc && arrival - this.#switchedAt < STRAGGLING && this.#left.belongs(sequenceNumber)
  }

  #consider(arrival: number, packet: ReceivedPacket): Arrival {
    const { candidate } = this
    const { ssrc, sequenceNumber } = packet
    const returns = ssrc === this.#previousSsrc && ssrc !== this.#ssrc
    if (returns && arrival - this.#lastArrival < STRAGGLING) return 'Stray'
    if (ssrc !== candidate.ssrc || !belongs(sequenceNumber, candidate.sequenceNumber)) {
      Object.assign(candidate, packet)
      candidate.arrival = arrival
      candidate.copies = 0
      return 'Stray'
    }
    if (sequenceNumber === candidate.sequenceNumber) {
      candidate.copies++
      return 'Stray'
    }
    this.#switch(arrival, packet)
    return 'Switch'
  }

  #switch(arrival: number, { ssrc, sequenceNumber }: ReceivedPacket): void {
    const { candidate } = this
    if (ssrc === this.#ssrc) this.#sequenceResets++
    else {
      this.#ssrcSwitches++
      this.#previousSsrc = this.#ssrc
    }
    this.#close()
    ;[this.#left, this.#current] = [this.#current, this.#left]
    this.#leftSsrc = this.#ssrc
    this.#switchedAt = arrival
    this.#ssrc = ssrc
    this.#current.begin(candidate.sequenceNumber)
    this.#counted(arrival, 'New')
    for (let copy = 0; copy < candidate.copies; copy++) this.#counted(arrival, 'Duplicate')
    this.#counted(arrival, this.#current.place(sequenceNumber))
    candidate.ssrc = -1
  }

  /** Nothing can change the count that was left before the last switch any more. */
  #close(): void {
    if (this.#leftSsrc === undefined) return
    const closed = this.#closed
    closed.expected += this.#left.expected
    closed.lost += this.#left.lost
    closed.longestLossRun = Math.max(closed.longestLossRun, this.#left.longestLossRun())
    this.#left.addTo(closed.pattern, this.#scratch)
  }
}
