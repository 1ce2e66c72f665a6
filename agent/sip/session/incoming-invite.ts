/** An INVITE that waits for our answer (RFC 3261 13.3, 9.2), until it is confirmed, refused, cancelled or ignored. */
import { type Accepted, awaitAcknowledgement } from '../transaction/accepted.ts'
import { Authenticator } from '../digest/authenticator.ts'
import { buildResponse, contactUri, type HeaderField, type ResponseOptions } from '../message/build.ts'
import type { Core, DialogUser } from '../core.ts'
import { Dialog } from './dialog.ts'
import type { Call, CallTimings, Endpoint, IncomingCall } from '../engine.ts'
import { EstablishedCall } from './established-call.ts'
import type { Arrival } from '../transport/flow.ts'
import { Journal } from '../trace/journal.ts'
import { type Request, sessionDescription } from '../message/message.ts'
import type { Timer } from '../transaction/timer-wheel.ts'
import { Trace } from '../trace/trace.ts'
import type { ServerInvite } from '../transaction/server-invite.ts'
import type { ServerNonInvite } from '../transaction/server-non-invite.ts'
import { parseUri, unescapeUser } from '../message/uri.ts'

/** Milliseconds an INVITE may wait for a final response, like a proxy's timer C (16.6): after it the caller is surely gone. */
const LONGEST_RINGING = 181_000

type Reoffer = (sdp: string | undefined) => string | undefined

export class IncomingInvite implements IncomingCall, DialogUser {
  readonly timings: CallTimings = {}
  readonly trace = new Trace()
  readonly user: string
  readonly from: string
  readonly sdp: string | undefined
  readonly dialog: Dialog
  readonly #core: Core
  readonly #request: Request
  readonly #arrival: Arrival
  readonly #transaction: ServerInvite
  readonly #journal: Journal
  readonly #tag: string
  readonly #cancelled = new AbortController()
  readonly #limit: Timer
  #answered: PromiseWithResolvers<Call | undefined> | undefined
  #onReoffer: Reoffer | undefined
  #accepted: Accepted | undefined

