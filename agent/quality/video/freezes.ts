/** When the picture stood still: freezes as the W3C counts them, from the times at which frames were shown. */

/** Frame times that the average is over. */
const AVERAGED = 30
const FACTOR = 3
/** Milliseconds. */
const LONGER = 150

/**
 * "Identifiers for WebRTC's Statistics API", `freezeCount` and `totalFreezesDuration`: a freeze is a time between two consecutive frames
 * of at least max(3 x average, average + 150 ms), with the average over the last 30 of these times; the whole of it was frozen. The first
 * two frames have no average before them, and are not judged. Ours: frames are shown when they have arrived, as there is no player.
 */
export class Freezes {
  readonly #times = new Float64Array(AVERAGED)
  #count = 0
  #sum = 0
  #lastAt: number | undefined
  #freezes = 0
  #frozen = 0

  /** A frame was shown. @param at monotonic milliseconds */
  shown(at: number): void {
    if (this.#lastAt !== undefined) {
      const time = at - this.#lastAt
      if (this.#isFreeze(time)) {
        this.#freezes++
        this.#frozen += time
      }
      const slot = this.#count % AVERAGED
      this.#sum += time - (this.#times[slot] ?? 0)
      this.#times[slot] = time
      this.#count++
    }
    this.#lastAt = at
  }

  /**
   * Freezes, and milliseconds of them in all. The W3C counts one when it is over; one that lasts is counted here too.
   * @param at monotonic milliseconds until which frames were to come
   */
  until(at: number): { count: number; time: number; /** whether it stands still now */ lasts: boolean } {
    const still = this.#lastAt === undefined ? 0 : at - this.#lastAt
    const lasts = this.#isFreeze(still)
    return { count: this.#freezes + (lasts ? 1 : 0), time: this.#frozen + (lasts ? still : 0), lasts }
  }

  #isFreeze(time: number): boolean {
    if (this.#count === 0) return false
    const average = this.#sum / Math.min(this.#count, AVERAGED)
    return time >= Math.max(FACTOR * average, average + LONGER)
  }
}
