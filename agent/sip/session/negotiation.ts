/** Offers and answers inside a dialog, early or confirmed: re-INVITE (RFC 3261 14) and UPDATE (RFC 3311) both ways, and the session timer that they refresh. */
import { type Accepted, awaitAcknowledgement } from '../transaction/accepted.ts'
import type { ReofferOutcome, SessionTimerOptions } from '../engine.ts'
import type { HeaderField } from '../transport/build.ts'
import type { Headers } from '../message/headers.ts'
import { type Request, type Response, sessionDescription } from '../message/message.ts'
import type { ServerInvite } from '../transaction/server-invite.ts'
import type { Arrival } from '../transport/flow.ts'
import { capabilities, names } from './capabilities.ts'
import { following, glareDelay, sameOrigin } from './glare.ts'
import { inviteInside, type InviteRound } from './invite-inside.ts'
import { ask, contactField, type Respond, type Session, type SessionOwner } from './session.ts'
import {
  agreedTerms,
  answerTimer,
  longerTimer,
  SessionTimer,
  timerFields,
  type TimerTerms,
  tooBrief,
} from './session-timer.ts'

/** Whose offer has no answer yet. */
export type Standing = 'Stable' | 'LocalOffer' | 'RemoteOffer'

/** Tries of one request of ours when both sides ask at once: the random waits of 14.1 seldom meet twice. */
const MOST_TRIES = 5

/** Seconds of a Retry-After that are waited for. */
const LONGEST_RETRY = 10

type Round = InviteRound | { kind: 'Glare' }

const GONE: ReofferOutcome = { kind: 'Rejected', code: 481, reason: 'Call/Transaction Does Not Exist' }

export class Negotiation {
  readonly #session: Session
  #owner: SessionOwner
  standing: Standing
  /** Ours run one after the other. */
  #queue: Promise<unknown> = Promise.resolve()
  #inviting = false
  /** Our 2xx to a re-INVITE that waits for its ACK. */
  #accepted: Accepted | undefined
  /** The CSeq of that re-INVITE: a late copy of another ACK is not the one (13.2.2.4). */
  #acceptedSequence: number | undefined
  /** Whoever waits for that ACK, and for the end of a pause. */
  #acknowledge: (() => void) | undefined
  #wake: (() => void) | undefined
  #timer: SessionTimer | undefined
  /** The longest Min-SE that was asked for, seconds. */
  #minimum: number | undefined
  #refreshing = false
  #updatable = false

  constructor(session: Session, owner: SessionOwner, standing: Standing = 'Stable') {
    this.#session = session
    this.#owner = owner
    this.standing = standing
  }

  /** The early dialog is confirmed: a call has the session now. */
  belongsTo(owner: SessionOwner): void {
    this.#owner = owner
    this.standing = 'Stable'
  }

