/** What the transports are called in URIs, and their ports where none is stated. */
import type { Endpoint, Hop, Transport } from '../engine.ts'

/** A hop that was located: the address that a connection is made to, and how. */
export interface Target extends Endpoint, Pick<Hop, 'path' | 'tls'> {
  /** The name that was located; over TLS it is asked for and verified, over WebSocket it is the Host. */
  name?: string
}

/** RFC 3261 19.1.2, RFC 7118 5.2. */
const DEFAULT_PORTS: Readonly<Record<Transport, number>> = { UDP: 5060, TCP: 5060, TLS: 5061, WS: 80, WSS: 443 }

export function defaultPort(transport: Transport): number {
  return DEFAULT_PORTS[transport]
}

export type ConnectionTransport = Exclude<Transport, 'UDP'>

/** The parameter of a URI (19.1.1) with its semicolon; RFC 7118 5.2 has one for both WebSockets. */
const PARAMETERS: Readonly<Record<Transport, string>> = {
  UDP: '',
  TCP: ';transport=tcp',
  TLS: ';transport=tls',
  WS: ';transport=ws',
  WSS: ';transport=ws',
}

export function transportParameter(transport: Transport): string {
  return PARAMETERS[transport]
}
