/** A token bucket for each client address: a loop that went wild is slowed down, a person or a script never sees it. */
import type { Clock } from '../../lib/clock.ts'
import { TokenBucket } from '../../lib/token-bucket.ts'
import type { BucketOptions } from '../../lib/token-bucket.ts'

/** How many addresses are remembered; the one that was seen longest ago goes first. */
const MOST_CLIENTS = 10_000

export class RateLimit {
  readonly #clock: Clock
  readonly #options: BucketOptions
  readonly #buckets = new Map<string, TokenBucket>()

  /** @param options of one address, in requests */
  constructor(clock: Clock, options: BucketOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** 0: it may go on. Otherwise the whole seconds after which it may try again. */
  take(client: string): number {
    const bucket = this.#buckets.get(client) ?? new TokenBucket(this.#clock, this.#options)
    // Set anew, so that the map is ordered by when an address was last seen.
    this.#buckets.delete(client)
    this.#buckets.set(client, bucket)
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > MOST_CLIENTS && oldest !== undefined) this.#buckets.delete(oldest)
    return bucket.take()
  }
}
