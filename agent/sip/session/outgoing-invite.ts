/** An INVITE that we send, until it is answered or has failed (RFC 3261 13.2, 9.1): challenges, CANCEL, forked answers. */
import { Authenticator } from '../digest/authenticator.ts'
import { contactUri, finish, fromValue, outsideDialog } from '../transport/build.ts'
import type { Core } from '../core.ts'
import { abandoned } from './abandoned.ts'
import { Course, type Step } from './course.ts'
import type {
  Attempt,
  CallTimings,
  Endpoint,
  Failure,
  InviteOptions,
  InviteOutcome,
  OutgoingCall,
  Reason,
  SessionTimerOptions,
} from '../engine.ts'
import { Answers } from './answers.ts'
import { sendCancel } from './cancel.ts'
import type { SentInvite } from './dialog.ts'
import { inviteFields } from './invite-fields.ts'
import { longerTimer } from './session-timer.ts'
import { type Arrival, type Flow, lost } from '../transport/flow.ts'
import { Journal } from '../trace/journal.ts'
import type { Request, Response } from '../message/message.ts'
import { detour, type Detour } from './oversize.ts'
import type { Timer } from '../transaction/timer-wheel.ts'
import type { ClientInvite } from '../transaction/client-invite.ts'
import type { ClientFailure } from '../transaction/client.ts'
import { TRANSACTION_TIMEOUT } from '../transaction/timers.ts'

/** Milliseconds that the outcome waits for what follows a CANCEL, so that the caller sees it in the trace; after that it goes on unseen. */
const CANCEL_PATIENCE = 2_000

/** 422s that are answered with what they ask for. */
const MOST_TOO_BRIEF = 3

/** One INVITE; each challenge makes another one, with the next CSeq, and each address one with the same. */
interface Sent {
  readonly request: Request
  readonly invite: SentInvite
  readonly flow: Flow
  readonly transaction: ClientInvite
  /** Clock.monotonic, milliseconds. */
  readonly at: number
}

export class OutgoingInvite implements OutgoingCall {
  readonly timings: CallTimings = {}
  readonly #core: Core
  readonly #options: InviteOptions
  readonly #journal: Journal
  readonly #authenticator: Authenticator
  readonly #fromTag: string
  readonly #course: Course
  readonly #outcome = Promise.withResolvers<InviteOutcome>()
  readonly #aborted = (): void => this.#giveUp({ kind: 'Aborted' })
  #answers: Answers
  #remote: Endpoint | undefined
  #sequence = 0
  #attempt: Sent | undefined
  /** Whose responses count; those of an address that was given up do not. */
  #request: Request | undefined
  #silence: Timer | undefined
  #provisional: number | undefined
  /** When the last response came. */
  #heardAt = 0
  #deadline: Timer | undefined
  /** Set once we gave up: what comes later is only tidied away. */
  #verdict: Failure | undefined
  #cancelled = false
  #cancelReason: string | Reason | undefined
  #settled = false
  /** What the INVITE asks the session timer to be; 422s make it longer. */
  #timer: SessionTimerOptions | undefined
  #timesTooBrief = 0

