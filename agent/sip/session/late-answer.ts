/** A 2xx of another branch that comes when the call of its INVITE is over (RFC 3261 13.2.2.4): it is acknowledged and hung up. Nobody is told. */
import { Authenticator } from '../digest/authenticator.ts'
import type { Core } from '../core.ts'
import { acknowledge } from './acknowledge.ts'
import { Dialog } from './dialog.ts'
import { EstablishedCall } from './established-call.ts'
import { tagNumber } from '../message/identifiers.ts'
import { Journal } from '../trace/journal.ts'
import type { Response } from '../message/message.ts'
import type { Session } from './session.ts'
import type { Arrival } from '../transport/flow.ts'

export function hangUpLate(core: Core, response: Response, { flow }: Arrival): void {
  // It repeats all that is needed of the INVITE, which nobody has kept.
  const { callId, fromTag: localTag = '', cseq, branch } = response.headers
  const local = response.headers.get('from') ?? ''
  const invite = { uri: '', callId, local, localTag, sequence: cseq?.number ?? 1, branch, credentials: [] }
  // What does not even repeat a tag of ours (8.2.6.2) would be hung up without end, since nothing could be kept of it.
  if (tagNumber(localTag) === undefined) return
  const dialog = Dialog.ofResponse(invite, response, flow)
  const { dialogs, limits, refused } = core
  if (dialogs.find(dialog)) return
  if (dialogs.branches(localTag) >= limits.branches) return void refused.branches++
  if (dialogs.size >= limits.dialogs) return void refused.dialogs++
  const session: Session = {
    ...{ core, dialog, flow, outgoing: true, handlers: undefined },
    journal: new Journal(core.clock, undefined),
    authenticator: new Authenticator(undefined, core.random),
    ...{ timings: {}, contactUser: '', userAgent: undefined, local: '', sdp: '' },
  }
  acknowledge(session, invite)
  void new EstablishedCall(session).bye('the call was over')
}
