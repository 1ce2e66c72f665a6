/** The server side of digest authentication: challenges, and whether credentials answer one. It keeps no accounts and no list of nonces. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../../lib/clock.ts'
import { token, type Random } from '../../../lib/random.ts'
import { type Algorithm, digestResponse, parseCredentials } from './digest.ts'

export interface DigestServerOptions {
  clock: Clock
  random: Random
  realm: string
  /** Offered in this order; default `['SHA-256', 'MD5']`. */
  algorithms?: readonly Algorithm[]
  /** Undefined: there is no such user. */
  password(username: string): string | undefined
}

export type Verdict =
  | { kind: 'Authorized'; username: string }
  /** Answer 401 with these WWW-Authenticate values. `reason` is for our log, never for the peer. */
  | {
      kind: 'Challenge'
      headers: ReadonlyArray<readonly ['WWW-Authenticate', string]>
      reason: 'NoCredentials' | 'Stale' | 'Wrong'
    }

export interface DigestServer {
  /** @param authorization the values of the Authorization header fields of the request */
  verify(method: string, authorization: readonly string[]): Verdict
}

/** Milliseconds a nonce is taken. Within that time it may be used again and again: nc is not followed. */
const NONCE_LIFETIME = 300_000

/** A nonce is its own proof: its time of birth and a keyed hash of it, so that nothing has to be remembered. */
export function createDigestServer(options: DigestServerOptions): DigestServer {
  const { clock, random, realm, algorithms = ['SHA-256', 'MD5'] } = options
  const key = token(random, 32)
  const sign = (born: string): string => createHmac('sha256', key).update(born).digest('hex').slice(0, 24)

  function challenge(reason: 'NoCredentials' | 'Stale' | 'Wrong'): Verdict {
    const born = Math.floor(clock.monotonic()).toString(36)
    const nonce = `${born}.${sign(born)}`
    const stale = reason === 'Stale' ? ', stale=true' : ''
    const headers = algorithms.map((algorithm) => {
      const value = `Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${stale}`
      return ['WWW-Authenticate', value] as const
    })
    return { kind: 'Challenge', headers, reason }
  }

  function nonceAge(nonce: string): number | undefined {
    const [born = '', signature = ''] = nonce.split('.')
    return same(signature, sign(born)) ? clock.monotonic() - Number.parseInt(born, 36) : undefined
  }

  return {
    verify(method, authorization) {
      const given = authorization.map(parseCredentials).find((each) => each?.get('realm') === realm)
      if (!given) return challenge('NoCredentials')
      const age = nonceAge(given.get('nonce') ?? '')
      if (age === undefined) return challenge('Wrong')
      const username = given.get('username') ?? ''
      const secret = options.password(username)
      const algorithm = given.get('algorithm') ?? 'MD5'
      if (secret === undefined || !algorithms.some((each) => each === algorithm)) return challenge('Wrong')
      if (!same(given.get('response') ?? '', expected(method, given, secret))) return challenge('Wrong')
      return age > NONCE_LIFETIME ? challenge('Stale') : { kind: 'Authorized', username }
    },
  }
}

function expected(method: string, given: ReadonlyMap<string, string>, password: string): string {
  const value = (name: string): string => given.get(name) ?? ''
  return digestResponse({
    algorithm: given.get('algorithm') ?? 'MD5',
    ...{
      username: value('username'),
      realm: value('realm'),
      nonce: value('nonce'),
      uri: value('uri'),
      method,
      password,
    },
    ...(given.get('qop') === 'auth' && { qop: { cnonce: value('cnonce'), nc: value('nc') } }),
  })
}

function same(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
