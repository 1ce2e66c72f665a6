/** An INVITE that we send, until it is answered or has failed (RFC 3261 13.2, 9.1): challenges, CANCEL, forked answers. */
import { Authenticator } from '../digest/authenticator.ts'
import { contactUri, finish, outsideDialog } from '../message/build.ts'
import { type Core, reach } from '../core.ts'
import { Dialog } from './dialog.ts'
import type { CallTimings, Endpoint, Failure, InviteOptions, InviteOutcome, OutgoingCall } from '../engine.ts'
import { acknowledge, EstablishedCall } from './established-call.ts'
import { type Arrival, type Flow, lost } from '../transport/flow.ts'
import { Headers } from '../message/headers.ts'
import { Journal } from '../trace/journal.ts'
import { type Request, type Response, sessionDescription } from '../message/message.ts'
import type { Timer } from '../transaction/timer-wheel.ts'
import type { ClientInvite } from '../transaction/client-invite.ts'
import type { ClientFailure } from '../transaction/client.ts'
import { TRANSACTION_TIMEOUT } from '../transaction/timers.ts'

/** Milliseconds that the outcome waits for what follows a CANCEL, so that the caller sees it in the trace; after that it goes on unseen. */
const CANCEL_PATIENCE = 2_000

/** One INVITE; each challenge makes another one, with the next CSeq. */
interface Attempt {
  readonly request: Request
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
  readonly #outcome = Promise.withResolvers<InviteOutcome>()
  readonly #aborted = (): void => this.#giveUp({ kind: 'Aborted' })
  /** The answers so far by To tag: a 2xx that comes again is acknowledged again. */
  readonly #answers = new Map<string, () => void>()
  /** Early media's description by To tag, for peers that do not repeat it in the 200. */
  readonly #early = new Map<string, string>()
  #remote: Endpoint | undefined
  #sequence = 0
  #attempt: Attempt | undefined
  #provisional: number | undefined
  #deadline: Timer | undefined
  /** Set once we gave up: what comes later is only tidied away. */
  #verdict: Failure | undefined
  #cancelled = false
  #settled = false

