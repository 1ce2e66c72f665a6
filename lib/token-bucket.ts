/** Allows so much over a long time and some at once. It knows nobody: whoever tells clients apart keeps one for each. */
import type { Clock } from './clock.ts'

export interface BucketOptions {
  /** Over a long time, a second. */
  perSecond: number
  /** At once, after a pause. */
  burst: number
}

export class TokenBucket {
  readonly #clock: Clock
  readonly #options: BucketOptions
  #tokens: number
  /** Monotonic milliseconds. */
  #at: number

  constructor(clock: Clock, options: BucketOptions) {
    this.#clock = clock
    this.#options = options
    this.#tokens = options.burst
    this.#at = clock.monotonic()
  }

  /** 0: it may go on. Otherwise the whole seconds after which it may try again. */
  take(): number {
    const { perSecond, burst } = this.#options
    const now = this.#clock.monotonic()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / perSecond)
    this.#tokens -= 1
    return 0
  }
}
