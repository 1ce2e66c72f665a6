/** The door's part about calls: how one is made, what may happen in it, and how it ends. The engine that makes them is in engine.ts. */
import type { Certified, Endpoint } from './peer.ts'
import type {
  Attempt,
  CallTimings,
  Credentials,
  Failure,
  OptionsOutcome,
  RequestOptions,
  SignallingCounters,
} from './request.ts'
import type { Trace } from './trace/trace.ts'

/** Why something was ended (RFC 3326). */
export interface Reason {
  /** `SIP`, `Q.850`, ... */
  protocol: string
  cause?: number
  text?: string
}

/** A dialog as a Replaces header field names it (RFC 3891), its tags as the one sees them who is told. */
export interface Replaces {
  callId: string
  toTag: string
  fromTag: string
  /** Only while it is not confirmed yet. */
  earlyOnly?: boolean
}

/** The session timer (RFC 4028) that we ask for. Seconds. */
export interface SessionTimerOptions {
  expires: number
  /** The shortest that we take (Min-SE); default 90. */
  minimum?: number
  /** Default: the peer decides. */
  refresher?: 'Local' | 'Remote'
}

/** What the peer may do inside a call. What a handler throws refuses. */
export interface CallHandlers {
  /**
   * The peer's offer in a re-INVITE or UPDATE, or undefined for a re-INVITE that asks for ours: returns our answer, or our offer, and
   * undefined refuses with 488. Absent: what was agreed on is said again when nothing is changed, anything else is refused.
   */
  onReoffer?: (sdp: string | undefined) => string | undefined
  /** An INFO with a body. Absent: 415. */
  onInfo?: (info: { contentType: string; body: string }) => void
  /** The peer asks us to call somebody. Absent: 603. */
  onRefer?: (referral: Referral) => void
}

/** A REFER (RFC 3515) that waits for `accept` or `decline`, at most 30 s. */
export interface Referral {
  /** Refer-To without header fields. */
  readonly target: string
  /** For `InviteOptions.replaces`. */
  readonly replaces: Replaces | undefined
  readonly referredBy: string | undefined
  /** 202, and a first NOTIFY with 100. */
  accept(): void
  /** Default 603. */
  decline(code?: number): void
  /** NOTIFY of what our INVITE to the target was answered; a final code is the last one. */
  report(code: number, reason?: string): void
}

export interface ReferOptions {
  /** The call that the target has and that is to be replaced: `Call.replacement` of ours with it. */
  replaces?: Replaces
  /** What the peer tells of its INVITE. `terminated`: nothing follows. */
  onProgress?: (progress: { code: number; reason: string; terminated: boolean }) => void
  /** False: no NOTIFY is wanted (RFC 4488). Default true. */
  subscribe?: boolean
}

export interface InviteOptions extends RequestOptions, CallHandlers {
  /** Request-URI and To. */
  target: string
  /** Our SDP offer. Absent: the peer makes it, in its 2xx or in a reliable provisional response, and `onOffer` answers. */
  offer?: string | undefined
  /** Returns our answer to a late offer; undefined gives the call up. */
  onOffer?: (sdp: string) => string | undefined
  /** Provisional responses with PRACK (RFC 3262). Absent: not offered, but one that comes is acknowledged all the same. */
  reliable?: 'Supported' | 'Required'
  /** Absent: none, unless the peer asks for it. */
  sessionTimer?: SessionTimerOptions
  /** How many who are named by a 3xx are called in turn, 0 to 5, in the order of their q. Default 0: it is `Rejected`. */
  followRedirects?: number
  /** Asked before one of them is called: false passes it over. Absent: all may be called. */
  mayFollow?: (target: string) => boolean
  /** The call of the callee that this one replaces. */
  replaces?: Replaces
  /** Called for each provisional response, in order. `sdp` is early media's; `early` is there when the peer takes UPDATE or wants PRACK. */
  onProvisional?(response: ProvisionalResponse): void
}

export interface ProvisionalResponse {
  code: number
  reason: string
  at: number
  sdp?: string
  early?: EarlyCall
}

/** An early dialog of ours, one for each To tag of a forked INVITE. */
export interface EarlyCall {
  readonly tag: string
  update(offer?: string): Promise<ReofferOutcome>
}

/** `sdp`: the peer's description that holds now. */
export type ReofferOutcome = { kind: 'Answered'; code: number; sdp: string } | Failure

export type DoneOutcome = { kind: 'Done'; code: number } | Failure

export type InviteOutcome = { kind: 'Answered'; call: Call; code: number; reason: string } | Failure

