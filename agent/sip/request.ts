/** The door's part about any request: who sends it, what it may come to, and what is measured on the way. Calls are in call.ts. */
import type { Certified, Endpoint, Hop } from './peer.ts'
import type { Trace } from './trace/trace.ts'

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

/** What is counted of a request, however it ended. */
export interface Counted {
  readonly counters: SignallingCounters
}

/** Of one inside a call, `counters` are the call's. */
export type OptionsOutcome = Attempted & Counted & (OptionsAnswered | Failure)

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
