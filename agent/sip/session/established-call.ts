/** A confirmed dialog with its session (RFC 3261 12.2, 15): who takes what happens in it, and its end. How it came about is not its matter. */
import type {
  Call,
  CallEnd,
  CallTimings,
  DoneOutcome,
  Endpoint,
  OptionsOutcome,
  PeerCertificate,
  Reason,
  ReferOptions,
  ReofferOutcome,
  Replaces,
} from '../engine.ts'
import type { DialogUser } from '../core.ts'
import type { Request } from '../message/message.ts'
import { held, withDirection } from '../sdp/hold.ts'
import type { Journal } from '../trace/journal.ts'
import type { ServerInvite } from '../transaction/server-invite.ts'
import type { ServerNonInvite } from '../transaction/server-non-invite.ts'
import type { Arrival, FlowWatcher } from '../transport/flow.ts'
import { allowed, everything } from './capabilities.ts'
import type { Dialog } from './dialog.ts'
import { receiveInfo } from './info.ts'
import { Negotiation } from './negotiation.ts'
import { answered } from './options.ts'
import { reasonField, reasonOf } from './reason.ts'
import { ask, done, type Respond, responder, type Session, type SessionOwner } from './session.ts'
import { Transfers } from './transfers.ts'

/** What the early dialog leaves, when it had more than a ringing tone. */
export interface EarlyPart {
  readonly negotiation: Negotiation
  /** A PRACK may come after the 2xx (RFC 3262 3). */
  prack?(request: Request, respond: Respond): void
}

const NOTHING_TO_HOLD: ReofferOutcome = { kind: 'Rejected', code: 488, reason: 'No session description of ours' }

export class EstablishedCall implements Call, DialogUser, SessionOwner, FlowWatcher {
  readonly #session: Session
  /** Made when somebody waits for it. */
  #ended: PromiseWithResolvers<CallEnd> | undefined
  readonly #early: EarlyPart | undefined
  /** Undefined: it goes on. */
  #how: CallEnd | undefined
  /** Our BYE has no answer yet: that of the peer may cross it. */
  #leaving = false
  #bye: Promise<DoneOutcome> | undefined
  /** Most calls have neither: they are made when they are needed. */
  #negotiation: Negotiation | undefined
  #transfers: Transfers | undefined
  /** Our description from before the hold. */
  #beforeHold: string | undefined

  constructor(session: Session, early?: EarlyPart) {
    this.#session = session
    session.flow.watch(this)
    this.#early = early
    this.#negotiation = early?.negotiation
    this.#negotiation?.belongsTo(this)
    session.core.dialogs.put(this)
  }

  get dialog(): Dialog {
    return this.#session.dialog
  }

  get callId(): string {
    return this.#session.dialog.callId
  }

  get timings(): CallTimings {
    return this.#session.timings
  }

  get counters(): Journal['counters'] {
    return this.#session.journal.counters
  }

  get certificate(): PeerCertificate | undefined {
    return this.#session.flow.certificate
  }

  get remote(): Endpoint {
    return this.#session.flow.remote
  }

  get userAgent(): string | undefined {
    return this.#session.userAgent
  }

  get sdp(): string {
    return this.#session.sdp
  }

