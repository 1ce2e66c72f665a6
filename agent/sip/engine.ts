/** The door to a signalling engine: what a run needs of SIP, whichever stack carries it out. No media, no judgement of a result. */
import type { IncomingCall, InviteOptions, OutgoingCall } from './call.ts'
import type { Refusals } from './limits.ts'
import type { Trace } from './trace/trace.ts'

export type * from './call.ts'

export type Transport = 'UDP' | 'TCP' | 'TLS' | 'WS' | 'WSS'

/** An address that was used: `host` is an IP address. */
export interface Endpoint {
  host: string
  port: number
  transport: Transport
}

/** How TLS is set up towards a peer, and how its certificate is verified. All texts are PEM. */
export interface TlsSettings {
  /** The certificates that are trusted. Absent: those that Node trusts. */
  ca?: string
  /** Our own, for peers that ask for one. */
  certificate?: { certificate: string; key: string }
  /** The name asked for (SNI) and verified. Absent: the host of the hop. */
  serverName?: string
  /** `Full`: chain and name; `CA`: the chain alone; `None`: neither. */
  verify: 'Full' | 'CA' | 'None'
}

/** Where requests are sent first. What is left out is located (RFC 3263); an IP address pins: one attempt to one address. */
export interface Hop {
  /** A name or an IP address. */
  host: string
  port?: number
  transport?: Transport
  /** Of the WebSocket's URL; default `/`. */
  path?: string
  /** Of the addresses that are used; default: both. */
  family?: 4 | 6
  /** For TLS and WSS. Absent: `Full`, with the certificates that Node trusts. */
  tls?: TlsSettings
}

/** What a peer showed of itself over TLS. */
export interface PeerCertificate {
  /** As a distinguished name: `CN=sip.example.com, O=Example`. */
  subject: string
  /** Milliseconds since 1970. */
  validTo: number
}

/** Over TLS and WSS. */
export interface Certified {
  readonly certificate?: PeerCertificate | undefined
}

/** Bound ports. UDP and TCP are always there, the others when they are listened on. */
export type Ports = Readonly<Record<'UDP' | 'TCP', number> & Partial<Record<Transport, number>>>

export interface Credentials {
  /** The digest username (RFC 7616), which may differ from the user of the address-of-record. */
  username: string
  password: string
  /** Answer only challenges of this realm; absent: of any. */
  realm?: string
}

/** Who we are in a request, and where its first hop is. */
export interface LocalParty {
  /** Address-of-record, as in From: `sip:1001@example.com`. */
  aor: string
  displayName?: string
  /** User part of our Contact. For a callee it is unguessable, so that a scanner's INVITE is not the awaited call. */
  contactUser: string
  credentials?: Credentials
  nextHop: Hop
  /** True: nextHop is an outbound proxy and is sent as the first Route (`;lr`). */
  outboundProxy: boolean
  /** More values of Route behind it for all requests but REGISTER: `Registration.serviceRoute`. */
  routes?: readonly string[]
}

/** Why a request had no success. The words are SIP's; `agent/run` maps them to failure classes. */
export type Failure =
  | { kind: 'Rejected'; code: number; reason: string }
  /** Challenged again after credentials were sent, or challenged with nothing that we can answer. */
  | { kind: 'AuthenticationFailed'; code: number; reason: string }
  /** No response at all by the deadline or by timer B or F (RFC 3261 17.1), whichever comes first. */
  | { kind: 'NoResponse' }
  /** At least a 1xx, and no final response by the deadline. `code` is the last provisional one. */
  | { kind: 'NoFinalResponse'; code: number }
  | { kind: 'DnsFailed'; detail: string }
  /** The connection was refused, reset or could not be made. */
  | { kind: 'ConnectFailed'; detail: string }
  /** There was a connection, but no TLS over it: a certificate that is not trusted, or no handshake. */
  | { kind: 'TlsFailed'; detail: string }
  /** The abort signal ended it. */
  | { kind: 'Aborted' }

/** An address that was asked before the one in use, and why it was given up (RFC 3263 4.3), or why it led elsewhere (3xx). */
export interface Attempt {
  /** Of a server without an address, `host` is its name. */
  remote: Endpoint
  why: Failure
}

/** How a request came to whom it came to. */
export interface Attempted {
  /** Absent: there was no other. */
  attempts?: readonly Attempt[]
}

/** Monotonic milliseconds (Clock.monotonic), stamped in the socket callback before parsing. Absent: it did not happen. */
export interface CallTimings {
  /** First INVITE of the call, also when a second one with credentials followed. */
  inviteSent?: number
  /** First response of any kind. */
  firstResponse?: number
  /** First 180 or 183. */
  ringing?: number
  /** The 200 to the INVITE. */
  answered?: number
  /** The response that was the end of it without a call. From `inviteSent` to here is the failed session request delay (RFC 6076 4.3.2). */
  refused?: number
  /** BYE sent or received. */
  byeSent?: number
  byeReceived?: number
  /** The final response to our BYE: the session disconnect delay (RFC 6076 4.4) is successful with it, and failed without. */
  byeAnswered?: number
}

/** What happened below the application, per call or registration. */
export interface SignallingCounters {
  retransmissionsSent: number
  retransmissionsReceived: number
  /** Rounds of 401 or 407 that were answered with credentials. */
  authenticationRounds: number
  /** Milliseconds from the first request to its 401 or 407, of the first one that was challenged. Absent: none was. */
  authenticationTime?: number
  /** Answers whose proof that the server knows the password (rspauth, RFC 7616 3.5) was wrong; they count as answers all the same. */
  wrongProofs: number
}

export interface RequestOptions {
  party: LocalParty
  /** Begins with the execution id, so that a peer's log can be matched with ours. */
  callId: string
  /** Milliseconds from the first send to the final response. */
  timeout: number
  trace: Trace
  /** Gives the request up when it aborts. */
  signal?: AbortSignal
}

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
export type RegisterOutcome = Attempted & (Registered | Failure)

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

export type OptionsOutcome = Attempted & (OptionsAnswered | Failure)

export interface OptionsAnswered extends Certified {
  kind: 'Answered'
  code: number
  reason: string
  milliseconds: number
  remote: Endpoint
  allow: readonly string[]
  supported: readonly string[]
  accept: readonly string[]
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
  /** INVITEs whose Request-URI user is `user` go to `handler` until disposed; `undefined` takes those that nobody else takes. Without a taker: 404. */
  onInvite(user: string | undefined, handler: (call: IncomingCall) => void): Disposable
  /** Requests of this method outside a dialog. OPTIONS is answered by the engine itself; without a taker: 405 with Allow. */
  onRequest(method: string, handler: (request: IncomingRequest) => void): Disposable
  /** The local address from which packets to a hop leave, or to a host: what Contact, Via and our SDP name. Of a hop with several, the one tried first. */
  localAddress(remote: Hop | string): Promise<string>
  readonly ports: Ports
  /** All of it is 0 after everything was stopped: tested. */
  readonly gauges: Readonly<{ transactions: number; dialogs: number; registrations: number }>
  /** Totals since the start. A message's key is direction, method and class: `In INVITE request`, `Out INVITE 2xx`. */
  readonly counters: Readonly<{
    parseErrors: number
    messages: ReadonlyMap<string, number>
    /** What peers asked for beyond the limits of the engine. */
    refused: Readonly<Refusals>
  }>
}
