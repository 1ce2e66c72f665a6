/** A 2xx of another branch that comes when the call of its INVITE is over (RFC 3261 13.2.2.4): it is acknowledged and hung up. Nobody is told. */
import { Authenticator } from '../digest/authenticator.ts'
import type { Core } from '../core.ts'
import { Dialog } from './dialog.ts'
import { acknowledge, EstablishedCall } from './established-call.ts'
import { Journal } from '../trace/journal.ts'
import type { Request, Response } from '../message/message.ts'
import type { Arrival } from '../transport/flow.ts'

export function refuseAnswer(core: Core, response: Response, { flow }: Arrival): void {
  const { headers, version } = response
  // The response repeats all that is needed of the INVITE, which nobody has kept.
  const request: Request = { kind: 'Request', method: 'INVITE', uri: '', version, headers, body: '' }
  const dialog = Dialog.ofResponse(request, response, flow)
  if (core.dialogs.has(dialog.key)) return
  const journal = new Journal(core.clock, undefined)
  acknowledge(core, dialog, request, journal)
  const call = new EstablishedCall({
    ...{ core, dialog, journal, flow, timings: {} },
    authenticator: new Authenticator(undefined, core.random),
    ...{ contactUser: '', userAgent: undefined, sdp: '', onReoffer: undefined },
  })
  void call.bye('the call was over')
}
