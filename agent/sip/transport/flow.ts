/** What a transaction sees of the transport: one peer that bytes can be sent to, and bytes that came from it. No socket is opened here. */
import type { Certified, Endpoint, Failure, Hop, PeerCertificate, Transport } from '../engine.ts'

/** Told when a flow that was in use is lost; a flow of UDP is never lost. */
export interface FlowWatcher {
  /** It waits for what the peer may say at any time: whether the peer is still there is asked now and then (RFC 5626). */
  readonly keepAlive?: boolean
  /** `reset` is false for an orderly end by the peer. */
  flowLost(detail: string, reset: boolean): void
}

export interface Flow {
  readonly transport: Transport
  /** RFC 3261 17: over a reliable transport nothing is sent twice. */
  readonly reliable: boolean
  /** `host:port` of our side. */
  readonly local: string
  /** `host:port` where we listen for this transport: what Via names, and what Contact names but for an external address. */
  readonly sentBy: string
  /** `host:port` where the peer reaches us by this transport: what Contact names. */
  readonly contact: string
  readonly remote: Endpoint
  /** What the peer showed of itself over TLS. */
  readonly certificate?: PeerCertificate | undefined
  /** A connection that the peer made: it may be reached by no other way. */
  readonly accepted?: boolean
  /** How another connection is made to the same peer. */
  readonly settings?: Pick<Hop, 'path' | 'tls'>
  /** The peer ended it because of TLS; over TLS 1.3 it may do so after the handshake. */
  readonly refusedByTls?: boolean
  /** False: a connection that has ended. */
  readonly open: boolean
  /** Clock.monotonic when bytes last came over this connection; -Infinity before that, and over UDP. */
  readonly heardAt: number
  /**
   * Sends one message. `failed` is called when it could not be sent, with what a human can read; over UDP only now and then, since asking
   * has a price for each datagram: a peer that cannot be reached is found out by a retransmission.
   */
  send(text: string, failed?: (detail: string) => void): void
  /** A connection that somebody watches is in use, and not closed for being idle. */
  watch(watcher: FlowWatcher): void
  unwatch(watcher: FlowWatcher): void
  /** The peer does not answer over this connection: the next request goes over another one. Those that wait still may have their answer. */
  retire(): void
}

export function certified({ certificate }: Flow): Certified {
  return certificate ? { certificate } : {}
}

/** What a request has failed by that was lost with its flow. */
export function lost({ refusedByTls = false }: Flow, detail: string): Failure {
  return { kind: refusedByTls ? 'TlsFailed' : 'ConnectFailed', detail }
}

/** A message as it came in. */
export interface Arrival {
  /** All of it, decoded. */
  readonly text: string
  /** Clock.monotonic, stamped in the socket callback before parsing; milliseconds. */
  readonly at: number
  readonly flow: Flow
}

/** Takes bytes that should be one message. `at` is Clock.monotonic in the socket callback, milliseconds. */
export type Receive = (bytes: Buffer, at: number, flow: Flow) => void

export type OpenOutcome = { kind: 'Open'; flow: Flow } | Extract<Failure, { kind: 'ConnectFailed' | 'TlsFailed' }>