  /** @param headers of the peer's message that agreed: whether it allows UPDATE */
  startTimer(terms: TimerTerms | undefined, headers: Headers, minimum?: number): void {
    // Ours was answered after the BYE.
    if (this.#owner.over) return
    this.#minimum ??= minimum
    // RFC 3261 20.5: a message without Allow says nothing of what is allowed.
    if (headers.get('allow') !== undefined) this.#updatable = names(headers, 'allow', 'UPDATE')
    if (!terms) return this.#timer?.stop()
    this.#timer ??= new SessionTimer(this.#session.core.wheel, {
      refresh: () => void this.#refresh(),
      expired: () => this.#owner.died(),
    })
    this.#timer.start(terms)
  }

  reinvite(offer: string | undefined): Promise<ReofferOutcome> {
    return this.#next(() => this.#insist(() => this.#invite(offer)))
  }

  update(offer: string | undefined): Promise<ReofferOutcome> {
    return this.#next(() => this.#insist(() => this.#update(offer)))
  }

  /** 14.2. Our answer is final at once, so that two of them never overlap before it. */
  receiveInvite(
    request: Request,
    arrival: Arrival,
    { respond, transaction }: { respond: Respond; transaction: ServerInvite },
  ): void {
    // The one before still waits for its ACK.
    if (this.#accepted) return void respond(this.#later())
    if (this.#inviting || this.standing !== 'Stable') return void respond({ code: 491 })
    const refusal = tooBrief(request)
    if (refusal) return void respond(refusal)
    const { core, dialog, local } = this.#session
    const offer = sessionDescription(request)
    const body = this.#answerTo(offer)
    if (body === undefined) return void respond({ code: 488 })
    dialog.refreshTarget(request.headers)
    const fields = [contactField(this.#session, arrival.flow), ...capabilities(core), ...this.#timerAnswer(request)]
    const accepted = respond({ code: 200, headers: fields, body })
    if (offer === undefined && body !== '') this.standing = 'LocalOffer'
    this.#agree(body, offer, local)
    this.#acceptedSequence = request.headers.cseq?.number
    this.#accepted = awaitAcknowledgement(
      core.wheel,
      () => transaction.respond(200, accepted),
      () => this.#owner.died(),
    )
  }

  /** RFC 3311 5.2. */
  receiveUpdate(request: Request, arrival: Arrival, respond: Respond): void {
    const { core, dialog, local } = this.#session
    const offer = sessionDescription(request)
    if (offer !== undefined && this.standing === 'LocalOffer') return void respond({ code: 491 })
    if (offer !== undefined && this.standing === 'RemoteOffer') return void respond(this.#later())
    const refusal = tooBrief(request)
    if (refusal) return void respond(refusal)
    const body = offer === undefined ? '' : this.#answerTo(offer)
    if (body === undefined) return void respond({ code: 488 })
    dialog.refreshTarget(request.headers)
    const fields = [contactField(this.#session, arrival.flow), ...capabilities(core), ...this.#timerAnswer(request)]
    respond({ code: 200, headers: fields, body })
    if (offer !== undefined) this.#agree(body, offer, local)
  }

  /** Our answer to an offer outside of INVITE and UPDATE: that of a PRACK (RFC 3262 5). Undefined: it is refused. */
  answer(offer: string): string | undefined {
    const { local } = this.#session
    const body = this.#answerTo(offer)
    if (body !== undefined) this.#agree(body, offer, local)
    return body
  }

  /** True: the ACK was waited for. */
  acknowledged(request: Request): boolean {
    if (!this.#accepted || request.headers.cseq?.number !== this.#acceptedSequence) return false
    this.#accepted.stop()
    this.#accepted = undefined
    this.#acknowledge?.()
    if (this.standing === 'LocalOffer') {
      this.standing = 'Stable'
      this.#session.sdp = sessionDescription(request) ?? this.#session.sdp
    }
    return true
  }

  stop(): void {
    this.#accepted?.stop()
    this.#accepted = undefined
    this.#timer?.stop()
    this.#acknowledge?.()
    this.#wake?.()
  }

  #later() {
    const seconds = Math.floor(this.#session.core.random() * (LONGEST_RETRY + 1))
    const headers: HeaderField[] = [['Retry-After', String(seconds)]]
    return { code: 500, headers }
  }

  #next(task: () => Promise<ReofferOutcome>): Promise<ReofferOutcome> {
    const run = this.#queue.then(task)
    this.#queue = run
    return run
  }

  async #insist(send: () => Promise<Round>): Promise<ReofferOutcome> {
    for (let tries = 1; ; tries++) {
      // 14.1: no second INVITE while one is under way. The ACK is on its way, or the call ends.
      if (this.#accepted) await this.#acknowledgement()
      if (this.#owner.over) return GONE
      const round = await send()
      const wait = tries < MOST_TRIES ? this.#waitAfter(round) : undefined
      if (wait === undefined) return this.#judge(round)
      await this.#pause(wait)
    }
  }

  /** Milliseconds until the same is asked again; undefined: never. */
  #waitAfter(round: Round): number | undefined {
    const { core, outgoing } = this.#session
    if (round.kind === 'Failed') return undefined
    if (round.kind === 'Glare' || round.response.code === 491) return glareDelay(outgoing, core.random)
    const { response } = round
    const longer = longerTimer(response, this.#timerRequest())
    if (longer) {
      this.#minimum = longer.minimum
      return 0
    }
    const after = /^\d{1,4}/.exec(response.headers.get('retry-after') ?? '')?.[0]
    const short = response.code === 500 && after !== undefined && Number(after) <= LONGEST_RETRY
    return short ? Number(after) * 1000 : undefined
  }

  #acknowledgement(): Promise<void> {
    return new Promise((resolve) => (this.#acknowledge = resolve))
  }

  #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#session.core.wheel.start(milliseconds, resolve)
    this.#wake = () => {
      timer.cancel()
      resolve()
    }
    return promise
  }

  #judge(round: Round): ReofferOutcome {
    if (round.kind === 'Glare') return { kind: 'Rejected', code: 491, reason: 'Request Pending' }
    if (round.kind === 'Failed') {
      const { failure } = round
      if (failure.kind === 'NoResponse' || failure.kind === 'NoFinalResponse') this.#owner.died()
      return failure
    }
    const { code, reason } = round.response
    if (code < 300) return { kind: 'Answered', code, sdp: this.#session.sdp }
    // 12.2.1.2, RFC 5057 5.1: of all refusals only these end more than the request.
    if (code === 481 || code === 408) this.#owner.died()
    return { kind: 'Rejected', code, reason }
  }

  async #invite(offer: string | undefined): Promise<Round> {
    if (this.standing !== 'Stable') return { kind: 'Glare' }
    const session = this.#session
    const body = offer === undefined ? '' : following(session.local, offer)
    this.#inviting = true
    if (offer !== undefined) this.standing = 'LocalOffer'
    const headers = [...capabilities(session.core, { reliable: false }), ...this.#timerFields()]
    const round = await inviteInside(session, { headers, body })
    this.#inviting = false
    this.standing = 'Stable'
    if (round.kind === 'Failed' || round.response.code >= 300) return round
    const theirs = sessionDescription(round.response)
    // The ACK goes to the new target already.
    this.#succeeded(round.response)
    if (offer === undefined) {
      const answer = theirs === undefined ? '' : (this.answer(theirs) ?? session.local)
      session.sdp = theirs ?? session.sdp
      round.acknowledge(answer)
    } else {
      session.local = body
      session.sdp = theirs ?? session.sdp
      round.acknowledge()
    }
    return round
  }

  async #update(offer: string | undefined): Promise<Round> {
    if (offer !== undefined && this.standing !== 'Stable') return { kind: 'Glare' }
    const session = this.#session
    const body = offer === undefined ? undefined : following(session.local, offer)
    if (body !== undefined) this.standing = 'LocalOffer'
    const headers = [...capabilities(session.core, { reliable: false }), ...this.#timerFields()]
    const outcome = await ask(session, {
      method: 'UPDATE',
      headers,
      contact: true,
      ...(body !== undefined && { body }),
    })
    if (body !== undefined && this.standing === 'LocalOffer') this.standing = 'Stable'
    if (outcome.kind === 'Failed') return outcome
    const { response } = outcome
    if (response.code < 300) {
      if (body !== undefined) {
        session.local = body
        session.sdp = sessionDescription(response) ?? session.sdp
      }
      this.#succeeded(response)
    }
    return { kind: 'Final', response, acknowledge: () => {} }
  }

  /** The target is refreshed by either (12.2.1.2), and so is the session. */
  #succeeded(response: Response): void {
    this.#session.dialog.refreshTarget(response.headers)
    const terms = agreedTerms(response)
    // RFC 4028 7.2: a 2xx without it ends the timer.
    if (terms || this.#timer) this.startTimer(terms, response.headers)
  }

  /** What a request of ours asks the timer to be: as it is, whoever refreshes. */
  #timerRequest(): SessionTimerOptions | undefined {
    const terms = this.#timer?.terms
    if (!terms) return undefined
    const minimum = this.#minimum
    const { expires, refresher } = terms
    return minimum === undefined ? terms : { expires: Math.max(expires, minimum), minimum, refresher }
  }

  #timerFields(): HeaderField[] {
    const request = this.#timerRequest()
    return request ? timerFields(request) : []
  }

  #timerAnswer(request: Request): HeaderField[] {
    const answer = answerTimer(request, undefined, this.#timer?.terms)
    if (!answer) return []
    this.startTimer(answer.terms, request.headers)
    return answer.fields
  }

  /** RFC 4028 7.4: by UPDATE where the peer takes it, else by a re-INVITE with the same description. */
  async #refresh(): Promise<void> {
    if (this.#refreshing) return
    this.#refreshing = true
    if (this.#updatable) {
      const outcome = await this.update(undefined)
      const refused = outcome.kind === 'Rejected' && [405, 420, 501].includes(outcome.code)
      if (refused) this.#updatable = false
    }
    if (!this.#updatable) await this.reinvite(this.#session.local === '' ? undefined : this.#session.local)
    this.#refreshing = false
  }

  /** The run's answer, or its offer when there is none to answer. Nobody to ask: what was agreed on stays, as a refresh wants it. */
  #answerTo(offer: string | undefined): string | undefined {
    const { core, handlers, local, sdp } = this.#session
    if (handlers?.onReoffer) {
      try {
        const body = handlers.onReoffer(offer)
        return body === undefined ? undefined : following(local, body)
      } catch (error) {
        core.log?.warn({ error }, 'a handler of session descriptions threw')
        return undefined
      }
    }
    const unchanged = offer === undefined || sameOrigin(offer, sdp)
    return unchanged && local !== '' ? local : undefined
  }

  #agree(body: string, offer: string | undefined, before: string): void {
    this.#session.local = body === '' ? before : body
    this.#session.sdp = offer ?? this.#session.sdp
  }
}
