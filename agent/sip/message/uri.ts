/** SIP URIs, name-addr and parameter lists (RFC 3261 19.1, 20, 25.1), read with tolerance; nothing here resolves a name or throws. */

export interface Uri {
  /** `sip`, `sips`, `tel`, or another one in lower case. */
  scheme: string
  /** As written, still escaped; for `tel` the number. */
  user?: string
  /** Without a port; an IPv6 address without its brackets. Empty for `tel`. */
  host: string
  port?: number
  parameters: ReadonlyMap<string, string>
}

/** `"Bob" <sip:bob@example.com>;tag=1`: the parameters are the header's, not the URI's. */
export interface NameAddress {
  displayName?: string
  uri: string
  parameters: ReadonlyMap<string, string>
}

const SIP_URI = /^(sips?):(?:([^@<>]*)@)?(\[[^\]]*\]|[^:;?<>@]*)(?::(\d{1,5}))?((?:;[^?]*)?)(?:\?.*)?$/i

/** Undefined when it is no SIP, SIPS or TEL URI, or has no host. */
export function parseUri(text: string): Uri | undefined {
  const trimmed = text.trim()
  // A bare one is no part of anything, and ends a line for many who read what we send on.
  if (trimmed.includes('\r')) return undefined
  const match = SIP_URI.exec(trimmed)
  if (!match) return parseTel(trimmed)
  const [, scheme = '', userinfo, host = '', port, parameters = ''] = match
  if (host === '' || (port !== undefined && !isPort(Number(port)))) return undefined
  // A password is never used (RFC 3261 19.1.1) and is cut off with its colon.
  const user = userinfo?.split(':', 1)[0]
  return {
    scheme: scheme.toLowerCase(),
    ...(user !== undefined && { user }),
    host: unbracketed(host),
    ...(port !== undefined && { port: Number(port) }),
    parameters: parseParameters(parameters),
  }
}

/** One that can be sent to. */
export function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535
}

function parseTel(text: string): Uri | undefined {
  const match = /^tel:([^;]+)(;.*)?$/i.exec(text)
  if (!match) return undefined
  return { scheme: 'tel', user: match[1] ?? '', host: '', parameters: parseParameters(match[2] ?? '') }
}

/** The scheme of anything that looks like a URI, in lower case. */
export function schemeOf(text: string): string | undefined {
  return /^\s*([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
}

/** `%41` becomes `A`; what is not validly escaped stays as it is. */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** An IPv6 address is put in brackets; a name that has them keeps them. */
export function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

function unbracketed(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host
}

/** Reads From, To, Contact, Route and their like. Without angle brackets the parameters belong to the header (RFC 3261 20.10). */
export function parseNameAddress(value: string): NameAddress | undefined {
  const open = indexOutsideQuotes(value, '<')
  if (open < 0) {
    const end = value.indexOf(';')
    const uri = (end < 0 ? value : value.slice(0, end)).trim()
    return uri === '' ? undefined : { uri, parameters: end < 0 ? NONE : parseParameters(value.slice(end)) }
  }
  const close = value.indexOf('>', open)
  if (close < 0) return undefined
  const displayName = unquote(value.slice(0, open).trim())
  return {
    ...(displayName !== '' && { displayName }),
    uri: value.slice(open + 1, close).trim(),
    parameters: parseParameters(value.slice(close + 1)),
  }
}

/** The tag of a From or To; undefined when there is none. Faster than reading all of it, since every message needs it. */
export function tagOf(value: string): string | undefined {
  const start = Math.max(0, value.lastIndexOf('>'))
  // Where nearly all of them have it, right behind the URI, it is read without the price of a regular expression.
  if (value.startsWith(';tag=', start + 1)) {
    const from = start + 1 + ';tag='.length
    let end = from
    while (end < value.length && !endsTag(value.charCodeAt(end))) end++
    if (end > from) return value.slice(from, end)
  }
  if (!value.includes(';', start)) return undefined
  return /;[ \t]*tag[ \t]*=[ \t]*([^;,\s]+)/i.exec(value.slice(start))?.[1]
}

/** A semicolon, a comma, a blank or a control character. */
function endsTag(code: number): boolean {
  return code === 59 || code === 44 || code <= 32
}

const NONE: ReadonlyMap<string, string> = new Map()

/** `;a=1;b` as a map: names in lower case, the value of a flag is empty, quotes are taken off. */
export function parseParameters(text: string): ReadonlyMap<string, string> {
  if (!text.includes(';')) return NONE
  const parameters = new Map<string, string>()
  for (const part of splitOutsideQuotes(text, ';')) {
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase()
    if (name !== '') parameters.set(name, equals < 0 ? '' : unquote(part.slice(equals + 1).trim()))
  }
  return parameters
}

/** The elements of a comma-separated header value; commas in quotes and in angle brackets separate nothing. */
export function splitList(value: string): string[] {
  if (!value.includes(',')) return value.trim() === '' ? [] : [value.trim()]
  return splitOutsideQuotes(value, ',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  let bracketed = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (quoted) {
      if (character === '\\') index++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '<') bracketed = true
    else if (character === '>') bracketed = false
    else if (character === separator && !bracketed) {
      parts.push(text.slice(start, index))
      start = index + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

function indexOutsideQuotes(text: string, wanted: string): number {
  let quoted = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    if (quoted && character === '\\') index++
    else if (character === '"') quoted = !quoted
    else if (!quoted && character === wanted) return index
  }
  return -1
}

/** Takes quotes and the escapes in them off; anything else is given back as it is. */
export function unquote(text: string): string {
  if (!text.startsWith('"')) return text
  const end = text.endsWith('"') && text.length > 1 ? -1 : undefined
  return text.slice(1, end).replaceAll(/\\(.)/g, '$1')
}

/** A quoted-string (RFC 3261 25.1). */
export function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll(/[\r\n]/g, ' ')}"`
}
