/** The door to a signalling engine: what a run needs of SIP, whichever stack carries it out. No media, no judgement of a result. */
import type { IncomingCall, InviteOptions, OutgoingCall } from './call.ts'
import type { Refusals } from './limits.ts'
import type { Certified, Endpoint, Hop, Transport } from './peer.ts'
import type { Attempted, Counted, Failure, OptionsOutcome, RequestOptions, SignallingCounters } from './request.ts'

export type * from './call.ts'
export type * from './peer.ts'
export type * from './request.ts'

/** Bound ports. UDP and TCP are always there, the others when they are listened on. */
export type Ports = Readonly<Record<'UDP' | 'TCP', number> & Partial<Record<Transport, number>>>

export interface RegisterOptions extends RequestOptions {
  /** Seconds. */
  expires: number
  /**
   * The binding is known by this instance and its flow (RFC 5626), not by its contact alone: `instance` is `urn:uuid:...`, default one that
   * address-of-record and contact user always give. A first hop that cannot do that (439) gets a plain binding. Absent: a plain binding.
   */
  outbound?: { instance?: string }
}

/** `code` and `reason` are those of the final response. */
export type RegisterOutcome = Attempted & (Registered | (Failure & Counted))

export interface Registered extends Certified {
  kind: 'Registered'
  registration: Registration
  milliseconds: number
  code: number
  reason: string
  /** Who has the binding. */
  remote: Endpoint
}

/** A binding that is refreshed before it expires until it is removed. Only our own contact is ever removed, never `*`. */
export interface Registration {
  /** Seconds granted by the registrar. */
  readonly expires: number
  readonly contact: string
  /** What the registrar wants in the Route of our requests (RFC 3608): for `LocalParty.routes`. */
  readonly serviceRoute: readonly string[]
  readonly counters: SignallingCounters
  /**
   * Settles when a refresh was refused, or had no success by the time the binding expired: a 5xx, 408, 480 or silence is tried again until
   * then. Never when it was removed by us.
   */
  readonly lost: Promise<Failure>
  /** REGISTER with Expires 0 for our contact. */
  unregister(): Promise<{ kind: 'Unregistered' } | Failure>
}

/** A request outside a dialog that is neither INVITE, ACK nor CANCEL. */
export interface IncomingRequest {
  readonly method: string
  /** The raw header values of a name (long form, any case), in order, as sent. */
  header(name: string): string[]
  readonly requestUri: string
  readonly remote: Endpoint
  respond(code: number, reason?: string, headers?: ReadonlyArray<readonly [name: string, value: string]>): void
}

export interface SignallingEngine extends AsyncDisposable {
  register(options: RegisterOptions): Promise<RegisterOutcome>
  options(options: RequestOptions & { target: string }): Promise<OptionsOutcome>
  invite(options: InviteOptions): OutgoingCall
  /**
   * INVITEs whose Request-URI user is `user` go to `handler` until disposed; `undefined` takes those that nobody else takes. Without a
   * taker: 404. Untraced calls keep an empty trace.
   */
  onInvite(
    user: string | undefined,
    handler: (call: IncomingCall) => void,
    options?: { untraced?: boolean },
  ): Disposable
  /** Requests of this method outside a dialog. OPTIONS is answered by the engine itself; without a taker: 405 with Allow. */
  onRequest(method: string, handler: (request: IncomingRequest) => void): Disposable
  /** The local address from which packets to a hop leave, or to a host: what Via names. Of a hop with several, the one tried first. */
  localAddress(remote: Hop | string): Promise<string>
  /** Where peers reach a local address: what Contact and our SDP name. */
  advertised(local: string): string
  readonly ports: Ports
  /** All of it is 0 after everything was stopped: tested. */
  readonly gauges: Readonly<{
    transactions: number
    dialogs: number
    registrations: number
    /** Of transactions, calls and registrations. */
    timers: number
    /** Those that are made or were taken; a socket that listens is none. */
    connections: number
  }>
  /** Totals since the start. A message's key is direction, method and class: `In INVITE request`, `Out INVITE 2xx`. */
  readonly counters: Readonly<{
    parseErrors: number
    messages: ReadonlyMap<string, number>
    /** What peers asked for beyond the limits of the engine. */
    refused: Readonly<Refusals>
  }>
}
