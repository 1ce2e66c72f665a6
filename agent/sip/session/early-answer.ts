/** What a callee's early dialog has beyond ringing (RFC 3262 3, RFC 3311): reliable provisional responses, their PRACKs, and UPDATE. It gives no final response. */
import type { RingOptions } from '../engine.ts'
import type { HeaderField } from '../transport/build.ts'
import { type Request, sessionDescription } from '../message/message.ts'
import { names } from './capabilities.ts'
import { Negotiation } from './negotiation.ts'
import { ReliableProvisionals } from './reliable-provisional.ts'
import type { Respond, Session, SessionOwner } from './session.ts'

/** How a provisional response is sent. `ExtensionRequired`: it must be sent with PRACK, and cannot be. */
export function manner(
  invite: Request,
  code: number,
  { sdp, reliable }: RingOptions,
): 'Plain' | 'Reliable' | 'ExtensionRequired' {
  if (code === 100) return 'Plain'
  const { headers } = invite
  if (names(headers, 'require', '100rel')) return 'Reliable'
  if (reliable === false || (reliable === undefined && sdp === undefined)) return 'Plain'
  if (names(headers, 'supported', '100rel')) return 'Reliable'
  return reliable ? 'ExtensionRequired' : 'Plain'
}

export interface EarlyAnswerSetup {
  session: Session
  owner: SessionOwner
  invite: Request
  /** Builds a provisional response. */
  build: (code: number, headers: readonly HeaderField[], sdp: string | undefined) => string
  send: (code: number, text: string) => void
  /** No PRACK came for 64*T1. */
  gaveUp: () => void
}

export class EarlyAnswer {
  readonly negotiation: Negotiation
  readonly #setup: EarlyAnswerSetup
  readonly #provisionals: ReliableProvisionals
  /** The 2xx that waits for a PRACK. */
  #answer: (() => void) | undefined

  constructor(setup: EarlyAnswerSetup) {
    const { session, owner, invite, gaveUp } = setup
    this.#setup = setup
    this.negotiation = new Negotiation(
      session,
      owner,
      sessionDescription(invite) === undefined ? 'Stable' : 'RemoteOffer',
    )
    this.#provisionals = new ReliableProvisionals(session.core, gaveUp)
  }

  /** One of our descriptions went reliably, or waits for its turn: the 2xx has none. */
  get described(): boolean {
    return this.#setup.session.local !== ''
  }

  /** The 2xx is sent: what it answers, or offers, counts as well. */
  answered(late: boolean): void {
    this.negotiation.standing = late && !this.described ? 'LocalOffer' : 'Stable'
  }

  ring(code: number, sdp: string | undefined): void {
    const { session, build, send } = this.#setup
    const body = this.described ? undefined : sdp
    if (body !== undefined) {
      session.local = body
      this.negotiation.standing = this.negotiation.standing === 'RemoteOffer' ? 'Stable' : 'LocalOffer'
    }
    this.#provisionals.add({
      described: body !== undefined,
      build: (sequence) =>
        build(
          code,
          [
            ['Require', '100rel'],
            ['RSeq', String(sequence)],
          ],
          body,
        ),
      send: (text) => send(code, text),
    })
  }

  prack(request: Request, respond: Respond): void {
    const { invite, session } = this.#setup
    if (!this.#provisionals.acknowledged(request, invite)) return void respond({ code: 481 })
    const sdp = sessionDescription(request)
    let body: string | undefined = ''
    if (sdp !== undefined && this.negotiation.standing === 'LocalOffer') session.sdp = sdp
    else if (sdp !== undefined) body = this.negotiation.answer(sdp)
    this.negotiation.standing = this.negotiation.standing === 'RemoteOffer' ? 'RemoteOffer' : 'Stable'
    respond(body === undefined ? { code: 488 } : { code: 200, body })
    this.#provisionals.next()
    this.#release()
  }

  /** Calls `send` as soon as every description that went reliably has its PRACK (section 5). */
  answer(send: () => void): void {
    this.#answer = send
    this.#release()
  }

  /** The INVITE is through. */
  stop(): void {
    this.#answer = undefined
    this.#provisionals.stop()
    this.negotiation.stop()
  }

  #release(): void {
    if (!this.#answer || this.#provisionals.blocking) return
    const send = this.#answer
    this.#answer = undefined
    this.#provisionals.quiet()
    send()
  }
}
