/** How fast the sender's media clock runs against ours, from arrivals and timestamps. It does not unwrap timestamps, nor find their jumps. */

/** Least transits that are kept; when there are as many, neighbours are merged and each stands for twice the time. */
const POINTS = 32
/** Milliseconds that a point stands for at first, and that a stretch must last to tell anything. */
const FIRST_WINDOW = 1000
const SHORTEST = 5000

/**
 *     transit = arrival - media time          of each window the packet with the least transit: the one that hardly waited
 *     drift   = - median of the slopes between all pairs of them (Theil-Sen: a third of them may be wrong)
 *
 * A queue makes packets late and never early, so the least transit of a window is nearly free of jitter, and its slope is that of the
 * clocks. The longest stretch without a discontinuity counts. Memory is the same for every length.
 */
export class ClockDrift {
  readonly #at = new Float64Array(POINTS)
  readonly #transit = new Float64Array(POINTS)
  #points = 0
  #window = FIRST_WINDOW
  /** Transit of the last point, beside the arrays: they are touched once a window, not once a packet. */
  #least = 0
  /** End of the window that the last point stands for. */
  #until = 0
  #last = 0
  #longest = 0
  #ofLongest: number | undefined

  /** @param arrival monotonic milliseconds @param media what the timestamps say since the last `restart`, milliseconds */
  add(arrival: number, media: number): void {
    const transit = arrival - media
    this.#last = arrival
    if (this.#points === 0 || arrival >= this.#until) this.#open(arrival, transit)
    else if (transit < this.#least) this.#put(this.#points - 1, arrival, transit)
  }

  /** The next packet's media time has nothing to do with the last one's. */
  restart(): void {
    if (this.#span > this.#longest) {
      this.#ofLongest = this.#slope()
      this.#longest = this.#span
    }
    this.#points = 0
    this.#window = FIRST_WINDOW
  }

  /** Parts per million, positive: the sender's clock is faster. Undefined: no stretch lasted 5 s. */
  get ppm(): number | undefined {
    return this.#span > this.#longest ? this.#slope() : this.#ofLongest
  }

  get #span(): number {
    return this.#points === 0 ? 0 : this.#last - (this.#at[0] ?? 0)
  }

  #slope(): number | undefined {
    if (this.#span < SHORTEST) return undefined
    const slopes = new Float64Array((this.#points * (this.#points - 1)) / 2)
    let count = 0
    for (let one = 0; one < this.#points; one++)
      for (let other = one + 1; other < this.#points; other++) {
        const time = (this.#at[other] ?? 0) - (this.#at[one] ?? 0)
        slopes[count++] = ((this.#transit[other] ?? 0) - (this.#transit[one] ?? 0)) / time
      }
    slopes.sort()
    const median = ((slopes[(count - 1) >> 1] ?? 0) + (slopes[count >> 1] ?? 0)) / 2
    return -1e6 * median
  }

  #open(arrival: number, transit: number): void {
    if (this.#points === POINTS) this.#merge()
    this.#put(this.#points, arrival, transit)
    this.#points++
    this.#until = arrival + this.#window
  }

  #merge(): void {
    for (let point = 0; point < POINTS / 2; point++) {
      const [one, other] = [2 * point, 2 * point + 1]
      const least = (this.#transit[one] ?? 0) <= (this.#transit[other] ?? 0) ? one : other
      this.#put(point, this.#at[least] ?? 0, this.#transit[least] ?? 0)
    }
    this.#points = POINTS / 2
    this.#window *= 2
  }

  #put(point: number, at: number, transit: number): void {
    this.#at[point] = at
    this.#transit[point] = transit
    this.#least = transit
  }
}
