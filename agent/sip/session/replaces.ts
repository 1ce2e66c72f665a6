/** The Replaces header field (RFC 3891 6.1), alone and inside a Refer-To; which dialog it means is looked up elsewhere. */
import type { Replaces } from '../engine.ts'
import { parseNameAddress, parseParameters, unescaped } from '../message/uri.ts'

export function replacesValue({ callId, toTag, fromTag, earlyOnly = false }: Replaces): string {
  return `${callId};to-tag=${toTag};from-tag=${fromTag}${earlyOnly ? ';early-only' : ''}`
}

/** What a Call-ID and a tag consist of: an escaped line end in a Refer-To would begin a header field of ours. */
const WORD = /^[!-~]+$/

/** Undefined: it lacks what names a dialog. */
export function parseReplaces(value: string): Replaces | undefined {
  const parameters = parseParameters(value)
  const callId = value.split(';', 1)[0]?.trim() ?? ''
  const [toTag = '', fromTag = ''] = [parameters.get('to-tag'), parameters.get('from-tag')]
  if (![callId, toTag, fromTag].every((each) => WORD.test(each))) return undefined
  return { callId, toTag, fromTag, ...(parameters.has('early-only') && { earlyOnly: true }) }
}

/** `<sip:bob@example.com?Replaces=...>` (RFC 3515 2.1, RFC 5589 7.3). */
export function referTo(target: string, replaces?: Replaces): string {
  if (replaces === undefined) return `<${target}>`
  return `<${target}?Replaces=${encodeURIComponent(replacesValue(replaces))}>`
}

/** The URI without its headers, and the dialog that is to be replaced. Undefined: it cannot be read. */
export function parseReferTo(value: string): { target: string; replaces?: Replaces } | undefined {
  const uri = parseNameAddress(value)?.uri
  if (uri === undefined || uri.includes('\r')) return undefined
  const [target = '', fields = ''] = uri.split('?', 2)
  const field = fields.split('&').find((each) => /^replaces=/i.test(each))
  if (field === undefined) return { target }
  const replaces = parseReplaces(unescaped(field.slice('replaces='.length)))
  return replaces && { target, replaces }
}
