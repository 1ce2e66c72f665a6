/** The door to a signalling engine: what a run needs of SIP, whichever stack carries it out. No media, no judgement of a result. */
import type { Refusals } from './limits.ts'
import type { Trace } from './trace/trace.ts'

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
  /** BYE sent or received. */
  byeSent?: number
  byeReceived?: number
  /** The final response to our BYE. */
  byeAnswered?: number
}

/** What happened below the application, per call or registration. */
export interface SignallingCounters {
  retransmissionsSent: number
  retransmissionsReceived: number
  /** Rounds of 401 or 407 that were answered with credentials. */
  authenticationRounds: number
}

export interface RequestOptions {
  party: LocalParty
  /** Begins with the execution id, so that a peer's log can be matched with ours. */
  callId: string
  /** Milliseconds from the first send to the final response. */
  timeout: number
  trace: Trace
  signal?: AbortSignal
}

/** `code` and `reason` are those of the final response. */
export type RegisterOutcome =
  { kind: 'Registered'; registration: Registration; milliseconds: number; code: number; reason: string } | Failure

/** A binding that is refreshed before it expires until it is removed. Only our own contact is ever removed, never `*`. */
export interface Registration {
  /** Seconds granted by the registrar. */
  readonly expires: number
  readonly contact: string
  readonly counters: SignallingCounters
  /**
   * Settles when a refresh was refused, or had no success by the time the binding expired: a 5xx, 408, 480 or silence is tried again until
   * then. Never when it was removed by us.
   */
  readonly lost: Promise<Failure>
  /** REGISTER with Expires 0 for our contact. */
  unregister(): Promise<{ kind: 'Unregistered' } | Failure>
}

export type OptionsOutcome =
  { kind: 'Answered'; code: number; reason: string; milliseconds: number; remote: Endpoint } | Failure

export interface InviteOptions extends RequestOptions {
  /** Request-URI and To. */
  target: string
  /** Our SDP offer. */
  offer: string
  /** Called for each provisional response, in order. `sdp` is early media's. */
  onProvisional?(response: { code: number; reason: string; at: number; sdp?: string }): void
  /** A re-INVITE inside the call: returns our answer, or undefined to refuse it with 488. */
  onReoffer?(sdp: string | undefined): string | undefined
}

export type InviteOutcome = { kind: 'Answered'; call: Call; code: number; reason: string } | Failure

export interface OutgoingCall {
  readonly callId: string
  readonly timings: Readonly<CallTimings>
  readonly counters: Readonly<SignallingCounters>
  /** The address the INVITE went to, once it is located. */
  readonly remote: Endpoint | undefined
  /**
   * A 200 that crosses our CANCEL or comes after the deadline is acknowledged and hung up by the engine (RFC 3261 9.1). After a CANCEL
   * it settles when the INVITE is over, at most 2 s later, so that what follows is in the trace.
   */
  readonly outcome: Promise<InviteOutcome>
}

/** A confirmed dialog made by an INVITE, ours or theirs. */
export interface Call {
  readonly callId: string
  readonly timings: Readonly<CallTimings>
  readonly counters: Readonly<SignallingCounters>
  readonly remote: Endpoint
  /** The peer's User-Agent or Server header. */
  readonly userAgent: string | undefined
  /** The peer's session description: the answer to our offer, or the offer that we answered. */
  readonly sdp: string
  /** Settles once: BYE from either side, or the dialog died (ACK never came, RFC 3261 13.3.1.4). */
  readonly ended: Promise<CallEnd>
  /** Hangs up; a second call returns the first one's result, one after the peer's BYE is done without a word. `reason` becomes a Reason header (RFC 3326). */
  bye(reason?: string): Promise<{ kind: 'Done'; code: number } | Failure>
}

export type CallEnd = { by: 'Local' } | { by: 'Remote'; reason?: string } | { by: 'Timeout' }

/** An INVITE that waits for our answer. */
export interface IncomingCall {
  readonly callId: string
  /** User part of the Request-URI, unescaped. */
  readonly user: string
  readonly from: string
  readonly remote: Endpoint
  /** The offer; absent in a late-offer INVITE. */
  readonly sdp: string | undefined
  readonly timings: Readonly<CallTimings>
  readonly counters: Readonly<SignallingCounters>
  readonly trace: Trace
  /** Aborts when the caller cancels, or the transaction dies, before our final response. */
  readonly cancelled: AbortSignal
  /** Sends a provisional response, 100 to 199. */
  ring(code?: number): void
  /** Sends 200 and resolves when the ACK came; undefined when it was cancelled before, or the ACK never came. */
  answer(sdp: string, onReoffer?: (sdp: string | undefined) => string | undefined): Promise<Call | undefined>
  reject(code: number, reason?: string): void
  /** Says nothing to it, not even the automatic 100, nor to its retransmissions and its CANCEL: what a dead server looks like. */
  ignore(): void
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
  register(options: RequestOptions & { expires: number }): Promise<RegisterOutcome>
  options(options: RequestOptions & { target: string }): Promise<OptionsOutcome>
  invite(options: InviteOptions): OutgoingCall
  /** INVITEs whose Request-URI user is `user` go to `handler` until disposed; `undefined` takes those that nobody else takes. Without a taker: 404. */
  onInvite(user: string | undefined, handler: (call: IncomingCall) => void): Disposable
  /** Requests of this method outside a dialog. OPTIONS is answered by the engine itself; without a taker: 405 with Allow. */
  onRequest(method: string, handler: (request: IncomingRequest) => void): Disposable
  /** The local address from which packets to `host` leave: what Contact, Via and our SDP name. */
  localAddress(host: string): Promise<string>
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
