/** Answers digest challenges for one account during one call or registration (RFC 3261 22.2, 22.3, RFC 7616, 8760); it sends nothing. */
import type { Random } from '../../../lib/random.ts'
import { type DigestInput, digestResponse, hashed, isSession, type Protection, secret, strength } from './digest.ts'
import { type Challenge, credentialText, parseChallenges, parseInfo } from './fields.ts'
import type { Credentials } from '../engine.ts'
import { detached } from '../message/detached.ts'
import type { Response } from '../message/message.ts'

type Field = 'Authorization' | 'Proxy-Authorization'

/** What we know of one realm of one side: of its challenge only what is said again, for this is kept as long as a registration is. */
interface Realm {
  readonly field: Field
  readonly realm: string
  readonly algorithm: string | undefined
  readonly opaque: string | undefined
  readonly protection: Protection | undefined
  /** As it is sent: hashed where the server wants that. */
  readonly username: string
  readonly userhash: boolean
  /** H(A1), computed once a challenge, or once for all of them when the algorithm is none of a session. */
  readonly secret: string
  /** One for all uses of a nonce, which its count tells apart; a session is bound to it. */
  readonly cnonce: string
  nonce: string
  /** Uses of the nonce. */
  count: number
  /** What the last credentials were for: its server proves itself over the same. */
  uri: string
  /** `Answered` within the request that is under way: being challenged again then means refused. */
  state: 'New' | 'Answered' | 'FromEarlier'
}

/** Rounds for one request; more than any chain of proxies asks for, fewer than a server in a loop. */
const MOST_ROUNDS = 5

/** Realms of one call or registration; a server that names a new one each time is not remembered for ever. */
const MOST_REALMS = 8

export class Authenticator {
  readonly #credentials: Credentials | undefined
  readonly #random: Random
  #realms: Realm[] | undefined
  #rounds = 0

  constructor(credentials: Credentials | undefined, random: Random) {
    this.#credentials = credentials
    this.#random = random
  }

