/** Which sequence numbers of a stream arrived: exact loss, order and duplicates. It looks at sequence numbers only; times are others' work. */
import { LossPattern } from './burst.ts'
import { MAX_DROPOUT } from './sequence.ts'

/**
 * How far behind the highest sequence number a packet may come and still fill its hole: 20 s of 20 ms packets, so that whatever a
 * network can reorder is inside. A power of two, so that a position is a mask away.
 */
const WINDOW = 1024
const POSITION = WINDOW - 1

export type Placement =
  /** Above the highest so far. */
  | 'New'
  /** Below the highest so far, and for the first time. */
  | 'OutOfOrder'
  | 'Duplicate'
  /** Far from the stream: not counted, unless the next one follows it. */
  | 'Stray'
  /** The second of two consecutive packets far from the stream: the sender began a new count. */
  | 'Reset'

/**
 *        first                          highest - WINDOW        highest
 *     ---|- settled: in the loss pattern -|- bits: may still fill -|
 *
 * Lost = sequence numbers from the first received to the highest received that never arrived. A duplicate changes nothing; a late
 * packet fills its own hole and no other; one from before the first received is outside of the count.
 */
export class ArrivalWindow {
  readonly #arrived = new Uint32Array(WINDOW / 32)
  readonly #discarded = new Uint32Array(WINDOW / 32)
  /** Extended by cycles: grows without bound, unlike the 16 bits on the wire. */
  #first = 0
  #highest = 0
  #started = false
  #settledTo = 0
  #received = 0
  #expectedBefore = 0
  #receivedBefore = 0
  /** The sequence number that would confirm a reset, or -1. */
  #awaited = -1
  #resets = 0
  #lossRun = 0
  #longestLossRun = 0
  readonly #pattern = new LossPattern()

  place(sequenceNumber: number): Placement {
    if (!this.#started) {
      this.#begin(sequenceNumber)
      return 'New'
    }
    const step = (((sequenceNumber - this.#highest) & 0xffff) ^ 0x8000) - 0x8000
    if (step > 0 && step < MAX_DROPOUT) return this.#advance(step)
    if (step <= 0 && step > -WINDOW) return this.#fill(this.#highest + step)
    if (sequenceNumber !== this.#awaited) {
      this.#awaited = (sequenceNumber + 1) & 0xffff
      return 'Stray'
    }
    this.finish()
    this.#begin((sequenceNumber - 1) & 0xffff)
    this.#advance(1)
    this.#resets++
    return 'Reset'
  }

  /** The packet placed last, or any in the window, came too late to be played. */
  discard(sequenceNumber: number): void {
    const step = (((sequenceNumber - this.#highest) & 0xffff) ^ 0x8000) - 0x8000
    setBit(this.#discarded, this.#highest + step)
  }

  /** Ends the count of this sender: the next packet, of whatever number, begins another; the totals go on. */
  finish(): void {
    if (!this.#started) return
    this.#settle(this.#highest + 1)
    this.#expectedBefore += this.#highest - this.#first + 1
    this.#receivedBefore += this.#received
    this.#started = false
  }

  /** Sequence numbers from the first to the highest received, over all counts. */
  get expected(): number {
    return this.#expectedBefore + (this.#started ? this.#highest - this.#first + 1 : 0)
  }

  /** Of those, how many never arrived. */
  get lost(): number {
    return this.expected - this.#receivedBefore - (this.#started ? this.#received : 0)
  }

  get sequenceResets(): number {
    return this.#resets
  }

  /** Packets lost in a row; discarded ones did arrive and end a run. */
  longestLossRun(): number {
    let run = this.#lossRun
    let longest = this.#longestLossRun
    for (let position = this.#settledTo; this.#started && position <= this.#highest; position++) {
      run = hasBit(this.#arrived, position) ? 0 : run + 1
      if (run > longest) longest = run
    }
    return longest
  }

  /** The pattern of loss and discards up to the highest received, written into `pattern`. */
  pattern(pattern: LossPattern): void {
    pattern.copyFrom(this.#pattern)
    for (let position = this.#settledTo; this.#started && position <= this.#highest; position++)
      pattern.add(this.#isMissing(position))
  }

  #begin(sequenceNumber: number): void {
    this.#started = true
    this.#first = sequenceNumber
    this.#highest = sequenceNumber
    this.#settledTo = sequenceNumber
    this.#received = 1
    this.#lossRun = 0
    this.#awaited = -1
    this.#arrived.fill(0)
    this.#discarded.fill(0)
    setBit(this.#arrived, sequenceNumber)
  }

  #advance(step: number): Placement {
    this.#settle(this.#highest + step - WINDOW + 1)
    for (let skipped = 1; skipped <= step; skipped++) {
      clearBit(this.#arrived, this.#highest + skipped)
      clearBit(this.#discarded, this.#highest + skipped)
    }
    this.#highest += step
    this.#received++
    this.#awaited = -1
    setBit(this.#arrived, this.#highest)
    return 'New'
  }

  #fill(position: number): Placement {
    if (hasBit(this.#arrived, position)) return 'Duplicate'
    setBit(this.#arrived, position)
    if (position >= this.#first) this.#received++
    return 'OutOfOrder'
  }

  /** Books what lies below `end`: nothing can change it any more. */
  #settle(end: number): void {
    for (; this.#settledTo < end; this.#settledTo++) {
      const position = this.#settledTo
      // A step over more than the window leaves numbers above the highest that have no bits of their own: they were never received.
      const arrived = position <= this.#highest && hasBit(this.#arrived, position)
      this.#pattern.add(!arrived || hasBit(this.#discarded, position))
      this.#lossRun = arrived ? 0 : this.#lossRun + 1
      if (this.#lossRun > this.#longestLossRun) this.#longestLossRun = this.#lossRun
    }
  }

  #isMissing(position: number): boolean {
    return !hasBit(this.#arrived, position) || hasBit(this.#discarded, position)
  }
}

function hasBit(bits: Uint32Array, position: number): boolean {
  const index = position & POSITION
  return (((bits[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1
}

function setBit(bits: Uint32Array, position: number): void {
  const index = position & POSITION
  bits[index >>> 5] = (bits[index >>> 5] ?? 0) | (1 << (index & 31))
}

function clearBit(bits: Uint32Array, position: number): void {
  const index = position & POSITION
  bits[index >>> 5] = (bits[index >>> 5] ?? 0) & ~(1 << (index & 31))
}
