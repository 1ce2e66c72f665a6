/** What the DNS is to be asked about a hop, as RFC 3263 section 4 decides it from what the hop states. It asks nothing. */
import { isIP } from 'node:net'
import type { Endpoint, Hop, Transport } from '../engine.ts'
import type { Flow } from '../transport/flow.ts'
import { defaultPort } from '../transport/hop.ts'
import type { Uri } from '../message/uri.ts'

/** A hop that is to be located. */
export interface Wanted extends Hop {
  /** It comes from a SIPS URI, or leads to one: where no transport is stated, only TLS and WSS will do (RFC 3261 26.2.2). */
  secure?: boolean
  /** A connection that leads there: used for as long as it is open. */
  over?: Flow
}

/** A service and the transport that it is offered over: `_sip._udp.example.com`. */
export interface Service {
  name: string
  transport: Transport
}

export interface AddressQuestion {
  kind: 'Addresses'
  name: string
  port: number
  transport: Transport
}

export interface ServiceQuestion {
  kind: 'Services'
  services: readonly Service[]
  /** What is asked when there is none of them. */
  otherwise: AddressQuestion
}

export interface PointerQuestion {
  kind: 'Pointers'
  name: string
  secure: boolean
  otherwise: ServiceQuestion
}

/** `Nothing`: the address is there already, and is the only one. */
export type Question = { kind: 'Nothing'; endpoint: Endpoint } | AddressQuestion | ServiceQuestion | PointerQuestion

/** The service names that stand in front of the domain (RFC 3263 4.1, RFC 7118 has none of its own: those are what servers use). */
const PREFIXES: Readonly<Record<Transport, string>> = {
  UDP: '_sip._udp',
  TCP: '_sip._tcp',
  TLS: '_sips._tcp',
  WS: '_sip._ws',
  WSS: '_sips._ws',
}

/** Asked about when nobody says which: a WebSocket is only found when a NAPTR or a URI names it. The order is that of use. */
const SEARCHED: readonly Transport[] = ['UDP', 'TCP', 'TLS']

/**
 *     host         transport   port     asked
 *     IP address   any         any      nothing
 *     name         any         stated   A, AAAA
 *     name         stated      none     SRV of the transport, else A, AAAA with its default port
 *     name         none        none     NAPTR, else SRV of every transport, else A, AAAA with the default port
 *
 * Without a transport it is UDP, and TLS for SIPS, where no record says otherwise.
 */
export function questionOf({ host, port, transport, secure = false }: Wanted): Question {
  const used = transport ?? (secure ? 'TLS' : 'UDP')
  const otherwise = { name: host, port: port ?? defaultPort(used), transport: used }
  if (isIP(host) !== 0) return { kind: 'Nothing', endpoint: { host, port: otherwise.port, transport: used } }
  const addresses: AddressQuestion = { kind: 'Addresses', ...otherwise }
  if (port !== undefined) return addresses
  const searched = transport === undefined ? SEARCHED.filter((each) => !secure || isSecure(each)) : [transport]
  const services: ServiceQuestion = {
    kind: 'Services',
    services: searched.map((each) => ({ name: `${PREFIXES[each]}.${host}`, transport: each })),
    otherwise: addresses,
  }
  return transport === undefined ? { kind: 'Pointers', name: host, secure, otherwise: services } : services
}

export function isSecure(transport: Transport): boolean {
  return transport === 'TLS' || transport === 'WSS'
}

/** RFC 3261 26.2.2: `sips` with `transport=tcp` is TLS over TCP; over UDP there is none. */
function secured(transport: Transport): Transport {
  return transport === 'WS' || transport === 'WSS' ? 'WSS' : 'TLS'
}

const STATED: ReadonlyMap<string, Transport> = new Map([
  ['udp', 'UDP'],
  ['tcp', 'TCP'],
  ['tls', 'TLS'],
  ['ws', 'WS'],
  ['wss', 'WSS'],
])

/** Where a URI leads: `maddr` stands for its host (19.1.1). Undefined for one without a host, as `tel`, and for a transport we do not speak. */
export function hopOf({ scheme, host, port, parameters }: Uri): Wanted | undefined {
  const target = parameters.get('maddr') || host
  const stated = parameters.get('transport')?.toLowerCase()
  const transport = stated === undefined ? undefined : STATED.get(stated)
  if (target === '' || (stated !== undefined && transport === undefined)) return undefined
  return {
    host: target,
    ...(port !== undefined && { port }),
    ...(transport !== undefined && { transport: scheme === 'sips' ? secured(transport) : transport }),
    ...(scheme === 'sips' && { secure: true }),
  }
}

/** The hop of a request to `uri`: that of SIPS goes over TLS all the way. */
export function towards(hop: Wanted, uri: string): Wanted {
  return /^sips:/i.test(uri) ? { ...hop, secure: true } : hop
}
