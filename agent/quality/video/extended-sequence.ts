/** Sequence numbers without their wraps, over all sources of a stream: they only grow, and a new beginning is far above what was. */

const SEQUENCE_NUMBERS = 0x1_0000
const HALF = 0x8000
/** Further behind than this a packet is not late: the sender began anew. */
const LATEST = 512

export class ExtendedSequence {
  #ssrc = -1
  #highest = 0

  /** Of packets as they arrive. A sequence number of 16 bits is taken for the one that is nearest to the highest. */
  extend(ssrc: number, sequenceNumber: number): number {
    const ahead = ((sequenceNumber - this.#highest + HALF) & 0xffff) - HALF
    if (ssrc !== this.#ssrc || ahead < -LATEST) {
      this.#ssrc = ssrc
      this.#highest += 2 * SEQUENCE_NUMBERS - (this.#highest % SEQUENCE_NUMBERS) + sequenceNumber
      return this.#highest
    }
    const extended = this.#highest + ahead
    this.#highest = Math.max(this.#highest, extended)
    return extended
  }
}
