/** Which requests that could be read are refused all the same: faults that leave open what is meant (RFC 3261 21.4.1), and what no answer of ours can please (21.4.7). It answers nothing. */
import type { ResponseOptions } from '../transport/build.ts'
import type { Headers } from '../message/headers.ts'
import type { Request } from '../message/message.ts'
import { schemeOf, type Uri } from '../message/uri.ts'

/**
 * What is wrong, for the reason phrase; undefined when nothing is.
 * @param target the Request-URI, when it can be read
 */
export function faultOf({ uri, headers }: Request, target: Uri | undefined): string | undefined {
  const scheme = target?.scheme ?? schemeOf(uri)
  if (scheme === undefined || /\s/.test(uri)) return 'its Request-URI is no URI'
  if ((scheme === 'sip' || scheme === 'sips') && !target) return `its Request-URI is no ${scheme} URI`
  // RFC 3261 7.3.1: which of two would count is anybody's guess.
  if (headers.doubled !== undefined) return `it has more than one ${headers.doubled}`
  if (isOpen(headers.get('from')) || isOpen(headers.get('to'))) return 'a quoted string does not end'
  if (hasEmptyParts(headers)) return 'a part of its Via is empty'
  return undefined
}

/** A quote is opened and not closed (25.1): where the URI begins cannot be known. */
function isOpen(value = ''): boolean {
  let open = false
  for (let at = value.indexOf('"'); at >= 0; at = value.indexOf('"', at + 1)) {
    if (!open) open = true
    else if (!isEscaped(value, at)) open = false
  }
  return open
}

/** An odd number of backslashes before it. */
function isEscaped(value: string, at: number): boolean {
  let backslashes = 0
  while (value[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

/** The way back is read from the Via: `;;` or `,,` in it says that something was lost. */
function hasEmptyParts(headers: Headers): boolean {
  return headers.all('via').some((value) => /[;,][ \t]*(?:[;,]|$)/.test(value))
}

/** 20.1: an INVITE that takes no session description, while our answer could be nothing else. Without an Accept it takes one. */
export function unacceptable({ method, headers }: Request): ResponseOptions | undefined {
  const accepted = method === 'INVITE' ? headers.list('accept') : []
  const takes = (each: string): boolean => /^(?:application\/(?:sdp|\*)|\*\/\*)\s*(?:;|$)/i.test(each)
  return accepted.length === 0 || accepted.some(takes) ? undefined : { code: 406 }
}
