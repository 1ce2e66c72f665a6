/** Where a 3xx to an INVITE sends its caller (RFC 3261 8.1.3.4, 21.3); following it is not done here. */
import type { LocalParty } from '../engine.ts'
import { elsewhere } from '../locate/follow.ts'
import { hopOf } from '../locate/question.ts'
import type { Response } from '../message/message.ts'
import { defaultPort } from '../transport/hop.ts'
import { parseNameAddress, parseUri } from '../message/uri.ts'

/** One place an INVITE may go to. */
export interface Destination {
  /** The Request-URI. */
  uri: string
  party: LocalParty
}

/** Codes whose Contact is somebody to be called; 380 describes another service in its body, for a human. */
const ELSEWHERE: ReadonlySet<number> = new Set([300, 301, 302])

/** The same user is asked by a proxy that the Contact names (21.3.4). */
const USE_PROXY = 305

/** Contacts of one response; more are somebody's joke. */
const MOST = 20

/** What a response adds, the one it likes best first. Empty: nothing that we can follow. */
export function destinations({ code, headers }: Response, { uri, party }: Destination): Destination[] {
  if (!ELSEWHERE.has(code) && code !== USE_PROXY) return []
  return headers
    .list('contact')
    .slice(0, MOST)
    .flatMap((value) => {
      const contact = parseNameAddress(value)
      return contact ? [{ ...contact, q: quality(contact.parameters.get('q')) }] : []
    })
    .toSorted((left, right) => right.q - left.q)
    .flatMap((contact) => {
      const target = withoutHeaders(contact.uri)
      const parsed = parseUri(target)
      const hop = parsed && hopOf(parsed)
      if (!hop) return []
      const { tls, family } = party.nextHop
      const nextHop = { ...hop, ...(tls && { tls: elsewhere(tls) }), ...(family && { family }) }
      if (code === USE_PROXY) return [{ uri, party: { ...party, nextHop, outboundProxy: true } }]
      // 8.1.2: an outbound proxy is asked whoever is called.
      return [{ uri: target, party: party.outboundProxy ? party : { ...party, nextHop } }]
    })
}

/** Two destinations with the same key are one: nobody is called twice. */
export function destinationKey({ uri, party }: Destination): string {
  const { host, transport = 'UDP', port = defaultPort(transport) } = party.nextHop
  const parsed = parseUri(uri)
  const who = parsed
    ? [parsed.scheme, parsed.user, parsed.host.toLowerCase(), parsed.port, parsed.parameters.get('transport')]
    : [uri]
  return [...who, host.toLowerCase(), port, transport].join(' ')
}

/** 20.10: without one it is 1. */
function quality(text: string | undefined): number {
  const value = Number(text ?? 1)
  return value >= 0 && value <= 1 ? value : 0
}

/** 19.1.5: header fields and a method that a URI asks for are not put into a request that we answer for. */
function withoutHeaders(uri: string): string {
  return uri.replace(/\?.*$/s, '').replace(/;method=[^;]*/i, '')
}
