/** The nonces of one digest server: each proves itself by a keyed hash, and how often each was used is remembered within bounds. It reads no header field. */
import { createHmac } from 'node:crypto'
import type { Clock } from '../../../lib/clock.ts'
import { token, type Random } from '../../../lib/random.ts'
import { same } from './same.ts'

/** Milliseconds a nonce is taken. */
const LIFETIME = 300_000

/** Nonces whose use is remembered. A flood of logins makes those of others stale sooner; nobody is locked out. */
const MOST_NONCES = 10_000

/** Uses that may overtake each other on their way: over UDP a later request may come first. */
const WINDOW = 32

/** The highest count that came, and which of those just below: bit 0 is the highest itself. */
interface Used {
  highest: number
  seen: number
}

/**
 *     k3x9.7.2f0c9a...      born (milliseconds, base 36) . number . keyed hash of both
 *
 * Nothing is kept of a nonce until credentials that are right come with it.
 */
export class Nonces {
  readonly #clock: Clock
  readonly #key: string
  readonly #mostNonces: number
  readonly #used = new Map<string, Used>()
  #number = 0
  /** What was born then or before and is not remembered may have been forgotten: it is stale. */
  #forgotten = -1

  constructor(clock: Clock, random: Random, mostNonces = MOST_NONCES) {
    this.#clock = clock
    this.#key = token(random, 32)
    this.#mostNonces = mostNonces
  }

  make(): string {
    const name = `${Math.floor(this.#clock.monotonic()).toString(36)}.${(this.#number++).toString(36)}`
    return `${name}.${this.#sign(name)}`
  }

  isOurs(nonce: string): boolean {
    const end = nonce.lastIndexOf('.')
    return end > 0 && same(nonce.slice(end + 1), this.#sign(nonce.slice(0, end)))
  }

  /** Takes one use of a nonce of ours under its count (nc); undefined: an old client that counts nothing. */
  use(nonce: string, count: number | undefined): 'Fresh' | 'Stale' | 'Replayed' {
    const born = Number.parseInt(nonce, 36)
    if (this.#clock.monotonic() - born > LIFETIME) return 'Stale'
    if (count === undefined) return 'Fresh'
    const used = this.#used.get(nonce)
    if (used !== undefined) return again(used, count)
    if (born <= this.#forgotten) return 'Stale'
    this.#used.set(nonce, { highest: count, seen: 1 })
    if (this.#used.size > this.#mostNonces) this.#forget()
    return 'Fresh'
  }

  #forget(): void {
    for (const [nonce] of this.#used) {
      this.#used.delete(nonce)
      this.#forgotten = Math.max(this.#forgotten, Number.parseInt(nonce, 36))
      return
    }
  }

  #sign(name: string): string {
    return createHmac('sha256', this.#key).update(name).digest('hex').slice(0, 24)
  }
}

function again(used: Used, count: number): 'Fresh' | 'Replayed' {
  const ahead = count - used.highest
  if (ahead > 0) {
    used.seen = ahead >= WINDOW ? 1 : ((used.seen << ahead) | 1) >>> 0
    used.highest = count
    return 'Fresh'
  }
  const bit = -ahead >= WINDOW ? 0 : (1 << -ahead) >>> 0
  if (bit === 0 || (used.seen & bit) !== 0) return 'Replayed'
  used.seen = (used.seen | bit) >>> 0
  return 'Fresh'
}
