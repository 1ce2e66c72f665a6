/** Which packets are asked for again, and when: holes in the sequence numbers, their age and their tries. It writes no feedback. */

/** Milliseconds that a missing packet may be only late. */
const PATIENCE = 10
/** Milliseconds until it is asked for again: longer than most round trips. */
const RETRY = 100
/** How often it is asked for. */
const TRIES = 5
/** More missing packets than these are no loss that can be repaired. */
const MOST_MISSING = 128

interface Missing {
  askAt: number
  tries: number
}

/** Sequence numbers are those of `ExtendedSequence`. */
export class Repair {
  readonly #missing = new Map<number, Missing>()
  #highest = -1

  /** Whether any packet is still hoped for. */
  get pending(): boolean {
    return this.#missing.size > 0
  }

  /** @param at monotonic milliseconds */
  arrived(at: number, sequenceNumber: number): void {
    if (sequenceNumber <= this.#highest) {
      this.#missing.delete(sequenceNumber)
      return
    }
    const hole = this.#highest < 0 ? 0 : sequenceNumber - this.#highest - 1
    if (this.#missing.size + hole > MOST_MISSING) this.#missing.clear()
    else {
      for (let number = sequenceNumber - hole; number < sequenceNumber; number++) {
        this.#missing.set(number, { askAt: at + PATIENCE, tries: 0 })
      }
    }
    this.#highest = sequenceNumber
  }

  /** What is to be asked for now, in order. @param at monotonic milliseconds @param needed nothing below it is needed any more */
  due(at: number, needed: number): number[] {
    const due: number[] = []
    for (const [number, missing] of this.#missing) {
      if (number < needed || (missing.askAt <= at && missing.tries === TRIES)) this.#missing.delete(number)
      else if (missing.askAt <= at) {
        missing.tries++
        missing.askAt = at + RETRY
        due.push(number)
      }
    }
    return due
  }
}
