/** Which packets of an echo are chosen to be lost; it neither sends nor drops anything. */
import { seededRandom } from '../../lib/random.ts'

/**
 * One call's choice, to be asked once a packet in the order of arrival: true means lost.
 *
 * The first packet is never lost. Of those after it, `percent` is exact over every whole block, where a block is the shortest run of
 * packets that `percent` divides without a rest (5 %: one of each 20; 7 %: seven of each 100): a short call loses as much as a long
 * one. Which ones of a block is drawn by selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S): every
 * choice is equally likely. That the last packet of a call is never lost is the echo's part, because here nobody knows which it is.
 *
 * @param percent whole number, 0 to 100
 * @param seed the same seed makes the same choice
 */
export function lossChoice(percent: number, seed: number): () => boolean {
  const random = seededRandom(seed)
  const divisor = greatestCommonDivisor(percent, 100)
  const block = 100 / divisor
  let first = true
  let packetsLeft = 0
  let lossesLeft = 0
  return () => {
    if (first) {
      first = false
      return false
    }
    if (packetsLeft === 0) {
      packetsLeft = block
      lossesLeft = percent / divisor
    }
    const lost = random() * packetsLeft < lossesLeft
    packetsLeft--
    if (lost) lossesLeft--
    return lost
  }
}

/** The seed of a call: FNV-1a of its Call-ID, 32 bits, so that the choice can be made again from a record. */
export function lossSeed(callId: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(callId)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

function greatestCommonDivisor(one: number, other: number): number {
  return one === 0 ? other : greatestCommonDivisor(other % one, one)
}
