/** An INVITE that waits for our answer (RFC 3261 13.3, 9.2), until it is confirmed, refused, cancelled or ignored. */
import { type Accepted, awaitAcknowledgement } from '../transaction/accepted.ts'
import { Authenticator } from '../digest/authenticator.ts'
import { buildResponse, contactUri, type HeaderField, type ResponseOptions } from '../transport/build.ts'
import type { Core, DialogUser } from '../core.ts'
import { Dialog } from './dialog.ts'
import type {
  AnswerOptions,
  Call,
  CallHandlers,
  CallTimings,
  Endpoint,
  IncomingCall,
  Reason,
  ReofferOutcome,
  Replaces,
  RingOptions,
} from '../engine.ts'
import { allowed, capabilities, everything } from './capabilities.ts'
import { EarlyAnswer, manner } from './early-answer.ts'
import { EstablishedCall } from './established-call.ts'
import { receiveInfo } from './info.ts'
import { handlersOf } from './invite-fields.ts'
import type { Arrival } from '../transport/flow.ts'
import { Journal } from '../trace/journal.ts'
import { type Request, sessionDescription } from '../message/message.ts'
import { responder, type Session, type SessionOwner } from './session.ts'
import { answerTimer, type TimerTerms } from './session-timer.ts'
import type { Timer } from '../transaction/timer-wheel.ts'
import { Trace } from '../trace/trace.ts'
import type { ServerInvite } from '../transaction/server-invite.ts'
import type { ServerNonInvite } from '../transaction/server-non-invite.ts'
import { unescaped } from '../message/uri.ts'

/** Milliseconds an INVITE may wait for a final response, like a proxy's timer C (16.6): after it the caller is surely gone. */
const LONGEST_RINGING = 181_000

const NO_EARLY_DIALOG: ReofferOutcome = { kind: 'Rejected', code: 481, reason: 'No reliable provisional response' }

/** The dialog that an INVITE is to take the place of, and how it named it. */
export interface Replacing {
  replaces: Replaces
  user: DialogUser
}

interface IncomingSetup {
  transaction: ServerInvite
  /** User part of the Request-URI, as it was written; empty when it has none. */
  user: string
  replacing: Replacing | undefined
  untraced: boolean
}

export class IncomingInvite implements IncomingCall, DialogUser, SessionOwner {
  readonly timings: CallTimings = {}
  readonly trace = new Trace()
  readonly user: string
  readonly from: string
  readonly sdp: string | undefined
  readonly dialog: Dialog
  /** Only who sent an INVITE can end it before it is answered. */
  readonly replaceable = undefined
  readonly #core: Core
  readonly #request: Request
  readonly #arrival: Arrival
  readonly #transaction: ServerInvite
  readonly #journal: Journal
  readonly #tag: string
  readonly #contactUser: string
  /** Made for whoever asks, and for who may ask when it is too late. */
  #cancelled: AbortController | undefined
  readonly #limit: Timer
  readonly #replacing: Replacing | undefined
  #answered: PromiseWithResolvers<Call | undefined> | undefined
  #accepted: Accepted | undefined
  #cancelReason: Reason | undefined
  #handlers: CallHandlers | undefined
  #timer: TimerTerms | undefined
  #over = false
  /** Made when something needs them. */
  #session: Session | undefined
  #early: EarlyAnswer | undefined

