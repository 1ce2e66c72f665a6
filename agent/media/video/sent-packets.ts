/** The last packets of a stream as they left, for when one is asked for again. It sends nothing. */

/** About three seconds of the smallest clip, and the largest key frame of the largest one. */
const KEPT = 128
/** Milliseconds in which a packet leaves again only once, however often it is asked for. */
const SPACING = 10

export class SentPackets {
  readonly #packets: Array<Buffer | undefined> = Array.from({ length: KEPT }, () => undefined)
  readonly #numbers = new Int32Array(KEPT).fill(-1)
  readonly #leftAt = new Float64Array(KEPT)

  /** @param packet as it left; not to be written to any more @param at monotonic milliseconds */
  keep(sequenceNumber: number, packet: Buffer, at: number): void {
    const slot = sequenceNumber % KEPT
    this.#packets[slot] = packet
    this.#numbers[slot] = sequenceNumber
    this.#leftAt[slot] = at
  }

  /** The packet, to be sent now; undefined: it is forgotten, or was sent only just now. */
  again(sequenceNumber: number, at: number): Buffer | undefined {
    const slot = sequenceNumber % KEPT
    if (this.#numbers[slot] !== sequenceNumber || at - (this.#leftAt[slot] ?? 0) < SPACING) return undefined
    this.#leftAt[slot] = at
    return this.#packets[slot]
  }
}
