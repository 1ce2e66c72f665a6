/** Who may ask: whose token it is and what that one may do, and on loopback the checks that keep other people's web pages out. Whose tokens count is told from outside. */
import { kinds } from '../../crds/index.ts'
import { isLoopback } from '../../lib/http.ts'
import type { Log } from '../../lib/log.ts'
import type { Access, Authenticator, Undecided, User } from '../cluster/access.ts'
import { failure, later } from './errors.ts'
import type { Failure } from './errors.ts'

export interface GuardOptions {
  /** The address that the server is bound to. */
  host: string
  /** Absent: everybody who can reach the server may read and change; allowed on loopback only. */
  authenticate?: Authenticator | undefined
  log: Log
}

/** The parts of a request that the decision rests on. */
export interface Caller {
  method: string
  authorization: string | undefined
  host: string | undefined
  origin: string | undefined
}

export interface Guard {
  admit(caller: Caller): Promise<User | Failure>
  /** Undefined: each of the rights is theirs. */
  refuse(user: User, needed: readonly Access[]): Promise<Failure | undefined>
}

/** Characters of a token; a longer one is asked of nobody. Those of Kubernetes have about 1,000, with groups of a directory several times that. */
const LONGEST_TOKEN = 8192
/** Seconds. */
const RETRY_AFTER = 5

/** Throws where nobody is asked for a token and the address is not loopback: such a server would be open to the network. */
export function createGuard({ host, authenticate, log }: GuardOptions): Guard {
  const local = isLoopback(host)
  if (!local && !authenticate) throw new Error(`an API on ${host} must ask for tokens: only loopback is open without`)

  function undecided({ reason }: Undecided): Failure {
    log.warn({ reason }, 'who may use the API cannot be found out: the request is refused')
    const message = 'Who you are, or what you may do, cannot be found out now: try again later.'
    return later('AuthorizationUnavailable', message, RETRY_AFTER)
  }

  return {
    async admit(caller) {
      const foreign = local ? refuseForeign(caller) : undefined
      if (foreign) return foreign
      if (!authenticate) return anybody
      const token = tokenOf(caller.authorization)
      if (token === undefined) return failure('Unauthorized', 'Send the header Authorization: Bearer TOKEN.')
      const found = await authenticate(token)
      if (found.kind === 'Unknown') return failure('Unauthorized', found.wanted)
      return found.kind === 'Undecided' ? undecided(found) : found
    },
    async refuse(user, needed) {
      for (const access of needed) {
        const decision = await user.authorize(access)
        if (decision.kind === 'Undecided') return undecided(decision)
        if (decision.kind === 'Denied') return forbidden(user, access)
      }
      return undefined
    },
  }
}

/** On loopback, without tokens. */
const anybody: User = { kind: 'User', name: 'anybody', authorize: async () => ({ kind: 'Allowed' }) }

/** The namespace is not named: who asks by an id alone may not know it. */
function forbidden({ name }: User, { verb, kind, subresource, namespace }: Access): Failure {
  const resource = [kinds[kind].plural, ...(subresource === undefined ? [] : [subresource])].join('/')
  const where = namespace === undefined ? 'in all namespaces' : 'in this namespace'
  return failure('Forbidden', `${name} may not ${verb} ${resource} ${where}.`)
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

/** From the header alone: a token in a URL is in logs and histories. */
function tokenOf(authorization = ''): string | undefined {
  const [, token] = /^Bearer +(\S+) *$/i.exec(authorization) ?? []
  return token !== undefined && token.length <= LONGEST_TOKEN ? token : undefined
}
