/** The CANCEL of an INVITE (RFC 3261 9.1); when it may be sent is the business of who sent the INVITE. */
import type { Core } from '../core.ts'
import type { Reason } from '../engine.ts'
import { finish } from '../transport/build.ts'
import { Headers } from '../message/headers.ts'
import type { Request } from '../message/message.ts'
import type { Journal } from '../trace/journal.ts'
import type { Flow } from '../transport/flow.ts'
import { reasonField } from './reason.ts'

/** All but the method and what only an INVITE has is that of the INVITE, the branch too. */
export function sendCancel(
  core: Core,
  { request, flow, journal }: { request: Request; flow: Flow; journal: Journal },
  reason?: string | Reason,
): void {
  const { uri, headers } = request
  const cancel = new Headers()
    .add('Max-Forwards', '70')
    .addAll('Route', headers.all('route'))
    .add('From', headers.get('from') ?? '')
    .add('To', headers.get('to') ?? '')
    .add('Call-ID', headers.callId)
    .add('CSeq', `${headers.cseq?.number ?? 1} CANCEL`)
  if (reason !== undefined) cancel.add(...reasonField(reason))
  const built = finish(core, flow, { method: 'CANCEL', uri, headers: cancel }, headers.via?.branch)
  core.transactions.send({ ...built, flow, journal }, { response: () => {}, failed: () => {} })
}
