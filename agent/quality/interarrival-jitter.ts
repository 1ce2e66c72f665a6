/** Interarrival jitter of RFC 3550 6.4.1 and A.8, in milliseconds with fraction; it does not filter packets. */

/**
 *     D(i-1,i) = (R_i - R_i-1) - (S_i - S_i-1)      R: arrival, S: RTP timestamp, both in milliseconds here
 *     J_i      = J_i-1 + (|D(i-1,i)| - J_i-1) / 16
 *
 * i runs over the packets of a source in order of arrival, not of sequence, duplicates included.
 */
export class InterarrivalJitter {
  readonly #millisecondsPerUnit: number
  #arrival = 0
  #timestamp = 0
  #started = false
  #jitter = 0
  #sum = 0
  #count = 0

  /** @param clockRate RTP timestamp units a second */
  constructor(clockRate: number) {
    this.#millisecondsPerUnit = 1000 / clockRate
  }

  /** @param arrival monotonic milliseconds @param timestamp 32 bit, wraps */
  add(arrival: number, timestamp: number): void {
    if (this.#started) {
      const difference = arrival - this.#arrival - ((timestamp - this.#timestamp) | 0) * this.#millisecondsPerUnit
      this.#jitter += (Math.abs(difference) - this.#jitter) / 16
      this.#sum += this.#jitter
      this.#count++
    }
    this.#started = true
    this.#arrival = arrival
    this.#timestamp = timestamp
  }

  /** The sender's timestamps jumped: the next packet has no predecessor. */
  skip(): void {
    this.#started = false
  }

  /** The next packet is another source's: it has no predecessor. */
  restart(): void {
    this.#started = false
    this.#jitter = 0
  }

  /** J as of the last packet: what a reception report carries. */
  get current(): number {
    return this.#jitter
  }

  /** Sum and number of the J_i so far: two readings give the average over the packets between them. */
  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#count
  }

  /** The average of J_i over all packets that have a predecessor; undefined: fewer than two packets. */
  get average(): number | undefined {
    return this.#count === 0 ? undefined : this.#sum / this.#count
  }
}
