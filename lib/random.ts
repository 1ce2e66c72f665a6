/** Sources of randomness and the identifiers made from them; passed in wherever a decision depends on chance. */
import { randomBytes } from 'node:crypto'

/** A uniformly distributed number in [0, 1). */
export type Random = () => number

/** Bytes of a number: 48 bits. */
const DRAWN = 6
/** Each question to the system has its price: it is asked for many numbers at a time. */
const RESERVE = 600 * DRAWN

/** Unpredictable; for tags, branches, SSRCs, offsets. */
export const systemRandom: Random = reserved()

function reserved(): Random {
  let bytes = Buffer.alloc(0)
  let used = 0
  return () => {
    if (used >= bytes.length) {
      bytes = randomBytes(RESERVE)
      used = 0
    }
    const drawn = bytes.readUIntBE(used, DRAWN)
    used += DRAWN
    return drawn / 2 ** 48
  }
}

/** A repeatable source for schedules that must come out the same from the same seed (mulberry32). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'

/** `length` characters of 0-9a-z. 10 characters carry 51 bits. */
export function token(random: Random, length = 10): string {
  let text = ''
  for (let index = 0; index < length; index++) text += DIGITS[Math.floor(random() * DIGITS.length)]
  return text
}
