/** One INVITE inside a dialog until its final response (RFC 3261 14.1, 22): challenges answered, given up after 64*T1. What it is for is its user's matter. */
import { finish, type HeaderField } from '../transport/build.ts'
import type { Failure } from '../engine.ts'
import { reach } from '../locate/approach.ts'
import { type Flow, lost } from '../transport/flow.ts'
import type { Response } from '../message/message.ts'
import { TRANSACTION_TIMEOUT } from '../transaction/timers.ts'
import { acknowledge } from './acknowledge.ts'
import { sendCancel } from './cancel.ts'
import type { SentInvite } from './dialog.ts'
import { contactField, type Session } from './session.ts'

export type InviteRound =
  /** `acknowledge` is called at once for a 2xx, with our answer when the 2xx had the offer. */
  { kind: 'Final'; response: Response; acknowledge: (body?: string) => void } | { kind: 'Failed'; failure: Failure }

export async function inviteInside(
  session: Session,
  { headers, body }: { headers: readonly HeaderField[]; body: string },
): Promise<InviteRound> {
  const { core, dialog, authenticator, journal } = session
  if (session.acknowledging) await session.acknowledging
  const reached = await reach(core, dialog.nextHop, { timeout: TRANSACTION_TIMEOUT })
  if (reached.kind !== 'Reached') return { kind: 'Failed', failure: reached }
  authenticator.begin()
  for (;;) {
    const round = await send(session, reached.flow, { headers, body })
    if (round.kind === 'Failed') return round
    const { code, reason } = round.response
    if (code !== 401 && code !== 407) {
      if (!authenticator.accepted(round.response)) journal.counters.wrongProofs++
      return round
    }
    if (!authenticator.challenged(round.response)) {
      return { kind: 'Failed', failure: { kind: 'AuthenticationFailed', code, reason } }
    }
    journal.counters.authenticationRounds++
  }
}

function send(
  session: Session,
  flow: Flow,
  { headers, body }: { headers: readonly HeaderField[]; body: string },
): Promise<InviteRound> {
  const { core, dialog, authenticator, journal } = session
  const { promise, resolve } = Promise.withResolvers<InviteRound>()
  const request = dialog.request('INVITE')
  request.headers.add(...contactField(session, flow))
  for (const [name, value] of headers) request.headers.add(name, value)
  const credentials = authenticator.authorize('INVITE', request.uri, body)
  for (const [name, value] of credentials) request.headers.add(name, value)
  const built = finish(core, flow, { ...request, body })
  let provisional: number | undefined
  const unanswered = (): Failure =>
    provisional === undefined ? { kind: 'NoResponse' } : { kind: 'NoFinalResponse', code: provisional }
  const settle = (round: InviteRound): void => {
    limit.cancel()
    resolve(round)
  }
  const acknowledgements = new Acknowledgements(session, { sequence: request.sequence, credentials })
  // Without a response timer B is as quick; after a 1xx nothing else would end it.
  const limit = core.wheel.start(TRANSACTION_TIMEOUT, () => {
    settle({ kind: 'Failed', failure: unanswered() })
    if (transaction.proceeding) sendCancel(core, { request: built.request, flow, journal })
    core.wheel.start(TRANSACTION_TIMEOUT, () => transaction.proceeding && transaction.end())
  })
  const transaction = core.transactions.invite(
    { ...built, flow, journal },
    {
      response(response) {
        if (response.code < 200) provisional = response.code
        else if (response.code >= 300) settle({ kind: 'Final', response, acknowledge: () => {} })
        else if (!acknowledgements.again()) {
          settle({ kind: 'Final', response, acknowledge: (answer) => acknowledgements.first(answer) })
        }
      },
      failed: (failure) =>
        settle({
          kind: 'Failed',
          failure: failure.kind === 'Timeout' ? unanswered() : lost(flow, failure.detail),
        }),
    },
  )
  return promise
}

type Sequenced = Pick<SentInvite, 'sequence' | 'credentials'>

/** A 2xx that comes again is acknowledged again, once it is known with what. */
class Acknowledgements {
  readonly #session: Session
  readonly #invite: Sequenced
  #came = false
  #repeat: (() => void) | undefined

  constructor(session: Session, invite: Sequenced) {
    this.#session = session
    this.#invite = invite
  }

  first(answer: string | undefined): void {
    this.#repeat = acknowledge(this.#session, this.#invite, answer)
  }

  /** False: it is the first 2xx. */
  again(): boolean {
    this.#repeat?.()
    const came = this.#came
    this.#came = true
    return came
  }
}