export interface OutgoingCall {
  readonly callId: string
  readonly timings: Readonly<CallTimings>
  readonly counters: Readonly<SignallingCounters>
  /** The address the INVITE went to, once it is located; of several, the last. */
  readonly remote: Endpoint | undefined
  /** The addresses that it went to before. */
  readonly attempts: readonly Attempt[]
  /**
   * A 200 that crosses our CANCEL or comes after the deadline is acknowledged and hung up by the engine (RFC 3261 9.1). After a CANCEL
   * it settles when the INVITE is over, at most 2 s later, so that what follows is in the trace.
   */
  readonly outcome: Promise<InviteOutcome>
  /** Gives it up: CANCEL as soon as one may be sent, with `reason` as its Reason. Nothing once it is answered. */
  cancel(reason?: string | Reason): void
}

/** A confirmed dialog made by an INVITE, ours or theirs. */
export interface Call extends Certified {
  readonly callId: string
  readonly timings: Readonly<CallTimings>
  readonly counters: Readonly<SignallingCounters>
  readonly remote: Endpoint
  /** The peer's User-Agent or Server header. */
  readonly userAgent: string | undefined
  /** The peer's session description that was agreed on last. */
  readonly sdp: string
  /** How a call that is to take the place of this one names it to our peer. */
  readonly replacement: Replaces
  /** Settles once: BYE from either side, or the dialog died: ACK never came (RFC 3261 13.3.1.4), the session was not refreshed, the peer forgot it. */
  readonly ended: Promise<CallEnd>
  /**
   * Hangs up; a second call returns the first one's result, one after the peer's BYE is done without a word, and a 481 because both hung up
   * at once is done too. `reason` becomes a Reason header (RFC 3326).
   */
  bye(reason?: string | Reason): Promise<DoneOutcome>
  /**
   * A new offer, or undefined for a late one, which `onReoffer` answers. 491 is handled: both sides wait and try again (RFC 3261 14.1), five times at most.
   * 481, 408 and silence end the call. Re-INVITEs and UPDATEs of ours leave one after the other.
   */
  reinvite(offer?: string): Promise<ReofferOutcome>
  /** The same by UPDATE (RFC 3311); without an offer it refreshes target and session. */
  update(offer?: string): Promise<ReofferOutcome>
  /** Re-INVITE with our last description, streams sendonly or inactive, and back to what it was. */
  hold(): Promise<ReofferOutcome>
  resume(): Promise<ReofferOutcome>
  info(contentType: string, body: string): Promise<DoneOutcome>
  refer(target: string, options?: ReferOptions): Promise<DoneOutcome>
  options(): Promise<OptionsOutcome>
}

/** `cause`: the number of a Reason, and whose it is. */
export type CallEnd =
  { by: 'Local' } | { by: 'Remote'; reason?: string; cause?: { protocol: string; code: number } } | { by: 'Timeout' }

/** The handlers take what comes in the early dialog, until `answer` names others. */
export interface RingOptions extends CallHandlers {
  sdp?: string
  reliable?: boolean
}

/** How an INVITE is answered, beyond its description. */
export interface AnswerOptions extends CallHandlers {
  /** For proxies that challenge requests of ours inside the call. */
  credentials?: Credentials
  /** Absent: none, unless the caller asks for it. */
  sessionTimer?: SessionTimerOptions
}

/** An INVITE that waits for our answer. */
export interface IncomingCall {
  readonly callId: string
  /** User part of the Request-URI, unescaped. */
  readonly user: string
  readonly from: string
  readonly remote: Endpoint
  /** The offer; absent in a late-offer INVITE. */
  readonly sdp: string | undefined
  /** The call of ours that this one replaces: it is hung up when we answer. */
  readonly replaces: Replaces | undefined
  readonly timings: Readonly<CallTimings>
  readonly counters: Readonly<SignallingCounters>
  readonly trace: Trace
  /** Aborts when the caller cancels, or the transaction dies, before our final response. */
  readonly cancelled: AbortSignal
  /** Of its CANCEL, when that had one. */
  readonly cancelReason: Reason | undefined
  /**
   * Sends a provisional response, 100 to 199. With PRACK (RFC 3262) when the caller requires it, when it supports it and there is `sdp`, or
   * when `reliable` asks for it: then a caller without it is told 421. No PRACK for 32 s: 504.
   */
  ring(code?: number, options?: RingOptions): void
  /** UPDATE in the early dialog, after a reliable provisional response. */
  update(offer?: string): Promise<ReofferOutcome>
  /**
   * Sends 200 and resolves when the ACK came, or a BYE that overtook it; undefined when it was cancelled before, or neither came. `sdp` is
   * left out of it when one went reliably before; then it also waits for that one's PRACK.
   */
  answer(sdp: string, options?: AnswerOptions): Promise<Call | undefined>
  /** 300 to 699; `headers` as Contact for 3xx. */
  reject(code: number, reason?: string, headers?: ReadonlyArray<readonly [name: string, value: string]>): void
  /** Says nothing to it, not even the automatic 100, nor to its retransmissions and its CANCEL: what a dead server looks like. */
  ignore(): void
}
