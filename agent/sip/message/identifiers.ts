/** Branches and tags of one engine: unique through a prefix that no other process has and a counter (RFC 3261 8.1.1.7, 19.3). */
import { token, type Random } from '../../../lib/random.ts'

/** What tells an RFC 3261 branch from an older one. */
export const MAGIC_COOKIE = 'z9hG4bK'

export class Identifiers {
  readonly #random: Random
  readonly #prefix: string
  #count = 0

  constructor(random: Random) {
    this.#random = random
    this.#prefix = token(random)
  }

  branch(): string {
    return `${MAGIC_COOKIE}${this.#prefix}${this.#next()}`
  }

  /** Every tag has 48 random bits of its own: who guesses it can end the call. */
  tag(): string {
    return `${Math.floor(this.#random() * 2 ** 48).toString(36)}${this.#next()}`
  }

  #next(): string {
    return (this.#count++).toString(36)
  }
}
