/** A token bucket for each client address: a loop that went wild is slowed down, a person or a script never sees it. */
import type { Clock } from '../../lib/clock.ts'

export interface RateLimitOptions {
  clock: Clock
  /** Requests a second, over a long time. */
  perSecond: number
  /** Requests at once, after a pause. */
  burst: number
}

/** How many addresses are remembered; the one that was seen longest ago goes first. */
const MOST_CLIENTS = 10_000

interface Bucket {
  tokens: number
  /** Monotonic milliseconds. */
  at: number
}

export class RateLimit {
  readonly #options: RateLimitOptions
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: RateLimitOptions) {
    this.#options = options
  }

  /** 0: it may go on. Otherwise the whole seconds after which it may try again. */
  take(client: string): number {
    const { clock, perSecond, burst } = this.#options
    const now = clock.monotonic()
    const bucket = this.#buckets.get(client) ?? { tokens: burst, at: now }
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond)
    const allowed = tokens >= 1
    // Set anew, so that the map is ordered by when an address was last seen.
    this.#buckets.delete(client)
    this.#buckets.set(client, { tokens: allowed ? tokens - 1 : tokens, at: now })
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > MOST_CLIENTS && oldest !== undefined) this.#buckets.delete(oldest)
    return allowed ? 0 : Math.ceil((1 - tokens) / perSecond)
  }
}
