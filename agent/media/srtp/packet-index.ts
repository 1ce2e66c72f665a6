/** Packet indices: guessing the 48 bits behind a sequence number of 16, and refusing those that were there (RFC 3711 3.3.1, 3.3.2). No keys. */

/** Packets below the highest that may still come late: 20 s of a call with 50 packets a second. RFC 3711 3.3.2 asks for 64. */
export const WINDOW = 1024
const SEQUENCE_NUMBERS = 0x1_0000
const HALF = 0x8000

/**
 * The index (rollover counter * 2^16 + sequence number) nearest to `highest`, by RFC 3711 appendix A. Before the first wrap there is no
 * counter below: a number far ahead is taken for what it says.
 * @param highest of those received so far; negative: none was
 */
export function estimateIndex(highest: number, sequenceNumber: number): number {
  if (highest < 0) return sequenceNumber
  const last = highest % SEQUENCE_NUMBERS
  const cycles = highest - last
  if (last < HALF) {
    return sequenceNumber - last > HALF && cycles > 0
      ? cycles - SEQUENCE_NUMBERS + sequenceNumber
      : cycles + sequenceNumber
  }
  return last - HALF > sequenceNumber ? cycles + SEQUENCE_NUMBERS + sequenceNumber : cycles + sequenceNumber
}

/** Which of the last indices of one source were there: a bit for each, at index modulo the width. */
export class ReplayWindow {
  readonly #seen = new Uint32Array(WINDOW / 32)
  #highest = -1

  /** -1: none. */
  get highest(): number {
    return this.#highest
  }

  /** `TooOld`: nobody knows any more. */
  judge(index: number): 'New' | 'Replay' | 'TooOld' {
    if (index > this.#highest) return 'New'
    if (index <= this.#highest - WINDOW) return 'TooOld'
    const bit = index % WINDOW
    return ((this.#seen[bit >>> 5] ?? 0) >>> (bit & 31)) & 1 ? 'Replay' : 'New'
  }

  /** Only what was authenticated may be marked: it moves the window. */
  mark(index: number): void {
    if (index - this.#highest >= WINDOW) this.#seen.fill(0)
    else for (let skipped = this.#highest + 1; skipped < index; skipped++) this.#set(skipped % WINDOW, 0)
    this.#set(index % WINDOW, 1)
    this.#highest = Math.max(this.#highest, index)
  }

  #set(bit: number, value: 0 | 1): void {
    const word = this.#seen[bit >>> 5] ?? 0
    const mask = 1 << (bit & 31)
    this.#seen[bit >>> 5] = value === 1 ? word | mask : word & ~mask
  }
}
