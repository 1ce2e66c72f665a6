/** Counts of a measured time in fixed steps, for quantiles without keeping the values; it does not interpolate between steps. */

export class Histogram {
  readonly #step: number
  readonly #counts: Uint32Array
  #total = 0
  #largest = 0

  /**
   * @param step width of a step, in the unit of the values
   * @param steps how many there are; larger values fall into the last one, whose quantile is the largest value seen
   */
  constructor(step: number, steps: number) {
    this.#step = step
    this.#counts = new Uint32Array(steps + 1)
  }

  /** How many values there are. */
  get count(): number {
    return this.#total
  }

  /** Values below 0 count as 0. */
  add(value: number): void {
    const index = Math.min(this.#counts.length - 1, Math.max(0, Math.floor(value / this.#step)))
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#total++
    if (value > this.#largest) this.#largest = value
  }

  /** The middle of the step in which the value of rank ceil(fraction x n) lies, never above the largest value; undefined: no value. */
  quantile(fraction: number): number | undefined {
    if (this.#total === 0) return undefined
    const rank = Math.max(1, Math.ceil(fraction * this.#total))
    let seen = 0
    for (let index = 0; index < this.#counts.length - 1; index++) {
      seen += this.#counts[index] ?? 0
      if (seen >= rank) return Math.min(this.#largest, (index + 0.5) * this.#step)
    }
    return this.#largest
  }
}