  /** A new request begins: nonces that were accepted once are used again, and may have grown old without that being a refusal. */
  begin(): void {
    this.#rounds = 0
    for (const realm of this.#realms ?? []) realm.state = 'FromEarlier'
  }

  /** Takes the challenges of a 401 or 407. True: another try with `authorize` has something new to say. */
  challenged({ headers }: Response): boolean {
    const credentials = this.#credentials
    if (credentials === undefined || ++this.#rounds > MOST_ROUNDS) return false
    let news = false
    for (const [field, name] of CHALLENGES) {
      for (const challenge of strongest(headers.all(name), credentials)) {
        const known = this.#realms?.find((each) => each.field === field && each.realm === challenge.realm)
        if (known !== undefined && refuses(known, challenge)) return false
        this.#keep(known, realmOf(field, challenge, { credentials, known, random: this.#random }))
        news = true
      }
    }
    return news
  }

  /** The header fields for a request: for every realm that has challenged so far, its nonce counted up. `body` matters for auth-int only. */
  authorize(method: string, uri: string, body = ''): Array<readonly [Field, string]> {
    return (this.#realms ?? []).map((realm) => {
      if (realm.state === 'New') realm.state = 'Answered'
      realm.count++
      realm.uri = uri
      const input = inputOf(realm, method, body)
      const { algorithm, nonce, qop } = input
      const { field, username, realm: name, opaque, userhash } = realm
      const response = digestResponse(input)
      const text = credentialText({ username, realm: name, nonce, uri, response, algorithm, qop, opaque, userhash })
      return [field, text] as const
    })
  }

  /**
   * Takes what an accepted request was answered with: the next nonce, and the proof that the server knows the password too (RFC 7616 3.5).
   * False: the proof is wrong, whoever answered does not know it. That a server proves nothing is no fault.
   */
  accepted({ headers, body }: Response): boolean {
    let proven = true
    for (const realm of this.#realms ?? []) {
      const text = headers.get(realm.field === 'Authorization' ? 'authentication-info' : 'proxy-authentication-info')
      if (text !== undefined) proven = learn(realm, parseInfo(text), body) && proven
    }
    return proven
  }

  #keep(known: Realm | undefined, realm: Realm): void {
    const others = (this.#realms ?? []).filter((each) => each !== known)
    // An array that grows has room for many more; nearly always there is one realm.
    this.#realms = others.length === 0 ? [realm] : [...others.slice(1 - MOST_REALMS), realm]
  }
}

const CHALLENGES = [
  ['Authorization', 'www-authenticate'],
  ['Proxy-Authorization', 'proxy-authenticate'],
] as const

/** RFC 7616 3.3: stale says that only the nonce was too old. One that was taken before within this request may be worn out without a word. */
function refuses({ state, nonce, count }: Realm, challenge: Challenge): boolean {
  return state === 'Answered' && (challenge.nonce === nonce || !(challenge.stale || count > 1))
}

/** Of each realm the strongest challenge that we can compute and have credentials for (RFC 8760 2.4). */
function strongest(values: readonly string[], credentials: Credentials): Challenge[] {
  const best = new Map<string, Challenge>()
  for (const challenge of values.flatMap(parseChallenges)) {
    const { realm, qop } = challenge
    const ours = credentials.realm === undefined || credentials.realm === realm
    const rank = strength(challenge.algorithm)
    if (!ours || rank === undefined || (qop && protectionOf(qop) === undefined)) continue
    const other = best.get(realm)
    if (other === undefined || rank < (strength(other.algorithm) ?? Infinity)) best.set(realm, challenge)
  }
  return [...best.values()]
}

/** A proxy may change a body on its way, so `auth` goes before `auth-int`. */
function protectionOf(qop: readonly string[]): Protection | undefined {
  if (qop.includes('auth')) return 'auth'
  return qop.includes('auth-int') ? 'auth-int' : undefined
}

interface Keeping {
  credentials: Credentials
  /** What this realm was until now. */
  known: Realm | undefined
  random: Random
}

function realmOf(field: Field, challenge: Challenge, { credentials, known, random }: Keeping): Realm {
  const { algorithm, qop, userhash, utf8 } = challenge
  const [username, password] = [credentials.username, credentials.password].map((each) =>
    utf8 ? each.normalize('NFC') : each,
  )
  const [realm, nonce] = [known?.realm ?? detached(challenge.realm), detached(challenge.nonce)]
  const account = { username: username ?? '', realm, password: password ?? '' }
  // 48 bits are enough against tables of responses that somebody made beforehand, which is what it is for (RFC 7616 5.9).
  const cnonce = Math.floor(random() * 2 ** 48).toString(36)
  // One literal without spreads: it is what an idle registration has most of.
  return {
    field,
    realm,
    algorithm: algorithm && detached(algorithm),
    opaque: challenge.opaque && detached(challenge.opaque),
    protection: qop && protectionOf(qop),
    username: userhash ? hashed(algorithm, `${account.username}:${realm}`) : account.username,
    userhash,
    secret: secretAgain(known, challenge) ?? secret(algorithm, account, { nonce, cnonce }),
    cnonce,
    nonce,
    count: 0,
    uri: '',
    state: 'New',
  }
}

/** False: the server's proof is wrong. */
function learn(realm: Realm, info: ReadonlyMap<string, string>, body: string): boolean {
  const input = inputOf(realm, '', body)
  // The fields name no realm: with several proxies the one that speaks is known by the cnonce of ours that it repeats.
  if ((info.get('cnonce') ?? realm.cnonce) !== realm.cnonce) return true
  const proof = info.get('rspauth')?.toLowerCase()
  // Without qop there is nothing that it could be computed over (3.5).
  const proven = proof === undefined || input.qop === undefined || proof === digestResponse(input)
  const next = info.get('nextnonce') ?? ''
  if (next !== '' && next !== realm.nonce) {
    realm.nonce = detached(next)
    realm.count = 0
  }
  return proven
}

function secretAgain(known: Realm | undefined, { algorithm, utf8 }: Challenge): string | undefined {
  const same = known !== undefined && known.algorithm === algorithm && !utf8
  return same && !isSession(algorithm) ? known.secret : undefined
}

function inputOf(realm: Realm, method: string, body: string): DigestInput {
  const { algorithm, secret: a1, protection, cnonce, count, uri, nonce } = realm
  const nc = count.toString(16).padStart(8, '0')
  return { algorithm, secret: a1, method, uri, nonce, body, qop: protection && { protection, cnonce, nc } }
}