  constructor(
    core: Core,
    request: Request,
    arrival: Arrival,
    { transaction, user, replacing, untraced }: IncomingSetup,
  ) {
    this.#core = core
    this.#request = request
    this.#arrival = arrival
    this.#transaction = transaction
    this.#replacing = replacing
    this.#tag = core.identifiers.tag()
    this.#journal = new Journal(core.clock, untraced ? undefined : this.trace)
    transaction.keep(this.#journal)
    this.user = unescaped(user)
    this.#contactUser = user
    this.from = request.headers.get('from') ?? ''
    this.sdp = sessionDescription(request)
    this.dialog = Dialog.ofRequest(request, this.#tag, arrival.flow)
    // A provisional response makes it an early dialog (12.1), in which requests may come.
    core.dialogs.put(this)
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
    return (this.#cancelled ??= new AbortController()).signal
  }

  get cancelReason(): Reason | undefined {
    return this.#cancelReason
  }

  get replaces(): Replaces | undefined {
    return this.#replacing?.replaces
  }

  get over(): boolean {
    return this.#over
  }

  ring(code = 180, options: RingOptions = {}): void {
    if (this.#answered || !this.#transaction.proceeding || code < 100 || code > 199) return
    if (isRinging(code)) this.timings.ringing ??= this.#core.clock.monotonic()
    this.#handle(options)
    switch (manner(this.#request, code, options)) {
      case 'Plain':
        return this.#ringPlainly(code, options.sdp)
      case 'Reliable':
        return this.#earlyAnswer().ring(code, options.sdp)
      case 'ExtensionRequired':
        return this.#refuse({ code: 421, headers: [['Require', '100rel']] })
    }
  }

  update(offer?: string): Promise<ReofferOutcome> {
    return this.#early?.negotiation.update(offer) ?? Promise.resolve(NO_EARLY_DIALOG)
  }

  answer(sdp: string, options: AnswerOptions = {}): Promise<Call | undefined> {
    if (this.#answered) return this.#answered.promise
    if (!this.#transaction.proceeding) return Promise.resolve(undefined)
    this.#limit.cancel()
    this.#answered = Promise.withResolvers()
    this.#handle(options)
    if (this.#early) this.#early.answer(() => this.#accept(sdp, options))
    else this.#accept(sdp, options)
    return this.#answered.promise
  }

  reject(code: number, reason?: string, headers: readonly HeaderField[] = []): void {
    if (!this.#transaction.proceeding || code < 300 || code > 699) return
    this.#refuse({ code, reason, headers })
  }

  ignore(): void {
    if (!this.#transaction.proceeding) return
    this.#transaction.ignore()
    this.#close()
  }

  /** 9.2, or the caller is taken to be gone: the INVITE is ended with `code`. Too late after a final response. */
  cancel(code: number, reason?: Reason): void {
    if (!this.#transaction.proceeding) return
    this.#cancelReason = reason
    this.#refuse({ code })
    ;(this.#cancelled ??= new AbortController()).abort()
  }

  /** The CANCEL belongs into the trace of what it cancels. */
  keep(transaction: ServerNonInvite): void {
    transaction.keep(this.#journal)
  }

  request(request: Request, arrival: Arrival, transaction: ServerNonInvite): void {
    const core = this.#core
    const respond = responder({ core, journal: this.#journal }, request, arrival, transaction)
    // It has overtaken the ACK, or stands for it: who hangs up has heard our answer.
    if (request.method === 'BYE' && this.#accepted)
      return this.#confirm(this.#accepted, arrival).request(request, arrival, transaction)
    if (!this.dialog.inOrder(request)) return void respond({ code: 500, reason: 'CSeq Out Of Order' })
    switch (request.method) {
      // A caller may end an early dialog so as well (15).
      case 'BYE':
        respond({ code: 200 })
        this.timings.byeReceived = arrival.at
        return this.cancel(487)
      case 'OPTIONS':
        return void respond({ code: 200, headers: everything(core) })
      case 'PRACK':
        return this.#early ? this.#early.prack(request, respond) : void respond({ code: 481 })
      case 'UPDATE':
        return this.#earlyAnswer().negotiation.receiveUpdate(request, arrival, respond)
      case 'INFO':
        return receiveInfo(core, this.#handlers, request, respond)
      default:
        return void respond({ code: 405, headers: [allowed(core)] })
    }
  }

  /** 14.2: not before the first one is through. */
  invite(request: Request, arrival: Arrival, transaction: ServerInvite): void {
    const respond = responder({ core: this.#core, journal: this.#journal }, request, arrival, transaction)
    respond({ code: 500, headers: [['Retry-After', '2']] })
  }

  acknowledged(request: Request, arrival: Arrival): void {
    this.#journal.received(arrival, false)
    // A late offer is answered in the ACK (13.2.2.4), or was in a PRACK.
    if (this.#accepted) this.#confirm(this.#accepted, arrival, sessionDescription(request))
  }

  replaced(): void {}

  /** The caller knows an early dialog no more. */
  died(): void {
    this.cancel(487)
  }

  stopped(): void {
    ;(this.#cancelled ??= new AbortController()).abort()
    this.#finish()
  }

  #accept(sdp: string, { credentials, sessionTimer }: AnswerOptions): void {
    const core = this.#core
    this.timings.answered = core.clock.monotonic()
    const timer = answerTimer(this.#request, sessionTimer)
    this.#timer = timer?.terms
    const session = this.#sessionOf(this.#arrival)
    if (credentials) session.authenticator = new Authenticator(credentials, core.random)
    // One of our descriptions went before.
    const body = session.local === '' ? sdp : ''
    this.#early?.answered(this.sdp === undefined)
    session.local ||= sdp
    const headers = [this.#contact(), ...capabilities(core), ...(timer?.fields ?? [])]
    const text = this.#build({ code: 200, headers, body })
    this.#transaction.respond(200, text)
    this.#accepted = awaitAcknowledgement(
      core.wheel,
      () => this.#transaction.respond(200, text),
      () => this.#unacknowledged(),
    )
    this.#replacing?.user.replaced()
  }

  #handle(handlers: CallHandlers): void {
    this.#handlers = handlersOf(handlers) ?? this.#handlers
    if (this.#session) this.#session.handlers = this.#handlers
  }

  #ringPlainly(code: number, body = ''): void {
    this.#respond({ code, headers: code > 100 ? [this.#contact()] : [], body })
  }

  #build(options: Omit<ResponseOptions, 'toTag'>): string {
    return buildResponse(this.#core, this.#request, this.#arrival, { ...options, toTag: this.#tag })
  }

  #respond(options: Omit<ResponseOptions, 'toTag'>): void {
    this.#transaction.respond(options.code, this.#build(options))
  }

  #refuse(options: Omit<ResponseOptions, 'toTag'>): void {
    this.#respond(options)
    this.#finish()
  }

  #contact(): HeaderField {
    return ['Contact', `<${contactUri(this.#arrival.flow, this.#contactUser)}>`]
  }

  #sessionOf({ flow }: Arrival): Session {
    this.#session ??= {
      core: this.#core,
      dialog: this.dialog,
      journal: this.#journal,
      timings: this.timings,
      flow,
      authenticator: new Authenticator(undefined, this.#core.random),
      contactUser: this.#contactUser,
      outgoing: false,
      userAgent: this.#request.headers.get('user-agent'),
      handlers: this.#handlers,
      local: '',
      sdp: this.sdp ?? '',
    }
    this.#session.flow = flow
    return this.#session
  }

  #earlyAnswer(): EarlyAnswer {
    this.#early ??= new EarlyAnswer({
      ...{ session: this.#sessionOf(this.#arrival), owner: this, invite: this.#request },
      build: (code, headers, body = '') =>
        this.#build({ code, headers: [this.#contact(), ...capabilities(this.#core), ...headers], body }),
      send: (code, text) => this.#transaction.respond(code, text),
      // RFC 3262 3: a server error; the caller is there, and deaf to what it asked for.
      gaveUp: () => this.cancel(504),
    })
    return this.#early
  }

  #confirm(accepted: Accepted, arrival: Arrival, answer = ''): EstablishedCall {
    const session = this.#sessionOf(arrival)
    if (session.sdp === '') session.sdp = answer
    const call = new EstablishedCall(session, this.#early)
    if (this.#timer) call.negotiation.startTimer(this.#timer, this.#request.headers)
    accepted.stop()
    this.#transaction.confirmed()
    this.#answered?.resolve(call)
    return call
  }

  /** 13.3.1.4: the dialog is confirmed all the same, and is ended with BYE. */
  #unacknowledged(): void {
    const call = new EstablishedCall(this.#sessionOf(this.#arrival), this.#early)
    this.#answered?.resolve(undefined)
    void call.bye('no ACK came')
  }

  /** There will be no call. */
  #finish(): void {
    this.#accepted?.stop()
    this.#close()
    this.#answered?.resolve(undefined)
  }

  #close(): void {
    this.#over = true
    this.#limit.cancel()
    this.#early?.stop()
    this.#core.dialogs.delete(this.dialog)
  }
}

function isRinging(code: number): boolean {
  return code === 180 || code === 183
}
