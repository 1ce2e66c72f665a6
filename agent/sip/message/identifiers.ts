/** Branches and tags of one engine: unique through a prefix that no other process has and a counter (RFC 3261 8.1.1.7, 19.3). */
import { token, type Random } from '../../../lib/random.ts'

/** What tells an RFC 3261 branch from an older one. */
export const MAGIC_COOKIE = 'z9hG4bK'

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_'

/** Two letters each: a number becomes text by looking up. Writing one of 48 bits in another base showed in the profile of a call. */
const PAIRS: readonly string[] = Array.from(
  { length: 4096 },
  (_, index) => `${LETTERS[index >> 6] ?? ''}${LETTERS[index & 63] ?? ''}`,
)

const PAIRS_LENGTH = 8

/** `PAIRS_LENGTH` characters of 48 random bits. */
function pairs(random: Random): string {
  const drawn = Math.floor(random() * 2 ** 48)
  const [high, low] = [Math.floor(drawn / 2 ** 24), drawn % 2 ** 24]
  return `${PAIRS[high >> 12] ?? ''}${PAIRS[high & 4095] ?? ''}${PAIRS[low >> 12] ?? ''}${PAIRS[low & 4095] ?? ''}`
}

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
    return `${pairs(this.#random)}${this.#next()}`
  }

  /** What tells one of our branches from the others: a number is a cheaper key than text. Undefined: it is none of ours. */
  branchNumber(branch: string): number | undefined {
    const ours = branch.startsWith(MAGIC_COOKIE) && branch.startsWith(this.#prefix, MAGIC_COOKIE.length)
    return ours ? numberAt(branch, MAGIC_COOKIE.length + this.#prefix.length) : undefined
  }

  #next(): string {
    return String(this.#count++)
  }
}

/** What tells one of our tags from the others, but for its random bits, which are still to be compared. Undefined: it is none of ours. */
export function tagNumber(tag: string): number | undefined {
  return numberAt(tag, PAIRS_LENGTH)
}

/** The number that is all there is from `start` on, as `String` would write it. */
function numberAt(text: string, start: number): number | undefined {
  let number = 0
  for (let at = start; at < text.length; at++) {
    const digit = text.charCodeAt(at) - ZERO
    if (digit < 0 || digit > 9 || (number === 0 && at > start)) return undefined
    number = number * 10 + digit
  }
  return text.length > start && number <= Number.MAX_SAFE_INTEGER ? number : undefined
}

const ZERO = 48
