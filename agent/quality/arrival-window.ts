/** Which sequence numbers of one count arrived: exact loss, order and duplicates. Whose packets they are, and when they came, is others' work. */
import { type LossTotals, LossPattern } from './burst.ts'
import { MAX_DROPOUT } from './sequence.ts'

/**
 * How far behind the highest sequence number a packet may come and still fill its hole: 10 s of 20 ms packets, so that whatever a
 * network can reorder is inside. A power of two, so that a position is a mask away.
 */
const WINDOW = 512
const POSITION = WINDOW - 1

/** Which word of a pair. */
const ARRIVED = 0
const DISCARDED = 1
type Kind = typeof ARRIVED | typeof DISCARDED

/** `New`: above the highest so far. `OutOfOrder`: below it, and for the first time. */
export type Placement = 'New' | 'OutOfOrder' | 'Duplicate'

/** Whether two sequence numbers may be of one count: from less than a window behind `highest` to less than a dropout before it. */
export function belongs(sequenceNumber: number, highest: number): boolean {
  const step = stepFrom(highest, sequenceNumber)
  return step < MAX_DROPOUT && step > -WINDOW
}

/**
 *        first                          highest - WINDOW        highest
 *     ---|- settled: in the loss pattern -|- bits: may still fill -|
 *
 * Lost = sequence numbers from the first received to the highest received that never arrived. A duplicate changes nothing; a late
 * packet fills its own hole and no other; one from before the first received is outside of the count.
 */
export class ArrivalWindow {
  /** Of each 32 positions a word of what arrived and one of what was discarded: side by side, as a packet needs both. */
  readonly #bits = new Uint32Array((2 * WINDOW) / 32)
  /** Extended by cycles: grows without bound, unlike the 16 bits on the wire. */
  #first = 0
  #highest = 0
  #settledTo = 0
  #received = 0
  #lossRun = 0
  #longestLossRun = 0
  readonly #pattern = new LossPattern()

  /** Forgets everything, and counts this packet as the first. */
  begin(sequenceNumber: number): void {
    this.#first = sequenceNumber
    this.#highest = sequenceNumber
    this.#settledTo = sequenceNumber
    this.#received = 1
    this.#lossRun = 0
    this.#longestLossRun = 0
    this.#bits.fill(0)
    this.#pattern.clear()
    setBit(this.#bits, ARRIVED, sequenceNumber)
  }

  belongs(sequenceNumber: number): boolean {
    return belongs(sequenceNumber, this.#highest)
  }

  /** @param sequenceNumber one that belongs here */
  place(sequenceNumber: number): Placement {
    const step = stepFrom(this.#highest, sequenceNumber)
    return step > 0 ? this.#advance(step) : this.#fill(this.#highest + step)
  }

  /** The packet placed last, or any in the window, came too late to be played. */
  discard(sequenceNumber: number): void {
    setBit(this.#bits, DISCARDED, this.#highest + stepFrom(this.#highest, sequenceNumber))
  }

  /** Sequence numbers from the first to the highest received. */
  get expected(): number {
    return this.#highest - this.#first + 1
  }

  /** Of those, how many never arrived. */
  get lost(): number {
    return this.expected - this.#received
  }

  /** Packets lost in a row; discarded ones did arrive and end a run. */
  longestLossRun(): number {
    let run = this.#lossRun
    let longest = this.#longestLossRun
    for (let position = this.#settledTo; position <= this.#highest; position++) {
      run = hasBit(this.#bits, ARRIVED, position) ? 0 : run + 1
      if (run > longest) longest = run
    }
    return longest
  }

  /** Adds the pattern of loss and discards up to the highest received. @param scratch what it held is lost */
  addTo(totals: LossTotals, scratch: LossPattern): void {
    scratch.copyFrom(this.#pattern)
    for (let position = this.#settledTo; position <= this.#highest; position++)
      scratch.add(!hasBit(this.#bits, ARRIVED, position) || hasBit(this.#bits, DISCARDED, position))
    scratch.addTo(totals)
  }

  #advance(step: number): Placement {
    this.#settle(this.#highest + step - WINDOW + 1)
    for (let skipped = 1; skipped <= step; skipped++) {
      clearBit(this.#bits, ARRIVED, this.#highest + skipped)
      clearBit(this.#bits, DISCARDED, this.#highest + skipped)
    }
    this.#highest += step
    this.#received++
    setBit(this.#bits, ARRIVED, this.#highest)
    return 'New'
  }

  #fill(position: number): Placement {
    if (hasBit(this.#bits, ARRIVED, position)) return 'Duplicate'
    setBit(this.#bits, ARRIVED, position)
    if (position >= this.#first) this.#received++
    return 'OutOfOrder'
  }

  /** Books what lies below `end`: nothing can change it any more. */
  #settle(end: number): void {
    for (; this.#settledTo < end; this.#settledTo++) {
      const position = this.#settledTo
      // A step over more than the window leaves numbers above the highest that have no bits of their own: they were never received.
      const arrived = position <= this.#highest && hasBit(this.#bits, ARRIVED, position)
      this.#pattern.add(!arrived || hasBit(this.#bits, DISCARDED, position))
      this.#lossRun = arrived ? 0 : this.#lossRun + 1
      if (this.#lossRun > this.#longestLossRun) this.#longestLossRun = this.#lossRun
    }
  }
}

/** From one to the other by the shorter way around the 16 bits. @param from may be extended by cycles */
function stepFrom(from: number, to: number): number {
  return (((to - from) & 0xffff) ^ 0x8000) - 0x8000
}

function hasBit(bits: Uint32Array, kind: Kind, position: number): boolean {
  return (((bits[word(kind, position)] ?? 0) >>> (position & 31)) & 1) === 1
}

function setBit(bits: Uint32Array, kind: Kind, position: number): void {
  const index = word(kind, position)
  bits[index] = (bits[index] ?? 0) | (1 << (position & 31))
}

function clearBit(bits: Uint32Array, kind: Kind, position: number): void {
  const index = word(kind, position)
  bits[index] = (bits[index] ?? 0) & ~(1 << (position & 31))
}

function word(kind: Kind, position: number): number {
  return 2 * ((position & POSITION) >>> 5) + kind
}
