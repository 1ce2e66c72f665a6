/** The Reason header field (RFC 3326): why something was ended, for people and for gateways. It ends nothing. */
import type { Reason } from '../engine.ts'
import type { HeaderField } from '../transport/build.ts'
import type { Headers } from '../message/headers.ts'
import { parseParameters, quote } from '../message/uri.ts'

/** A text alone is SIP's. */
export function reasonField(reason: string | Reason): HeaderField {
  const { protocol, cause, text } =
    typeof reason === 'string' ? { protocol: 'SIP', cause: undefined, text: reason } : reason
  const parts = [protocol]
  if (cause !== undefined) parts.push(`cause=${cause}`)
  if (text !== undefined) parts.push(`text=${quote(text)}`)
  return ['Reason', parts.join(';')]
}

/** The first one; a text without parameters is all of it. Undefined: there is none. */
export function reasonOf(headers: Headers): Reason | undefined {
  const [value] = headers.list('reason')
  if (value === undefined) return undefined
  const parameters = parseParameters(value)
  const protocol = value.split(';', 1)[0]?.trim() ?? ''
  const [cause, text] = [parameters.get('cause') ?? '', parameters.get('text')]
  return {
    protocol,
    ...(/^\d{1,9}$/.test(cause) && { cause: Number(cause) }),
    ...(text !== undefined && { text }),
  }
}