  constructor(core: Core, options: InviteOptions) {
    this.#core = core
    this.#options = options
    this.#journal = new Journal(core.clock, options.trace)
    this.#authenticator = new Authenticator(options.party.credentials, core.random)
    this.#fromTag = core.identifiers.tag()
    this.#course = new Course(core, options)
    this.#timer = options.sessionTimer
    this.#answers = this.#noAnswers()
    options.signal?.addEventListener('abort', this.#aborted)
    this.#start()
  }

  get callId(): string {
    return this.#options.callId
  }

  get counters(): Journal['counters'] {
    return this.#journal.counters
  }

  get remote(): Endpoint | undefined {
    return this.#remote
  }

  get attempts(): readonly Attempt[] {
    return this.#course.attempts
  }

  get outcome(): Promise<InviteOutcome> {
    return this.#outcome.promise
  }

  cancel(reason?: string | Reason): void {
    this.#cancelReason = reason
    this.#giveUp({ kind: 'Aborted' })
  }

  #start(): void {
    if (this.#options.signal?.aborted) return this.#settle({ kind: 'Aborted' })
    const now = this.#course.now()
    if (now) this.#begin(now)
    else void this.#go()
  }

  /** To the next address that there is a way to. */
  async #go(step?: Step): Promise<void> {
    const reached = await this.#course.next(this.#left)
    if (this.#verdict) return this.#settle(this.#verdict)
    if (reached.kind !== 'Reached') return this.#settle(reached)
    this.#begin(reached.flow, step)
  }

  #begin(flow: Flow, step?: Step): void {
    const { clock, wheel } = this.#core
    this.#remote = flow.remote
    this.#authenticator.begin()
    this.timings.inviteSent ??= clock.monotonic()
    this.#deadline ??= wheel.start(this.#options.timeout, () => this.#giveUp(this.#unanswered()))
    this.#send(flow, step)
    // It may have failed already.
    if (this.#settled || !this.#request) return
    const patience = this.#course.patience(this.#left)
    if (patience !== undefined) this.#silence = wheel.start(patience, () => this.#silent())
  }

  /** Milliseconds until the deadline, which counts from the first INVITE. */
  get #left(): number {
    const { timeout } = this.#options
    const { inviteSent } = this.timings
    return inviteSent === undefined ? timeout : Math.max(0, inviteSent + timeout - this.#core.clock.monotonic())
  }

  #unanswered(): Failure {
    if (this.#provisional !== undefined) return { kind: 'NoFinalResponse', code: this.#provisional }
    const attempt = this.#attempt
    if (attempt && attempt.flow.heardAt < attempt.at) attempt.flow.retire()
    return { kind: 'NoResponse' }
  }

  #send(flow: Flow, step?: Step): void {
    const { callId, target, offer = '' } = this.#options
    const { uri, party } = this.#course.destination
    // The same for another address: whoever has it by two ways knows that it is one (8.2.2.2).
    if (step !== 'Readdressed') this.#sequence++
    const sequence = this.#sequence
    this.#provisional = undefined
    const headers = outsideDialog(party, {
      method: 'INVITE',
      to: target,
      callId,
      fromTag: this.#fromTag,
      sequence,
    }).add('Contact', `<${contactUri(flow, party.contactUser)}>`)
    for (const [name, value] of inviteFields(this.#core, this.#options, this.#timer)) headers.add(name, value)
    const credentials = this.#authenticator.authorize('INVITE', uri, offer)
    for (const [name, value] of credentials) headers.add(name, value)
    const built = finish(this.#core, flow, { method: 'INVITE', uri, headers, body: offer })
    const { branch } = built
    const local = fromValue(party, this.#fromTag)
    const invite = { uri, callId, local, localTag: this.#fromTag, sequence, branch, credentials }
    const larger = detour(this.#core, flow, built)
    if (larger) void larger.then((other) => this.#settled || this.#transmit(other, invite))
    else this.#transmit({ flow, built }, invite)
  }

  #transmit({ flow, built }: Detour, invite: SentInvite): void {
    this.#remote = flow.remote
    const at = this.#core.clock.monotonic()
    this.#request = built.request
    const answers = this.#answers
    let late: ReturnType<typeof abandoned> | undefined
    const transaction = this.#core.transactions.invite(
      { ...built, flow, journal: this.#journal },
      {
        response: (response, arrival, again) => {
          if (this.#request === built.request) return this.#receive(response, arrival, again)
          const { request } = built
          late ??= abandoned({ core: this.#core, journal: this.#journal, request, invite, flow, transaction, answers })
          late(response, arrival)
        },
        failed: (failure) => this.#request === built.request && this.#fail(failure, flow),
      },
    )
    this.#attempt = { request: built.request, invite, flow, transaction, at }
  }

  #receive(response: Response, arrival: Arrival, again: boolean): void {
    const { code } = response
    this.timings.firstResponse ??= arrival.at
    this.#heardAt = arrival.at
    this.#silence?.cancel()
    if (code < 200) this.#receiveProvisional(response, arrival, again)
    else if (code < 300) this.#receiveAnswer(response, arrival)
    else if ((code === 401 || code === 407) && !this.#verdict) this.#receiveChallenge(response)
    else if (!this.#askLonger(response))
      this.#failed(arrival.flow, { kind: 'Rejected', code, reason: response.reason }, response)
  }

  #receiveProvisional(response: Response, arrival: Arrival, again: boolean): void {
    const { code, reason } = response
    this.#provisional = code
    if (code === 180 || code === 183) this.timings.ringing ??= arrival.at
    // We gave up before anything had come; only now may that be said (9.1).
    if (this.#verdict) return this.#cancel()
    const told = this.#attempt && this.#answers.provisional({ invite: this.#attempt.invite, response, arrival })
    if (told && !again) this.#options.onProvisional?.({ code, reason, at: arrival.at, ...told })
  }

  /** RFC 4028 7.3. */
  #askLonger(response: Response): boolean {
    const longer = longerTimer(response, this.#timer)
    const flow = this.#attempt?.flow
    if (!longer || !flow || this.#verdict || ++this.#timesTooBrief > MOST_TOO_BRIEF) return false
    this.#timer = longer
    this.#send(flow)
    return true
  }

  #receiveChallenge(response: Response): void {
    const { code, reason } = response
    const flow = this.#attempt?.flow
    if (!flow || !this.#authenticator.challenged(response)) {
      const why: Failure = { kind: 'AuthenticationFailed', code, reason }
      return flow ? this.#failed(flow, why, response) : this.#settle(why)
    }
    this.#journal.counters.authenticationRounds++
    this.#journal.counters.authenticationTime ??= this.#heardAt - (this.timings.inviteSent ?? this.#heardAt)
    this.#send(flow)
  }

  /** 13.2.2.4: every 2xx is acknowledged. The first one is the call; one of another branch, or one that comes too late, is hung up. */
  #receiveAnswer(response: Response, arrival: Arrival): void {
    const attempt = this.#attempt
    const wish = { verdict: this.#verdict, timer: this.#timer }
    const taken = attempt && this.#answers.take({ invite: attempt.invite, response, arrival }, wish)
    if (!taken) return
    const { code, reason } = response
    if (!this.#authenticator.accepted(response)) this.#journal.counters.wrongProofs++
    if (taken.kind === 'Call') return this.#settle({ kind: 'Answered', call: taken.call, code, reason })
    const { call, verdict } = taken
    void call.bye('the call was given up').then(() => verdict && this.#settle(verdict))
  }

  #noAnswers(): Answers {
    return new Answers({
      ...{ core: this.#core, options: this.#options, journal: this.#journal },
      ...{ authenticator: this.#authenticator, timings: this.timings },
      cancel: () => this.cancel('replaced by another call'),
    })
  }

  #fail(failure: ClientFailure, flow: Flow): void {
    switch (failure.kind) {
      case 'Timeout':
        return this.#failed(flow, this.#unanswered())
      case 'TransportError':
        return this.#failed(flow, lost(flow, failure.detail))
    }
  }

  /** The address in use says nothing, and there is another one. */
  #silent(): void {
    if (!this.#attempt || this.#verdict) return
    this.#attempt.transaction.quiet()
    this.#failed(this.#attempt.flow, this.#unanswered())
  }

  /** Another address, or somebody else, or the end of it. Who has said anything and then is lost may be ringing: nobody else is called. */
  #failed(flow: Flow, why: Failure, response?: Response): void {
    const final = this.#settled || this.#verdict !== undefined || (this.#provisional !== undefined && !response)
    const step = final ? undefined : this.#course.after(flow, why, response)
    if (!step) return this.#settle(this.#verdict ?? why)
    this.#silence?.cancel()
    this.#request = undefined
    this.#answers.clear()
    this.#answers = this.#noAnswers()
    void this.#go(step)
  }

  /** Deadline or abort. Before a provisional response nothing may be sent: whatever still comes is answered as it should be. */
  #giveUp(verdict: Failure): void {
    if (this.#settled || this.#verdict) return
    this.#verdict = verdict
    // Still on the way to the peer: nothing is sent any more.
    if (!this.#attempt) return this.#settle(verdict)
    if (this.#attempt.transaction.proceeding) return this.#cancel()
    this.#attempt.transaction.quiet()
    this.#settle(verdict)
  }

  #cancel(): void {
    const { attempt, verdict } = { attempt: this.#attempt, verdict: this.#verdict }
    if (this.#cancelled || !attempt || !verdict) return
    this.#cancelled = true
    const { request, flow, transaction } = attempt
    sendCancel(this.#core, { request, flow, journal: this.#journal }, this.#cancelReason)
    const { wheel } = this.#core
    wheel.start(CANCEL_PATIENCE, () => this.#settle(verdict))
    // 9.1: a peer that never finishes the INVITE is not waited for any longer.
    wheel.start(TRANSACTION_TIMEOUT, () => transaction.proceeding && transaction.end())
  }

  #settle(outcome: InviteOutcome): void {
    if (this.#settled) return
    this.#settled = true
    if (outcome.kind === 'Rejected' || outcome.kind === 'AuthenticationFailed') this.timings.refused = this.#heardAt
    this.#deadline?.cancel()
    this.#silence?.cancel()
    this.#options.signal?.removeEventListener('abort', this.#aborted)
    this.#answers.clear()
    this.#outcome.resolve(outcome)
  }
}
