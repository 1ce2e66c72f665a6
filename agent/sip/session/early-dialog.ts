/** The early dialogs of an INVITE that we sent (RFC 3261 12.1, RFC 3262 4, RFC 3311 5.1): one for each To tag that needs more than to be heard. */
import type { Core, DialogUser } from '../core.ts'
import type { EarlyCall, ReofferOutcome } from '../engine.ts'
import { type Request, type Response, sessionDescription } from '../message/message.ts'
import type { ServerInvite } from '../transaction/server-invite.ts'
import type { ServerNonInvite } from '../transaction/server-non-invite.ts'
import type { Arrival } from '../transport/flow.ts'
import { allowed, everything, names } from './capabilities.ts'
import type { Dialog } from './dialog.ts'
import { receiveInfo } from './info.ts'
import { Negotiation } from './negotiation.ts'
import { ask, responder, type Session, type SessionOwner } from './session.ts'

export interface EarlySetup {
  /** Whose limit of branches is kept, and counts what is beyond it. */
  core: Pick<Core, 'limits' | 'refused'>
  /** Ours was in the INVITE. Absent: the offer is awaited. */
  offer: string | undefined
  onOffer: ((sdp: string) => string | undefined) | undefined
  /** The INVITE is to be ended. */
  cancel: () => void
}

export class EarlyDialogs {
  readonly #setup: EarlySetup
  readonly #branches = new Map<string, EarlyDialog>()

  constructor(setup: EarlySetup) {
    this.#setup = setup
  }

  /** Whether a provisional response needs an early dialog: it wants a PRACK, or its sender may send UPDATE. */
  static needed({ headers }: Response): boolean {
    return headers.toTag !== undefined && (names(headers, 'require', '100rel') || names(headers, 'allow', 'UPDATE'))
  }

  /**
   * Undefined: it is to be passed over, because it came before or out of its order.
   * @param session makes that of a new branch
   */
  receive(response: Response, session: () => Session): EarlyDialog | undefined {
    const tag = response.headers.toTag ?? ''
    const known = this.#branches.get(tag)
    const { limits, refused } = this.#setup.core
    if (!known && this.#branches.size >= limits.branches) {
      refused.branches++
      return undefined
    }
    const branch = known ?? new EarlyDialog(this.#setup, session())
    this.#branches.set(tag, branch)
    return branch.receive(response) ? branch : undefined
  }

  /** The branch that was answered is no early dialog any more; the others wait for what becomes of theirs. */
  confirm(response: Response): EarlyDialog | undefined {
    const tag = response.headers.toTag ?? ''
    const branch = this.#branches.get(tag)
    this.#branches.delete(tag)
    branch?.confirm(response)
    return branch
  }

  /** The INVITE is through. */
  clear(): void {
    for (const branch of this.#branches.values()) branch.stopped()
    this.#branches.clear()
  }
}

export class EarlyDialog implements DialogUser, EarlyCall, SessionOwner {
  readonly session: Session
  readonly negotiation: Negotiation
  readonly #setup: EarlySetup
  /** RSeq of the last one in order. */
  #sequence: number | undefined
  #over = false

  constructor(setup: EarlySetup, session: Session) {
    this.#setup = setup
    this.session = session
    this.negotiation = new Negotiation(session, this, setup.offer === undefined ? 'RemoteOffer' : 'LocalOffer')
    session.core.dialogs.put(this)
  }

  get dialog(): Dialog {
    return this.session.dialog
  }

  get tag(): string {
    return this.session.dialog.remoteTag
  }

  get over(): boolean {
    return this.#over
  }

  /** A final response may still come (RFC 3311 5.1): only the INVITE itself ends. */
  died(): void {}

  /** RFC 3891 3: only we can end it, and by a CANCEL. */
  get replaceable(): 'Early' {
    return 'Early'
  }

  replaced(): void {
    this.#setup.cancel()
  }

  update(offer?: string): Promise<ReofferOutcome> {
    return this.negotiation.update(offer)
  }

  /** RFC 3262 4. False: it came before, or one before it is missing. */
  receive(response: Response): boolean {
    const { headers } = response
    const stated = /^\s*\d{1,10}\s*$/.test(headers.get('rseq') ?? '') ? Number(headers.get('rseq')) : undefined
    // Without a number it cannot be acknowledged: it is taken as an ordinary one.
    if (stated === undefined || !names(headers, 'require', '100rel')) return true
    if (this.#sequence !== undefined && stated !== this.#sequence + 1) return false
    this.#sequence = stated
    const answer = this.#describe(sessionDescription(response))
    const cseq = headers.cseq?.number ?? 1
    void ask(this.session, {
      method: 'PRACK',
      headers: [['RAck', `${stated} ${cseq} INVITE`]],
      ...(answer !== undefined && { body: answer }),
    })
    return true
  }

  confirm(response: Response): void {
    this.session.core.dialogs.delete(this.dialog)
    this.dialog.confirm(response)
  }

  request(request: Request, arrival: Arrival, transaction: ServerNonInvite): void {
    const { core, dialog, handlers } = this.session
    const respond = responder(this.session, request, arrival, transaction)
    if (!dialog.inOrder(request)) return void respond({ code: 500, reason: 'CSeq Out Of Order' })
    switch (request.method) {
      case 'UPDATE':
        return this.negotiation.receiveUpdate(request, arrival, respond)
      case 'OPTIONS':
        return void respond({ code: 200, headers: everything(core) })
      case 'INFO':
        return receiveInfo(core, handlers, request, respond)
      default:
        // A callee may not end an early dialog with BYE (15), and has nobody to refer yet.
        return void respond({ code: 405, headers: [allowed(core)] })
    }
  }

  /** 14: no INVITE before the first one is through. */
  invite(request: Request, arrival: Arrival, transaction: ServerInvite): void {
    responder(this.session, request, arrival, transaction)({ code: 491 })
  }

  acknowledged(): void {}

  stopped(): void {
    this.#over = true
    this.negotiation.stop()
    this.session.core.dialogs.delete(this.dialog)
  }

  /** A reliable response carries the answer to our offer, or the offer that PRACK answers (RFC 3262 5). */
  #describe(sdp: string | undefined): string | undefined {
    const { negotiation, session } = this
    if (sdp === undefined || negotiation.standing === 'Stable') return undefined
    const answer = negotiation.standing === 'LocalOffer' ? undefined : this.#setup.onOffer?.(sdp)
    negotiation.standing = 'Stable'
    session.sdp = sdp
    session.local = answer ?? session.local
    return answer
  }
}
