/** Answers digest challenges for one account during one call or registration (RFC 3261 22.2, 22.3); it sends nothing. */
import { token, type Random } from '../../../lib/random.ts'
import { type Challenge, credentialsText, parseChallenges, strength } from './digest.ts'
import type { Credentials } from '../engine.ts'
import type { Response } from '../message/message.ts'

type Field = 'Authorization' | 'Proxy-Authorization'

/** What we know of one realm of one side, and how often its nonce was used. */
interface Protection {
  readonly field: Field
  challenge: Challenge
  count: number
  /** `Answered` within the request that is under way: being challenged again then means refused. */
  state: 'New' | 'Answered' | 'FromEarlier'
}

/** Rounds for one request; more than any chain of proxies asks for, fewer than a server in a loop. */
const MOST_ROUNDS = 5

export class Authenticator {
  readonly #credentials: Credentials | undefined
  readonly #random: Random
  readonly #protections = new Map<string, Protection>()
  #rounds = 0

  constructor(credentials: Credentials | undefined, random: Random) {
    this.#credentials = credentials
    this.#random = random
  }

  /** A new request begins: nonces that were accepted once are used again, and may have grown old without that being a refusal. */
  begin(): void {
    this.#rounds = 0
    for (const protection of this.#protections.values()) protection.state = 'FromEarlier'
  }

  /** Takes the challenges of a 401 or 407. True: another try with `authorize` has something new to say. */
  challenged({ headers }: Response): boolean {
    if (this.#credentials === undefined || ++this.#rounds > MOST_ROUNDS) return false
    const fresh = [
      ...this.#strongest('Authorization', headers.all('www-authenticate')),
      ...this.#strongest('Proxy-Authorization', headers.all('proxy-authenticate')),
    ]
    let news = false
    for (const { field, challenge } of fresh) {
      const key = `${field} ${challenge.realm}`
      const known = this.#protections.get(key)
      // RFC 7616 3.3: stale says that only the nonce was too old.
      if (known?.state === 'Answered' && !(challenge.stale && challenge.nonce !== known.challenge.nonce)) return false
      this.#protections.set(key, { field, challenge, count: 0, state: 'New' })
      news = true
    }
    return news
  }

  /** The header fields for a request: for every realm that has challenged so far, its nonce counted up. */
  authorize(method: string, uri: string): Array<readonly [Field, string]> {
    if (this.#credentials === undefined) return []
    const { username, password } = this.#credentials
    return [...this.#protections.values()].map((protection) => {
      const { field, challenge } = protection
      const { realm, nonce, opaque, algorithm, qop } = challenge
      if (protection.state === 'New') protection.state = 'Answered'
      const count = ++protection.count
      const input = {
        ...{ username, password, realm, nonce, method, uri },
        ...(algorithm !== undefined && { algorithm }),
        ...(qop && { qop: { cnonce: token(this.#random, 12), nc: count.toString(16).padStart(8, '0') } }),
      }
      return [field, credentialsText(input, opaque)] as const
    })
  }

  /** Of each realm the strongest challenge that we can compute and have credentials for (RFC 8760 2.4). */
  #strongest(field: Field, values: readonly string[]): Array<{ field: Field; challenge: Challenge }> {
    const best = new Map<string, Challenge>()
    for (const challenge of values.flatMap(parseChallenges)) {
      const { realm, qop } = challenge
      const ours = this.#credentials?.realm === undefined || this.#credentials.realm === realm
      const rank = strength(challenge.algorithm)
      if (!ours || rank === undefined || (qop && !qop.includes('auth'))) continue
      const other = best.get(realm)
      if (other === undefined || rank < (strength(other.algorithm) ?? Infinity)) best.set(realm, challenge)
    }
    return [...best.values()].map((challenge) => ({ field, challenge }))
  }
}
