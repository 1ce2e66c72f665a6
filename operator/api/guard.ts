/** Who may ask: the bearer token, and on loopback the checks that keep other people's web pages out. Pure. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isLoopback } from '../../lib/http.ts'
import { failure } from './errors.ts'
import type { Failure } from './errors.ts'

export interface GuardOptions {
  /** The address that the server is bound to. */
  host: string
  /** Absent: everybody who can reach the server may read and change; allowed on loopback only. */
  token?: string | undefined
}

/** The parts of a request that the decision rests on. */
export interface Caller {
  method: string
  authorization: string | undefined
  host: string | undefined
  origin: string | undefined
}

/** Undefined: let it pass. */
export type Guard = (caller: Caller) => Failure | undefined

/** Throws where there is neither a token nor a loopback address: such a server would be open to the network. */
export function createGuard({ host, token }: GuardOptions): Guard {
  const local = isLoopback(host)
  if (!local && token === undefined)
    throw new Error(`an API on ${host} needs a token: only loopback is open without one`)
  return (caller) => {
    if (local) {
      const refused = refuseForeign(caller)
      if (refused) return refused
    }
    if (token !== undefined && !isToken(caller.authorization, token))
      return failure('Unauthorized', 'Send the header Authorization: Bearer TOKEN.')
    return undefined
  }
}

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS'

/**
 * A name that somebody else owns may resolve to 127.0.0.1 (DNS rebinding), and then a page of theirs is of the same
 * origin as we are. The name is in the Host header. A page of another origin cannot read our answers, but it can POST.
 */
function refuseForeign({ method, host, origin }: Caller): Failure | undefined {
  if (host === undefined || !isLoopback(hostName(host)))
    return failure('ForeignHost', 'This server answers only to localhost and loopback addresses.')
  if (!isSafe(method) && origin !== undefined && originHost(origin) !== host.toLowerCase())
    return failure('ForeignOrigin', 'A page of another origin may not change anything here.')
  return undefined
}

/** `[::1]:8080` -> `::1` */
function hostName(host: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(host) ?? []
  return bracketed ?? plain ?? ''
}

const originHost = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host || undefined : undefined

/** Compares hashes, so that neither the length nor the time taken tells anything of the token. */
function isToken(authorization: string | undefined, token: string): boolean {
  const [, given = ''] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
  return timingSafeEqual(digest(given), digest(token))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
