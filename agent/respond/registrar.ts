/** Answers REGISTER for the accounts it was given (RFC 3261 10.3), with digest; where users are then found is kept in bindings.ts. */
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { createDigestServer, parseNameAddress, parseUri, splitList, unescaped } from '../sip/index.ts'
import type { DigestServerOptions, IncomingRequest } from '../sip/index.ts'
import type { Account } from './accounts.ts'
import type { Bindings, Update } from './bindings.ts'

export interface RegistrarOptions {
  /** Of the challenges. The domain in a REGISTER is not looked at: we are the registrar of whoever asks us. */
  realm: string
  /** Offered in this order. */
  algorithms: NonNullable<DigestServerOptions['algorithms']>
  accounts: readonly Account[]
  bindings: Bindings
  clock: Clock
  random: Random
}

/** Seconds. A shorter binding is refused with 423, a longer one is cut; without a wish it is the longest. */
const SHORTEST = 30
const LONGEST = 3600

type Headers = ReadonlyArray<readonly [name: string, value: string]>

interface Reply {
  code: number
  reason?: string
  headers?: Headers
}

/**
 * Gives the handler of REGISTER requests. A user without an account is refused with 403 before it is asked for a password, so is
 * one that registers with the password of another; a wrong password is challenged again.
 */
export function createRegistrar(options: RegistrarOptions): (request: IncomingRequest) => void {
  const { realm, algorithms, accounts, bindings, clock, random } = options
  const passwords = new Map(accounts.map(({ username, password }) => [username, password]))
  const password = (username: string) => passwords.get(username)
  const digest = createDigestServer({ clock, random, realm, algorithms, password })

  const reply = (request: IncomingRequest): Reply => {
    const user = userOf(request)
    if (user === undefined) return { code: 400, reason: 'To is not a SIP address' }
    if (!passwords.has(user)) return { code: 403, reason: 'No such account' }
    const verdict = digest.verify('REGISTER', request.header('Authorization'))
    if (verdict.kind === 'Challenge') return { code: 401, headers: verdict.headers }
    if (verdict.username !== user) return { code: 403, reason: 'Not your account' }
    const update = readUpdate(request)
    const done = 'code' in update ? update : carryOut(user, update)
    // RFC 7616 3.5: it learns that we know the password, too.
    return done.code === 200 ? { ...done, headers: [...(done.headers ?? []), ...verdict.headers] } : done
  }

  const carryOut = (user: string, update: Update): Reply => {
    const { kind } = bindings.update(user, update)
    switch (kind) {
      case 'OutOfOrder':
        return { code: 500, reason: 'CSeq is not newer' }
      case 'TooMany':
        return { code: 503, reason: 'Too many contacts' }
      case 'Updated':
        return { code: 200, headers: bindings.of(user).map(({ uri, expiresAt }) => contact(uri, expiresAt)) }
    }
  }

  const contact = (uri: string, expiresAt: number) =>
    ['Contact', `<${uri}>;expires=${Math.ceil((expiresAt - clock.monotonic()) / 1000)}`] as const

  return (request) => {
    const { code, reason, headers } = reply(request)
    request.respond(code, reason, headers)
  }
}

function userOf(request: IncomingRequest): string | undefined {
  const [to = ''] = request.header('To')
  const user = parseUri(parseNameAddress(to)?.uri ?? '')?.user
  return user === undefined ? undefined : unescaped(user)
}

/** What the request asks for, or the refusal of it (RFC 3261 10.3, steps 6 and 7). */
function readUpdate(request: IncomingRequest): Update | Reply {
  const [callId = ''] = request.header('Call-ID')
  const cseq = Number.parseInt(request.header('CSeq')[0] ?? '', 10)
  if (callId === '' || Number.isNaN(cseq)) return { code: 400, reason: 'Call-ID or CSeq is missing' }
  const values = request.header('Contact').flatMap(splitList)
  const stated = request.header('Expires')[0]?.trim()
  if (values.includes('*')) {
    const alone = values.length === 1 && stated === '0'
    return alone ? { callId, cseq, contacts: 'All' } : { code: 400, reason: 'Contact * needs Expires 0' }
  }
  const contacts = []
  for (const value of values) {
    const wish = readContact(value, stated)
    if ('code' in wish) return wish
    contacts.push(wish)
  }
  return { callId, cseq, contacts }
}

function readContact(value: string, stated: string | undefined): { uri: string; expires: number } | Reply {
  const address = parseNameAddress(value)
  if (!address || !parseUri(address.uri)) return { code: 400, reason: 'Contact is not a SIP address' }
  const expires = seconds(address.parameters.get('expires') ?? stated)
  if (expires > 0 && expires < SHORTEST) return { code: 423, headers: [['Min-Expires', String(SHORTEST)]] }
  return { uri: address.uri, expires }
}

/** RFC 3261 10.2.1.1: what is not a number counts as 3600, and so does no wish. */
function seconds(text = ''): number {
  return /^\d{1,10}$/.test(text) ? Math.min(Number(text), LONGEST) : LONGEST
}