  constructor(core: Core, options: InviteOptions) {
    this.#core = core
    this.#options = options
    this.#journal = new Journal(core.clock, options.trace)
    this.#authenticator = new Authenticator(options.party.credentials, core.random)
    this.#fromTag = core.identifiers.tag()
    options.signal?.addEventListener('abort', this.#aborted)
    void this.#start()
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

  get outcome(): Promise<InviteOutcome> {
    return this.#outcome.promise
  }

  async #start(): Promise<void> {
    const { party, timeout, signal } = this.#options
    if (signal?.aborted) return this.#settle({ kind: 'Aborted' })
    const reached = await reach(this.#core, party.nextHop, { timeout, signal })
    if (reached.kind !== 'Reached') return this.#settle(this.#verdict ?? reached)
    if (this.#verdict) return this.#settle(this.#verdict)
    this.#remote = reached.flow.remote
    this.#authenticator.begin()
    this.timings.inviteSent = this.#core.clock.monotonic()
    this.#deadline = this.#core.wheel.start(timeout, () => this.#giveUp(this.#unanswered()))
    this.#send(reached.flow)
  }

  #unanswered(): Failure {
    if (this.#provisional !== undefined) return { kind: 'NoFinalResponse', code: this.#provisional }
    const attempt = this.#attempt
    if (attempt && attempt.flow.heardAt < attempt.at) attempt.flow.retire()
    return { kind: 'NoResponse' }
  }

  #send(flow: Flow): void {
    const { party, callId, target, offer } = this.#options
    const sequence = ++this.#sequence
    this.#provisional = undefined
    const headers = outsideDialog(party, { method: 'INVITE', to: target, callId, fromTag: this.#fromTag, sequence })
      .add('Contact', `<${contactUri(flow, party.contactUser)}>`)
      .add('Allow', this.#core.allow())
    for (const [name, value] of this.#authenticator.authorize('INVITE', target)) headers.add(name, value)
    const built = finish(this.#core, flow, { method: 'INVITE', uri: target, headers, body: offer })
    const at = this.#core.clock.monotonic()
    const transaction = this.#core.transactions.invite(
      { ...built, flow, journal: this.#journal },
      {
        response: (response, arrival, again) => this.#receive(response, arrival, again),
        failed: (failure) => this.#fail(failure, flow),
      },
    )
    this.#attempt = { request: built.request, flow, transaction, at }
  }

  #receive(response: Response, arrival: Arrival, again: boolean): void {
    const { code } = response
    this.timings.firstResponse ??= arrival.at
    if (code < 200) this.#receiveProvisional(response, arrival, again)
    else if (code < 300) this.#receiveAnswer(response, arrival)
    else if ((code === 401 || code === 407) && !this.#verdict) this.#receiveChallenge(response)
    else this.#settle(this.#verdict ?? { kind: 'Rejected', code, reason: response.reason })
  }

  #receiveProvisional(response: Response, arrival: Arrival, again: boolean): void {
    const { code, reason, headers } = response
    this.#provisional = code
    if (code === 180 || code === 183) this.timings.ringing ??= arrival.at
    // We gave up before anything had come; only now may that be said (9.1).
    if (this.#verdict) return this.#cancel()
    const sdp = sessionDescription(response)
    if (sdp !== undefined) this.#early.set(headers.toTag ?? '', sdp)
    if (!again) this.#options.onProvisional?.({ code, reason, at: arrival.at, ...(sdp !== undefined && { sdp }) })
  }

  #receiveChallenge(response: Response): void {
    const { code, reason } = response
    const flow = this.#attempt?.flow
    if (!flow || !this.#authenticator.challenged(response)) {
      return this.#settle({ kind: 'AuthenticationFailed', code, reason })
    }
    this.#journal.counters.authenticationRounds++
    this.#send(flow)
  }

  /** 13.2.2.4: every 2xx is acknowledged. The first one is the call; one of another branch, or one that comes too late, is hung up. */
  #receiveAnswer(response: Response, arrival: Arrival): void {
    const attempt = this.#attempt
    const tag = response.headers.toTag ?? ''
    const known = this.#answers.get(tag)
    if (known) return known()
    if (!attempt) return
    const dialog = Dialog.ofResponse(attempt.request, response, arrival.flow)
    this.#answers.set(tag, acknowledge(this.#core, dialog, attempt.request, this.#journal))
    const wanted = this.#answers.size === 1 && !this.#verdict
    if (wanted) this.timings.answered = arrival.at
    const call = new EstablishedCall({
      ...{ core: this.#core, dialog, journal: this.#journal, flow: arrival.flow },
      authenticator: this.#authenticator,
      // What becomes of an answer that nobody wanted is no part of the call's times.
      timings: wanted ? this.timings : {},
      contactUser: this.#options.party.contactUser,
      userAgent: response.headers.get('server') ?? response.headers.get('user-agent'),
      sdp: sessionDescription(response) ?? this.#early.get(tag) ?? '',
      onReoffer: this.#options.onReoffer?.bind(this.#options),
      invite: attempt.transaction,
    })
    if (wanted) return this.#settle({ kind: 'Answered', call, code: response.code, reason: response.reason })
    const verdict = this.#verdict
    void call.bye('the call was given up').then(() => verdict && this.#settle(verdict))
  }

  #fail(failure: ClientFailure, flow: Flow): void {
    switch (failure.kind) {
      case 'Timeout':
        return this.#settle(this.#verdict ?? this.#unanswered())
      case 'TransportError':
        return this.#settle(this.#verdict ?? lost(flow, failure.detail))
    }
  }

  /** Deadline or abort. Before a provisional response nothing may be sent: whatever still comes is answered as it should be. */
  #giveUp(verdict: Failure): void {
    if (this.#settled || this.#verdict) return
    this.#verdict = verdict
    // Still on the way to the peer: `#start` sees the verdict.
    if (!this.#attempt) return
    if (this.#attempt.transaction.proceeding) return this.#cancel()
    this.#attempt.transaction.quiet()
    this.#settle(verdict)
  }

  #cancel(): void {
    const { attempt, verdict } = { attempt: this.#attempt, verdict: this.#verdict }
    if (this.#cancelled || !attempt || !verdict) return
    this.#cancelled = true
    const { request, flow, transaction } = attempt
    const built = finish(this.#core, flow, cancelOf(request), request.headers.via?.branch)
    this.#core.transactions.send({ ...built, flow, journal: this.#journal }, { response: () => {}, failed: () => {} })
    const { wheel } = this.#core
    wheel.start(CANCEL_PATIENCE, () => this.#settle(verdict))
    // 9.1: a peer that never finishes the INVITE is not waited for any longer.
    wheel.start(TRANSACTION_TIMEOUT, () => transaction.proceeding && transaction.end())
  }

  #settle(outcome: InviteOutcome): void {
    if (this.#settled) return
    this.#settled = true
    this.#deadline?.cancel()
    this.#options.signal?.removeEventListener('abort', this.#aborted)
    this.#outcome.resolve(outcome)
  }
}

/** 9.1: all but the method and what only an INVITE has is that of the INVITE, the branch too. */
function cancelOf({ uri, headers }: Request): { method: string; uri: string; headers: Headers } {
  const cancel = new Headers()
    .add('Max-Forwards', '70')
    .addAll('Route', headers.all('route'))
    .add('From', headers.get('from') ?? '')
    .add('To', headers.get('to') ?? '')
    .add('Call-ID', headers.callId)
    .add('CSeq', `${headers.cseq?.number ?? 1} CANCEL`)
  return { method: 'CANCEL', uri, headers: cancel }
}
