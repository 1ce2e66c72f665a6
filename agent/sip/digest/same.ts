/** Compares what must not be guessed letter by letter from the time that comparing takes. */
import { timingSafeEqual } from 'node:crypto'

export function same(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
