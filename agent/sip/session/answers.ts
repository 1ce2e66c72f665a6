/** The dialogs that responses to one INVITE of ours make, early and confirmed (RFC 3261 12.1, 13.2.2.4). It sends no INVITE and ends none. */
import type { Authenticator } from '../digest/authenticator.ts'
import type { Core } from '../core.ts'
import type { CallTimings, EarlyCall, Failure, InviteOptions, SessionTimerOptions } from '../engine.ts'
import { type Response, sessionDescription } from '../message/message.ts'
import type { Journal } from '../trace/journal.ts'
import type { Arrival } from '../transport/flow.ts'
import { acknowledge } from './acknowledge.ts'
import { Dialog, type SentInvite } from './dialog.ts'
import { type EarlyDialog, EarlyDialogs } from './early-dialog.ts'
import { EstablishedCall } from './established-call.ts'
import { handlersOf } from './invite-fields.ts'
import type { Session } from './session.ts'
import { agreedTerms } from './session-timer.ts'

export interface AnswersSetup {
  core: Core
  options: InviteOptions
  journal: Journal
  authenticator: Authenticator
  timings: CallTimings
  /** One of its early dialogs is replaced. */
  cancel: () => void
}

/** A response, and the INVITE that it is for. */
export interface Answer {
  invite: SentInvite
  response: Response
  arrival: Arrival
}

export interface Wish {
  /** Why no answer is wanted any more. */
  verdict: Failure | undefined
  /** What the INVITE asked the session timer to be. */
  timer: SessionTimerOptions | undefined
}

export type Taken =
  | { kind: 'Call'; call: EstablishedCall }
  /** It is to be hung up; when nothing is to be told of it there is no verdict. */
  | { kind: 'Unwanted'; call: EstablishedCall; verdict: Failure | undefined }

export class Answers {
  readonly #setup: AnswersSetup
  /** The answers so far, nearly always one: a 2xx that comes again is acknowledged again. */
  readonly #acknowledged: { readonly tag: string; readonly again: () => void }[] = []
  /** Early media's description by To tag, for peers that do not repeat it in the 200. */
  #descriptions: Map<string, string> | undefined
  /** Made for the first provisional response that needs an early dialog. */
  #branches: EarlyDialogs | undefined

  constructor(setup: AnswersSetup) {
    this.#setup = setup
  }

  /** What is to be told of it; undefined: it was reliable, and came before or out of its order, or it is of one branch too many. */
  provisional(answer: Answer): { sdp?: string; early?: EarlyCall } | undefined {
    const { response } = answer
    const needed = EarlyDialogs.needed(response)
    const early = needed ? this.#earlyOf(answer) : undefined
    if (needed && !early) return undefined
    const sdp = sessionDescription(response)
    if (sdp !== undefined) this.#remember(response.headers.toTag ?? '', sdp)
    return { ...(sdp !== undefined && { sdp }), ...(early && { early }) }
  }

  #earlyOf(answer: Answer): EarlyDialog | undefined {
    const { core, options, cancel } = this.#setup
    const { offer, onOffer } = options
    this.#branches ??= new EarlyDialogs({ core, offer, onOffer, cancel })
    return this.#branches.receive(answer.response, () => this.#session(answer, answer.arrival))
  }

  /** Every 2xx is acknowledged. The first one is the call. Undefined: it came before, or is of one branch too many. */
  take(answer: Answer, { verdict, timer }: Wish): Taken | undefined {
    const { invite, response, arrival } = answer
    const tag = response.headers.toTag ?? ''
    if (this.#passedOver(tag)) return undefined
    const early = this.#branches?.confirm(response)
    const session = early?.session ?? this.#session(answer, arrival)
    const wanted = this.#acknowledged.length === 0 && !verdict
    this.#confirm(session, answer, wanted)
    const body = answerLate(session, response, wanted ? this.#setup.options.onOffer : undefined)
    this.#acknowledged.push({ tag, again: acknowledge(session, invite, body) })
    const call = new EstablishedCall(session, early)
    if (!wanted) return { kind: 'Unwanted', call, verdict }
    // Nothing of ours for what the peer offers: there is no session.
    if (body === undefined) return { kind: 'Unwanted', call, verdict: { kind: 'Aborted' } }
    const terms = agreedTerms(response)
    if (terms) call.negotiation.startTimer(terms, response.headers, timer?.minimum)
    return { kind: 'Call', call }
  }

  /** What came before is acknowledged again; a branch too many is not at all. */
  #passedOver(tag: string): boolean {
    const known = this.#acknowledged.find((each) => each.tag === tag)
    known?.again()
    const { limits, refused } = this.#setup.core
    const excess = !known && this.#acknowledged.length >= limits.branches
    if (excess) refused.branches++
    return known !== undefined || excess
  }

  #remember(tag: string, sdp: string): void {
    const { limits, refused } = this.#setup.core
    this.#descriptions ??= new Map()
    if (this.#descriptions.size < limits.branches || this.#descriptions.has(tag)) this.#descriptions.set(tag, sdp)
    else refused.branches++
  }

  /** The INVITE is through: no early dialog is left. */
  clear(): void {
    this.#branches?.clear()
  }

  #confirm(session: Session, { invite, response, arrival }: Answer, wanted: boolean): void {
    const { headers } = response
    const { timings } = this.#setup
    if (wanted) timings.answered = arrival.at
    // What becomes of an answer that nobody wanted is no part of the call's times.
    session.timings = wanted ? timings : {}
    if (wanted) session.branch = invite.branch
    session.flow = arrival.flow
    session.userAgent = headers.get('server') ?? headers.get('user-agent')
    // What came reliably is what holds; the 2xx may only repeat it (13.2.1).
    session.sdp ||= sessionDescription(response) ?? this.#descriptions?.get(headers.toTag ?? '') ?? ''
  }

  #session({ invite, response }: Answer, { flow }: Arrival): Session {
    const { core, options, journal, authenticator, timings } = this.#setup
    return {
      core,
      journal,
      authenticator,
      timings,
      flow,
      dialog: Dialog.ofResponse(invite, response, flow),
      contactUser: options.party.contactUser,
      outgoing: true,
      handlers: handlersOf(options),
      userAgent: undefined,
      local: options.offer ?? '',
      sdp: '',
    }
  }
}

/** The body of the ACK: our answer to an offer that came with the 2xx, empty when none waits for one. Undefined: it is refused. */
function answerLate(session: Session, response: Response, onOffer: InviteOptions['onOffer']): string | undefined {
  const offer = session.local === '' ? sessionDescription(response) : undefined
  if (offer === undefined) return ''
  const answer = onOffer?.(offer)
  session.local = answer ?? ''
  return answer
}
