/** What becomes of an INVITE to an address that was given up for another one: whatever still comes of it is ended (RFC 3261 9.1, 13.2.2.4). */
import type { Core } from '../core.ts'
import type { Journal } from '../trace/journal.ts'
import type { Request, Response } from '../message/message.ts'
import type { ClientInvite } from '../transaction/client-invite.ts'
import { TRANSACTION_TIMEOUT } from '../transaction/timers.ts'
import type { Arrival, Flow } from '../transport/flow.ts'
import type { Answers } from './answers.ts'
import { sendCancel } from './cancel.ts'
import type { SentInvite } from './dialog.ts'

const REASON = 'another server was asked'

export interface Abandoned {
  core: Core
  journal: Journal
  request: Request
  invite: SentInvite
  flow: Flow
  transaction: ClientInvite
  /** Of this INVITE alone. */
  answers: Answers
}

/**
 * Takes the responses of a server that was silent for too long: it is told CANCEL once it says that it has the request, and BYE when it
 * has answered it.
 */
export function abandoned(given: Abandoned): (response: Response, arrival: Arrival) => void {
  const { core, invite, transaction, answers } = given
  let cancelled = false
  return (response, arrival) => {
    if (response.code >= 300) return
    if (response.code >= 200) {
      const taken = answers.take({ invite, response, arrival }, { verdict: { kind: 'Aborted' }, timer: undefined })
      void taken?.call.bye(REASON)
    } else if (!cancelled) {
      cancelled = true
      sendCancel(core, given, REASON)
      // A server that never finishes the INVITE is not waited for any longer.
      core.wheel.start(TRANSACTION_TIMEOUT, () => transaction.proceeding && transaction.end())
    }
  }
}
