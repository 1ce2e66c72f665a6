/** Lets those that come together begin one after the other, however late timers are. What it is that begins, it does not know. */
import type { Clock } from '../../lib/clock.ts'

export interface StaggerOptions {
  /** Milliseconds between two that begin; asked each time. */
  step: () => number
  clock: Clock
}

export class Stagger {
  readonly #options: StaggerOptions
  /** In the order they came. */
  readonly #waiting = new Set<() => void>()
  /** When the last one began (Clock.monotonic). */
  #last = Number.NEGATIVE_INFINITY
  #timer: Disposable | undefined

  constructor(options: StaggerOptions) {
    this.#options = options
  }

  /** Resolves when it may begin, or when `signal` aborts. */
  async turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const onAbort = () => {
      this.#waiting.delete(resolve)
      resolve()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting.add(resolve)
    if (!this.#timer) this.#timer = this.#next()
    await promise
    signal.removeEventListener('abort', onAbort)
  }

  /** One at a time: after the event loop was held up, those that are due do not hold it up again. */
  #next(): Disposable | undefined {
    const { clock, step } = this.#options
    const [first] = this.#waiting
    if (!first) return undefined
    const wait = this.#last + step() - clock.monotonic()
    if (wait > 0) return clock.timer(wait, () => void (this.#timer = this.#next()))
    this.#last = clock.monotonic()
    this.#waiting.delete(first)
    first()
    return this.#next()
  }
}