  constructor(core: Core, request: Request, arrival: Arrival, transaction: ServerInvite) {
    this.#core = core
    this.#request = request
    this.#arrival = arrival
    this.#transaction = transaction
    this.#tag = core.identifiers.tag()
    this.#journal = new Journal(core.clock, this.trace)
    transaction.keep(this.#journal)
    this.user = userOf(request)
    this.from = request.headers.get('from') ?? ''
    this.sdp = sessionDescription(request)
    this.dialog = Dialog.ofRequest(request, this.#tag, arrival.flow)
    // A provisional response makes it an early dialog (12.1), in which requests may come.
    core.dialogs.set(this.dialog.key, this)
    this.#limit = core.wheel.start(LONGEST_RINGING, () => this.cancel(408))
  }

  get callId(): string {
    return this.#request.headers.callId
  }

  get counters(): Journal['counters'] {
    return this.#journal.counters
  }

  get remote(): Endpoint {
    return this.#arrival.flow.remote
  }

  get cancelled(): AbortSignal {
    return this.#cancelled.signal
  }

  ring(code = 180): void {
    if (!this.#transaction.proceeding || code < 100 || code > 199) return
    if (code === 180 || code === 183) this.timings.ringing ??= this.#core.clock.monotonic()
    this.#respond({ code, headers: code > 100 ? [this.#contact()] : [] })
  }

  answer(sdp: string, onReoffer?: Reoffer): Promise<Call | undefined> {
    if (this.#answered) return this.#answered.promise
    if (!this.#transaction.proceeding) return Promise.resolve(undefined)
    this.#limit.cancel()
    this.#answered = Promise.withResolvers()
    this.#onReoffer = onReoffer
    this.timings.answered = this.#core.clock.monotonic()
    const allow: HeaderField = ['Allow', this.#core.allow()]
    const text = this.#respond({ code: 200, headers: [this.#contact(), allow], body: sdp })
    this.#accepted = awaitAcknowledgement(
      this.#core.wheel,
      () => this.#transaction.respond(200, text),
      () => this.#unacknowledged(),
    )
    return this.#answered.promise
  }

  reject(code: number, reason?: string): void {
    if (!this.#transaction.proceeding || code < 300 || code > 699) return
    this.#respond({ code, reason })
    this.#close()
  }

  ignore(): void {
    if (!this.#transaction.proceeding) return
    this.#transaction.ignore()
    this.#close()
  }

  /** 9.2, or the caller is taken to be gone: the INVITE is ended with `code`. Too late after a final response. */
  cancel(code: number): void {
    if (!this.#transaction.proceeding) return
    this.#respond({ code })
    this.#close()
    this.#cancelled.abort()
  }

  /** The CANCEL belongs into the trace of what it cancels. */
  keep(transaction: ServerNonInvite): void {
    transaction.keep(this.#journal)
  }

  /** A caller may end an early dialog with BYE as well (15). */
  request(request: Request, arrival: Arrival, transaction: ServerNonInvite): void {
    transaction.keep(this.#journal)
    const inOrder = this.dialog.inOrder(request)
    const code = !inOrder ? 500 : request.method === 'BYE' || request.method === 'OPTIONS' ? 200 : 405
    const headers: HeaderField[] = code === 405 ? [['Allow', this.#core.allow()]] : []
    transaction.respond(code, buildResponse(this.#core, request, arrival, { code, headers }))
    if (code !== 200 || request.method !== 'BYE') return
    this.timings.byeReceived = arrival.at
    if (this.#answered) this.#finish(undefined)
    else this.cancel(487)
  }

  /** 14.2: not before the first one is through. */
  invite(request: Request, arrival: Arrival, transaction: ServerInvite): void {
    transaction.keep(this.#journal)
    const retryAfter: HeaderField = ['Retry-After', '2']
    transaction.respond(500, buildResponse(this.#core, request, arrival, { code: 500, headers: [retryAfter] }))
  }

  acknowledged(request: Request, arrival: Arrival): void {
    this.#journal.received(arrival, false)
    if (!this.#answered) return
    const call = new EstablishedCall({
      ...{ core: this.#core, dialog: this.dialog, journal: this.#journal, timings: this.timings, flow: arrival.flow },
      authenticator: new Authenticator(undefined, this.#core.random),
      contactUser: parseUri(this.#request.uri)?.user ?? '',
      userAgent: this.#request.headers.get('user-agent'),
      // A late offer is answered in the ACK (13.2.2.4).
      sdp: this.sdp ?? sessionDescription(request) ?? '',
      onReoffer: this.#onReoffer,
    })
    this.#accepted?.stop()
    this.#transaction.confirmed()
    this.#answered.resolve(call)
  }

  stopped(): void {
    this.#cancelled.abort()
    this.#finish(undefined)
  }

  #respond(options: Omit<ResponseOptions, 'toTag'>): string {
    const text = buildResponse(this.#core, this.#request, this.#arrival, { ...options, toTag: this.#tag })
    this.#transaction.respond(options.code, text)
    return text
  }

  #contact(): HeaderField {
    return ['Contact', `<${contactUri(this.#arrival.flow, parseUri(this.#request.uri)?.user ?? '')}>`]
  }

  /** 13.3.1.4: the dialog is confirmed all the same, and is ended with BYE. */
  #unacknowledged(): void {
    const call = new EstablishedCall({
      ...{
        core: this.#core,
        dialog: this.dialog,
        journal: this.#journal,
        timings: this.timings,
        flow: this.#arrival.flow,
      },
      authenticator: new Authenticator(undefined, this.#core.random),
      ...{ contactUser: '', userAgent: undefined, sdp: '', onReoffer: undefined },
    })
    this.#answered?.resolve(undefined)
    void call.bye('no ACK came')
  }

  #finish(call: Call | undefined): void {
    this.#accepted?.stop()
    this.#close()
    this.#answered?.resolve(call)
  }

  #close(): void {
    this.#limit.cancel()
    this.#core.dialogs.delete(this.dialog.key)
  }
}

/** User part of the Request-URI, unescaped; empty when it has none. */
export function userOf({ uri }: Request): string {
  return unescapeUser(parseUri(uri)?.user ?? '')
}
