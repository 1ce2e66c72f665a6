/** The server side of digest authentication: challenges, and whether credentials answer one. It keeps no accounts. */
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import { type Algorithm, type DigestInput, digestResponse, isSession, type Protection, secret } from './digest.ts'
import { parseCredentials, usernameOf } from './fields.ts'
import { Nonces } from './nonces.ts'
import { same } from './same.ts'
import { quote } from '../message/uri.ts'

export interface DigestServerOptions {
  clock: Clock
  random: Random
  realm: string
  /** Offered in this order; default `['SHA-256', 'MD5']`. */
  algorithms?: ReadonlyArray<Algorithm | `${Algorithm}-sess`>
  /** What of a request credentials may cover, offered in this order; default `['auth']`: some clients cannot do the other. */
  qop?: readonly Protection[]
  /** Each answer names the nonce of the next request, default false. */
  nextNonce?: boolean
  /** Undefined: there is no such user. */
  password(username: string): string | undefined
}

export type Verdict =
  /** `headers` belong into the 2xx: Authentication-Info proves that we know the password too (RFC 7616 3.5). */
  | { kind: 'Authorized'; username: string; headers: ReadonlyArray<readonly ['Authentication-Info', string]> }
  /** Answer 401 with these WWW-Authenticate values. `reason` is for our log, never for the peer. */
  | {
      kind: 'Challenge'
      headers: ReadonlyArray<readonly ['WWW-Authenticate', string]>
      reason: 'NoCredentials' | 'Stale' | 'Replayed' | 'Wrong'
    }

export interface DigestServer {
  /**
   * @param authorization the values of the Authorization header fields of the request
   * @param body of the request; it matters for auth-int only
   */
  verify(method: string, authorization: readonly string[], body?: string): Verdict
}

type Given = ReadonlyMap<string, string>

/** Retransmissions must not get here: a request whose count came before is told that its nonce is stale. */
export function createDigestServer(options: DigestServerOptions): DigestServer {
  const { clock, random, realm, algorithms = ['SHA-256', 'MD5'], qop = ['auth'], nextNonce } = options
  const nonces = new Nonces(clock, random)

  function challenge(reason: Extract<Verdict, { kind: 'Challenge' }>['reason']): Verdict {
    const nonce = nonces.make()
    const stale = reason === 'Stale' || reason === 'Replayed' ? ', stale=true' : ''
    const headers = algorithms.map((algorithm) => {
      const value = `Digest realm=${quote(realm)}, nonce="${nonce}", algorithm=${algorithm}, qop="${qop.join(',')}"`
      return ['WWW-Authenticate', `${value}${stale}`] as const
    })
    return { kind: 'Challenge', headers, reason }
  }

  /** The credentials as what they must be the hash of; undefined: they cannot be right. */
  function inputOf(given: Given, request: { method: string; body: string }): DigestInput | undefined {
    const value = (name: string): string => given.get(name) ?? ''
    const algorithm = given.get('algorithm') ?? 'MD5'
    const protection = qop.find((each) => each === given.get('qop')?.toLowerCase())
    const password = options.password(usernameOf(given))
    if (password === undefined || !algorithms.some((each) => each.toLowerCase() === algorithm.toLowerCase())) {
      return undefined
    }
    const [nonce, cnonce, nc] = [value('nonce'), value('cnonce'), value('nc')]
    // Without qop it is a client of RFC 2069's time; a session has none.
    if (given.has('qop') ? protection === undefined || !/^[\da-f]{8}$/i.test(nc) : isSession(algorithm))
      return undefined
    return {
      ...{ algorithm, ...request, uri: value('uri'), nonce },
      secret: secret(algorithm, { username: usernameOf(given), realm, password }, { nonce, cnonce }),
      qop: protection && { protection, cnonce, nc },
    }
  }

  function info(input: DigestInput): ReadonlyArray<readonly ['Authentication-Info', string]> {
    // A session goes on under its first nonce, whatever comes after it (3.4.2).
    const parts = nextNonce && !isSession(input.algorithm) ? [`nextnonce="${nonces.make()}"`] : []
    const { qop: used } = input
    if (used) {
      // Over the body of the answer, which has none.
      const proof = digestResponse({ ...input, method: '', body: '' })
      parts.push(`rspauth="${proof}"`, `cnonce=${quote(used.cnonce)}`, `nc=${used.nc}`, `qop=${used.protection}`)
    }
    return parts.length === 0 ? [] : [['Authentication-Info', parts.join(', ')]]
  }

  return {
    verify(method, authorization, body = '') {
      const given = authorization.map(parseCredentials).find((each) => each?.get('realm') === realm)
      if (!given) return challenge('NoCredentials')
      if (!nonces.isOurs(given.get('nonce') ?? '')) return challenge('Wrong')
      const input = inputOf(given, { method, body })
      if (input === undefined || !same(given.get('response') ?? '', digestResponse(input))) return challenge('Wrong')
      const use = nonces.use(input.nonce, input.qop && Number.parseInt(input.qop.nc, 16))
      if (use !== 'Fresh') return challenge(use)
      return { kind: 'Authorized', username: usernameOf(given), headers: info(input) }
    },
  }
}