  get ended(): Promise<CallEnd> {
    this.#ended ??= Promise.withResolvers()
    if (this.#how) this.#ended.resolve(this.#how)
    return this.#ended.promise
  }

  get over(): boolean {
    return this.#how !== undefined
  }

  get replacement(): Replaces {
    const { callId, localTag, remoteTag } = this.#session.dialog
    return { callId, toTag: remoteTag, fromTag: localTag }
  }

  get replaceable(): 'Confirmed' | 'Over' {
    return this.over ? 'Over' : 'Confirmed'
  }

  replaced(): void {
    void this.bye('replaced by another call')
  }

  get negotiation(): Negotiation {
    return (this.#negotiation ??= new Negotiation(this.#session, this))
  }

  bye(reason?: string | Reason): Promise<DoneOutcome> {
    // The peer's BYE was first: nothing is left to hang up.
    this.#bye ??= this.over ? Promise.resolve({ kind: 'Done', code: 200 }) : this.#hangUp({ by: 'Local' }, reason)
    return this.#bye
  }

  reinvite(offer?: string): Promise<ReofferOutcome> {
    return this.negotiation.reinvite(offer)
  }

  update(offer?: string): Promise<ReofferOutcome> {
    return this.negotiation.update(offer)
  }

  hold(): Promise<ReofferOutcome> {
    const { local } = this.#session
    if (local === '') return Promise.resolve(NOTHING_TO_HOLD)
    this.#beforeHold ??= local
    return this.reinvite(withDirection(local, held))
  }

  async resume(): Promise<ReofferOutcome> {
    const { local } = this.#session
    if (local === '') return NOTHING_TO_HOLD
    const outcome = await this.reinvite(withDirection(this.#beforeHold ?? local, (was) => was, local))
    if (outcome.kind === 'Answered') this.#beforeHold = undefined
    return outcome
  }

  async info(contentType: string, body: string): Promise<DoneOutcome> {
    const outcome = done(await ask(this.#session, { method: 'INFO', contentType, body }))
    if (outcome.kind === 'Rejected' && outcome.code === 481) this.died()
    return outcome
  }

  refer(target: string, options: ReferOptions = {}): Promise<DoneOutcome> {
    return this.#transfer().refer(target, options)
  }

  async options(): Promise<OptionsOutcome> {
    const headers = everything(this.#session.core)
    return answered(await ask(this.#session, { method: 'OPTIONS', headers, contact: true }), this.counters)
  }

  request(request: Request, arrival: Arrival, transaction: ServerNonInvite): void {
    const { core, dialog, handlers } = this.#session
    const respond = responder(this.#session, request, arrival, transaction)
    if (!dialog.inOrder(request)) return void respond({ code: 500, reason: 'CSeq Out Of Order' })
    if (request.method === 'BYE') return this.#hungUp(request, arrival, respond)
    if (request.method === 'NOTIFY') return this.#transfer().notified(request, respond)
    if (this.over) return void respond({ code: 481 })
    switch (request.method) {
      case 'OPTIONS':
        return void respond({ code: 200, headers: everything(core) })
      case 'UPDATE':
        return this.negotiation.receiveUpdate(request, arrival, respond)
      case 'INFO':
        return receiveInfo(core, handlers, request, respond)
      case 'REFER':
        return this.#transfer().receive(request, arrival, respond)
      case 'PRACK':
        return this.#early?.prack ? this.#early.prack(request, respond) : void respond({ code: 481 })
      default:
        return void respond({ code: 405, headers: [allowed(core)] })
    }
  }

  invite(request: Request, arrival: Arrival, transaction: ServerInvite): void {
    const respond = responder(this.#session, request, arrival, transaction)
    if (!this.#session.dialog.inOrder(request)) return void respond({ code: 500, reason: 'CSeq Out Of Order' })
    if (this.over) return void respond({ code: 481 })
    this.negotiation.receiveInvite(request, arrival, { respond, transaction })
  }

  acknowledged(request: Request, arrival: Arrival): void {
    this.#session.journal.received(arrival, !this.#negotiation?.acknowledged(request))
  }

  /** 12.2.1.2: there is no dialog any more, as far as can be known; the BYE is for a peer that takes it to be alive. */
  died(): void {
    this.#bye ??= this.over ? Promise.resolve({ kind: 'Done', code: 200 }) : this.#hangUp({ by: 'Timeout' })
  }

  /** The connection is kept for us; when it is lost all the same, the next request makes another one. */
  flowLost(): void {}

  stopped(): void {
    this.#end({ by: 'Local' })
    this.#transfers?.stop()
  }

  #transfer(): Transfers {
    return (this.#transfers ??= new Transfers(this.#session, () => this.over && !this.#leaving && this.#forget()))
  }

  #hungUp({ headers }: Request, arrival: Arrival, respond: Respond): void {
    respond({ code: 200 })
    this.#session.timings.byeReceived ??= arrival.at
    // Ours crossed it.
    if (this.over) return
    const why = reasonOf(headers)
    const cause = why?.cause === undefined ? undefined : { protocol: why.protocol, code: why.cause }
    // A Reason without a text is told as it was written.
    const reason = why?.text ?? headers.get('reason')
    this.#end({ by: 'Remote', ...(reason !== undefined && { reason }), ...(cause && { cause }) })
    this.#forget()
  }

  #end(end: CallEnd): void {
    this.#how ??= end
    this.#session.flow.unwatch(this)
    this.#negotiation?.stop()
    this.#ended?.resolve(this.#how)
  }

  /** RFC 5057 5: a subscription may outlive the session in the dialog. */
  #forget(): void {
    const { core, dialog, branch } = this.#session
    // What is known of the call is let go: the transaction stays for another 32 s.
    if (branch !== undefined) core.transactions.retire(branch, dialog.remoteTag)
    if (!this.#transfers?.open) core.dialogs.delete(dialog)
  }

  /** 15.1.1: the session is over as soon as the BYE is sent, whatever becomes of it. */
  async #hangUp(end: CallEnd, reason?: string | Reason): Promise<DoneOutcome> {
    const { core, timings } = this.#session
    this.#end(end)
    this.#leaving = true
    const outcome = await ask(this.#session, {
      method: 'BYE',
      ...(reason !== undefined && { headers: [reasonField(reason)] }),
      numbered: () => void (timings.byeSent ??= core.clock.monotonic()),
    })
    this.#leaving = false
    this.#forget()
    if (outcome.kind === 'Final') timings.byeAnswered = outcome.at
    const result = done(outcome)
    const crossed = result.kind === 'Rejected' && result.code === 481 && timings.byeReceived !== undefined
    return crossed ? { kind: 'Done', code: 481 } : result
  }
}
