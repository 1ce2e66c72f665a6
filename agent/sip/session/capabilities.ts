/** What a native engine says of itself (RFC 3261 13.2.1, 20.5, 20.37): methods, extensions, bodies; and what it refuses because it is not among them. */
import type { Core } from '../core.ts'
import type { HeaderField, ResponseOptions } from '../transport/build.ts'
import type { Headers } from '../message/headers.ts'
import { describesSession, type Request } from '../message/message.ts'

/** What every engine answers; takers of `onRequest` add theirs. */
export const OWN_METHODS = [
  ...['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS'],
  ...['PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY'],
]

/** RFC 3891, 3262, 4028, 4488. */
const EXTENSIONS = ['replaces', '100rel', 'timer', 'norefersub']

const ALL: HeaderField = ['Supported', EXTENSIONS.join(', ')]

/** Said in an INVITE, `100rel` asks for provisional responses that cost a PRACK each: only when that is wanted. */
const WITHOUT_PRACK: HeaderField = ['Supported', EXTENSIONS.filter((each) => each !== '100rel').join(', ')]

/** Allow and Supported of requests and responses that have to do with a session. */
export function capabilities(core: Core, { reliable = true }: { reliable?: boolean } = {}): HeaderField[] {
  return [allowed(core), reliable ? ALL : WITHOUT_PRACK]
}

/** The answer to OPTIONS (11.2). */
export function everything(core: Core): HeaderField[] {
  return [...capabilities(core), ['Accept', 'application/sdp']]
}

export function allowed(core: Core): HeaderField {
  return ['Allow', core.allow()]
}

/** Whether an option tag stands in Require, Supported or their like. */
export function names(headers: Headers, key: 'require' | 'supported' | 'allow', tag: string): boolean {
  const value = headers.get(key)
  // Most messages have none, or one without it.
  return value !== undefined && headers.list(key).some((each) => each.toLowerCase() === tag.toLowerCase())
}

/** 8.2.2.3, 8.2.3: extensions that we do not have, and session descriptions of another kind. */
export function unsupported({ method, headers, body }: Request): ResponseOptions | undefined {
  const unknown = headers.list('require').filter((each) => !EXTENSIONS.includes(each.toLowerCase()))
  if (unknown.length > 0) return { code: 420, headers: [['Unsupported', unknown.join(', ')]] }
  if (body === '' || !['INVITE', 'UPDATE', 'PRACK'].includes(method)) return undefined
  return describesSession(headers) ? undefined : { code: 415, headers: [['Accept', 'application/sdp']] }
}
