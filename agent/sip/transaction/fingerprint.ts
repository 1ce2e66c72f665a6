/** Texts as numbers, to find things by that live for half a minute: a text as a key is copied, hashed and kept. It is no cryptography. */
import type { Random } from '../../../lib/random.ts'

/**
 * Two mixes of 32 bits, of which 53 are used: two of a million texts are alike with a chance of 1 to 18,000. Both begin with a random number,
 * so that nobody outside knows what comes out. That two texts are alike can be brought about all the same; but whoever aims at that of somebody
 * else has to know it, and could as well send it again.
 */
export class Fingerprints {
  readonly #seeds: readonly [number, number]

  constructor(random: Random) {
    this.#seeds = [Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 32)]
  }

  /** The parts are told apart: `ab`, `c` is another one than `a`, `bc`. */
  of(...parts: readonly string[]): number {
    let [one, other] = this.#seeds
    for (const part of parts) {
      for (let at = 0; at < part.length; at++) {
        const code = part.charCodeAt(at)
        one = Math.imul(one ^ code, 0x9e3779b1)
        other = Math.imul(other ^ code, 0x5f356495)
      }
      one = Math.imul(one ^ END, 0x9e3779b1)
      other = Math.imul(other ^ END, 0x5f356495)
    }
    one = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(other ^ (other >>> 13), 0xc2b2ae35)
    other = Math.imul(other ^ (other >>> 16), 0x85ebca6b) ^ Math.imul(one ^ (one >>> 13), 0xc2b2ae35)
    return (other & 0x1fffff) * 2 ** 32 + (one >>> 0)
  }
}

/** No code unit of a text is that large. */
const END = 0x10000
