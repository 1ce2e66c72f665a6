/** Where requests inside a dialog go when the hop is known by a URI, and the peer by a flow that has carried the dialog so far. Pure. */
import { isIP } from 'node:net'
import type { Endpoint, TlsSettings } from '../engine.ts'
import type { Flow } from '../transport/flow.ts'
import { defaultPort } from '../transport/hop.ts'
import type { Wanted } from './question.ts'

/**
 * A connection of the dialog is used again
 *   - when it leads to the address that the hop names;
 *   - when the peer made it and names itself: a client of TLS or WebSocket need not listen anywhere (RFC 5923, RFC 7118 5);
 *   - when the hop cannot be read, or has the name that a browser gives itself (RFC 7118 5.2).
 * Elsewhere the same certificates are trusted, but not the same name.
 * @param routed the hop comes from a route, so that it is not the peer itself
 */
export function follow(hop: Wanted | undefined, flow: Flow, routed: boolean): Wanted {
  const { remote, settings } = flow
  const over = flow.reliable ? { over: flow } : {}
  if (!hop || /\.invalid$/i.test(hop.host)) return { ...remote, ...settings, ...over }
  // Without a transport parameter it is UDP (RFC 3263 4.1), but for a peer that is known to speak another one with us.
  const transport = hop.transport ?? (hop.host === remote.host ? remote.transport : undefined)
  const stated: Wanted = { ...hop, ...(transport !== undefined && { transport }) }
  if (leadsTo(stated, remote)) return { ...stated, ...settings, transport: remote.transport, ...over }
  return {
    ...stated,
    ...(isIP(hop.host) === 0 && { prefer: remote }),
    ...(settings?.tls && { tls: elsewhere(settings.tls) }),
    ...(returns(flow, routed) && { over: flow }),
  }
}

function leadsTo({ host, port, transport }: Wanted, remote: Endpoint): boolean {
  if (transport === undefined || host !== remote.host || (port ?? defaultPort(transport)) !== remote.port) return false
  // RFC 7118 5.2: a URI has one word for both WebSockets.
  return transport === remote.transport || (transport === 'WS' && remote.transport === 'WSS')
}

function returns({ accepted = false, transport }: Flow, routed: boolean): boolean {
  return accepted && !routed && transport !== 'TCP'
}

/** The same certificates for a server of another name. */
export function elsewhere({ ca, certificate, verify }: TlsSettings): TlsSettings {
  return { verify, ...(ca !== undefined && { ca }), ...(certificate && { certificate }) }
}
