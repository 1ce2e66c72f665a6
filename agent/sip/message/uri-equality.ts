/** Whether two SIP URIs are the same one (RFC 3261 19.1.4); it changes and resolves neither. */
import { parseUri, type Uri } from './uri.ts'

/** Must be in both or in none: their absence does not mean their default. */
const DECISIVE = ['transport', 'user', 'ttl', 'method', 'maddr']

/**
 *     sip:%61lice@atlanta.com;transport=TCP      sip:alice@AtlanTa.CoM;Transport=tcp       the same
 *     sip:bob@biloxi.com                         sip:bob@biloxi.com:5060                   not
 *     sip:carol@chicago.com                      sip:carol@chicago.com;newparam=5          the same
 */
export function sameUri(one: string, other: string): boolean {
  if (one === other) return true
  const [left, right] = [parseUri(one), parseUri(other)]
  if (!left || !right || left.scheme !== right.scheme) return false
  return (
    userInfo(one) === userInfo(other) &&
    left.host.toLowerCase() === right.host.toLowerCase() &&
    left.port === right.port &&
    sameParameters(left, right) &&
    headersOf(one) === headersOf(other)
  )
}

/** User and password: their case counts, their escaping does not. */
function userInfo(text: string): string | undefined {
  const end = text.indexOf('@')
  return end < 0 ? undefined : normalized(text.slice(text.indexOf(':') + 1, end))
}

function sameParameters({ parameters: left }: Uri, { parameters: right }: Uri): boolean {
  const decisive = DECISIVE.every((name) => left.has(name) === right.has(name))
  return decisive && [...left].every(([name, value]) => !right.has(name) || same(value, right.get(name) ?? ''))
}

function same(one: string, other: string): boolean {
  return normalized(one).toLowerCase() === normalized(other).toLowerCase()
}

/** Never ignored, in any order. */
function headersOf(text: string): string {
  const start = text.indexOf('?')
  if (start < 0) return ''
  const fields = text.slice(start + 1).split('&')
  return fields
    .map((field) => {
      const [name = '', ...value] = field.split('=')
      return `${name.toLowerCase()}=${normalized(value.join('='))}`
    })
    .toSorted()
    .join('&')
}

/** Escapes of characters that need none are taken off, all others written in one way; what is reserved stays escaped (19.1.4). */
function normalized(text: string): string {
  return text.replaceAll(/%[\da-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return /[\w.!~*'()-]/.test(character) ? character : escape.toUpperCase()
  })
}
