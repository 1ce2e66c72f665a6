/** Work that keeps the event loop for long: one piece after the other, with time for all else between. It does none itself. */
import { type Clock, sleep } from '../../lib/clock.ts'

/** Milliseconds between two pieces: every sender of a 20 ms stream has had its turns. */
const BETWEEN = 20

export class Turns {
  readonly #clock: Clock
  #last: Promise<void> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Rejects when `work` throws; the others have their turns all the same. */
  take(work: () => void): Promise<void> {
    const done = this.#last.then(work)
    const after = () => sleep(this.#clock, BETWEEN)
    this.#last = done.then(after, after)
    return done
  }
}
