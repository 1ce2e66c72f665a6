/** The last seconds of a stream of 8 kHz samples, each at its time, with holes where nothing arrived; it compares nothing. */

/** Samples a second of what is recorded. */
export const RECORDING_RATE = 8000
/** What a hole reads as: no sample has this value, the one next to it stands for both. */
export const MISSING = -32_768
/** A chunk this far from where its position puts it, milliseconds, belongs to a stream that began anew. */
const JUMP = 1000

/**
 * A chunk has a position in its stream, which places it exactly, and a time, which varies with the network. The first chunk places the
 * stream on the clock; how far the others are from there on average is `lateness`.
 */
export class Recording {
  readonly #samples: Int16Array
  /** Where position 0 of the stream lies on the clock, in samples. */
  #origin: number | undefined
  #first = 0
  #end = 0
  #lateness = 0
  #chunks = 0

  /** @param seconds how much is kept: 16 kB a second */
  constructor(seconds: number) {
    this.#samples = new Int16Array(Math.ceil(seconds * RECORDING_RATE)).fill(MISSING)
  }

  /** Clock of the oldest sample that is kept, and of the one after the newest, in samples since the clock's 0. */
  get first(): number {
    return Math.max(this.#first, this.#end - this.#samples.length)
  }

  get end(): number {
    return this.#end
  }

  /** Milliseconds that the chunks were later than their places, on average; negative: earlier. */
  get lateness(): number {
    return this.#chunks === 0 ? 0 : this.#lateness / this.#chunks
  }

  /** @param at monotonic milliseconds of the first sample @param position of it in the stream, samples; it grows without wrapping */
  add(at: number, position: number, samples: Int16Array): void {
    const onClock = (at * RECORDING_RATE) / 1000
    const begins = this.#origin === undefined
    const expected = (this.#origin ?? 0) + position
    if (begins || Math.abs(onClock - expected) > (JUMP * RECORDING_RATE) / 1000) {
      this.#origin = Math.round(onClock) - position
    }
    const from = (this.#origin ?? 0) + position
    this.#lateness += ((onClock - from) * 1000) / RECORDING_RATE
    this.#chunks++
    if (begins) this.#first = this.#end = from
    this.#extend(from + samples.length)
    const skipped = Math.max(0, this.first - from)
    for (let index = skipped; index < samples.length; index++) {
      this.#samples[this.#slot(from + index)] = Math.max(MISSING + 1, samples[index] ?? 0)
    }
  }

  /** Fills `target` with what lies on the clock from that place on; MISSING where there is nothing. */
  read(from: number, target: Int16Array): void {
    target.fill(MISSING)
    const last = Math.min(from + target.length, this.#end)
    let place = Math.max(from, this.first)
    for (let slot = this.#slot(place); place < last; place++) {
      target[place - from] = this.#samples[slot] ?? MISSING
      if (++slot === this.#samples.length) slot = 0
    }
  }

  #extend(end: number): void {
    const from = Math.max(this.#end, end - this.#samples.length)
    for (let place = from; place < end; place++) this.#samples[this.#slot(place)] = MISSING
    if (end > this.#end) this.#end = end
  }

  #slot(place: number): number {
    const length = this.#samples.length
    return ((place % length) + length) % length
  }
}
