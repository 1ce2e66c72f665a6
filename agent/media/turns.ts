/** Work that keeps the event loop for long: one piece after the other, with time for all else between. It does none itself. */
import { type Clock, sleep } from '../../lib/clock.ts'

/** Milliseconds between two pieces: every sender of a 20 ms stream has had its turns. */
const BETWEEN = 20

export class Turns {
  readonly #clock: Clock
  #last: Promise<void> = Promise.resolve()
  /** Clock.monotonic. */
  #endedAt = -Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Rejects when `work` throws; the others have their turns all the same. */
  take(work: () => void): Promise<void> {
    const done = this.#last.then(() => this.#turn(work))
    this.#last = done.catch(() => undefined)
    return done
  }

  async #turn(work: () => void): Promise<void> {
    const wait = this.#endedAt + BETWEEN - this.#clock.monotonic()
    if (wait > 0) await sleep(this.#clock, wait)
    try {
      work()
    } finally {
      this.#endedAt = this.#clock.monotonic()
    }
  }
}
