/** What a registrar's 200 to our REGISTER says about our binding (RFC 3261 10.2.4, RFC 3608, RFC 5626); it keeps nothing and does nothing. */
import { detached } from '../message/detached.ts'
import type { Headers } from '../message/headers.ts'
import { bracketed, type NameAddress, parseNameAddress, parseUri } from '../message/uri.ts'
import { sameUri } from '../message/uri-equality.ts'

export interface Grant {
  /** Seconds; undefined: it does not say. */
  readonly expires: number | undefined
  /** The values of Service-Route, for the Route of later requests. */
  readonly serviceRoute: readonly string[]
  /** Seconds within which the registrar wants to hear of us over the flow (RFC 5626 4.4). */
  readonly flowTimer: number | undefined
}

/** How we know our binding among those of other devices. */
export interface Own {
  contact: string
  /** `urn:uuid:...` that was sent as +sip.instance. */
  instance: string | undefined
}

/** Routes of a registrar; an IMS network has two. */
const MOST_ROUTES = 10

const NONE: readonly string[] = []

export function readGrant(headers: Headers, own: Own): Grant {
  const routes = headers.list('service-route').slice(0, MOST_ROUTES)
  return {
    expires: seconds(ownContact(headers, own)?.parameters.get('expires')) ?? seconds(headers.get('expires')),
    serviceRoute: routes.length > 0 ? routes.map(detached) : NONE,
    flowTimer: seconds(headers.get('flow-timer')),
  }
}

/**
 * Among all contacts of the address-of-record the one that is ours: by instance, by URI, or, since registrars rewrite what came through a
 * NAT, by what is left of it: user, host and port, at last the user alone when no other has it.
 */
function ownContact(headers: Headers, { contact, instance }: Own): NameAddress | undefined {
  const all = headers.list('contact').flatMap((value) => parseNameAddress(value) ?? [])
  const byInstance = all.filter((each) => instance !== undefined && instanceOf(each) === instance)
  const users = all.filter(({ uri }) => userOf(uri) !== undefined && userOf(uri) === userOf(contact))
  return (
    byInstance.find(({ parameters }) => parameters.get('reg-id') === '1') ??
    all.find(({ uri }) => sameUri(uri, contact)) ??
    users.find(({ uri }) => sameAddress(uri, contact)) ??
    (users.length === 1 ? users[0] : undefined)
  )
}

function instanceOf({ parameters }: NameAddress): string | undefined {
  return parameters.get('+sip.instance')?.replace(/^<(.*)>$/, '$1')
}

function userOf(text: string): string | undefined {
  return parseUri(text)?.user
}

function sameAddress(one: string, other: string): boolean {
  const [left, right] = [parseUri(one), parseUri(other)]
  if (!left || !right) return false
  const host = (text: string) => bracketed(text).toLowerCase()
  return host(left.host) === host(right.host) && left.port === right.port
}

/** A positive number; anything else is as good as nothing. */
function seconds(text: string | undefined): number | undefined {
  const value = text?.trim() ?? ''
  return /^\d{1,9}$/.test(value) && Number(value) > 0 ? Number(value) : undefined
}
