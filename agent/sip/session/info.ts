/** INFO of the kind that has no package (RFC 6086 legacy usage, RFC 2976), as it comes in. */
import type { CallHandlers } from '../engine.ts'
import type { Core } from '../core.ts'
import type { Request } from '../message/message.ts'
import type { Respond } from './session.ts'

/** @param handlers absent: a body is no use to anybody (RFC 2976 2.2) */
export function receiveInfo(core: Core, handlers: CallHandlers | undefined, request: Request, respond: Respond): void {
  const { headers, body } = request
  // We announce no package with Recv-Info.
  if (headers.get('info-package') !== undefined) return void respond({ code: 469, reason: 'Bad Info Package' })
  if (body === '') return void respond({ code: 200 })
  if (!handlers?.onInfo) return void respond({ code: 415, headers: [['Accept', '']] })
  respond({ code: 200 })
  try {
    handlers.onInfo({ contentType: headers.get('content-type') ?? '', body })
  } catch (error) {
    core.log?.warn({ error }, 'a handler of INFO threw')
  }
}
