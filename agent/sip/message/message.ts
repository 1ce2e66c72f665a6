/** SIP messages to and from bytes (RFC 3261 section 7, 25.1): a tolerant reader that never throws, and a writer. It judges only what it needs to read on. */
import { excessOf, SMALL } from './bounds.ts'
import { type Headers, MOST_HEADERS, readHeaders, unfold } from './headers.ts'
import { METHODS, methodAt } from './methods.ts'

export interface Request {
  kind: 'Request'
  method: string
  uri: string
  /** As written, e.g. `SIP/2.0`. */
  version: string
  headers: Headers
  body: string
  /** The header lines that each of its responses repeats (8.2.6), once there was one. */
  repeated?: string
}

export interface Response {
  kind: 'Response'
  code: number
  reason: string
  version: string
  headers: Headers
  body: string
}

export type Message = Request | Response

export type Parsed =
  /** `text` is all of it, decoded, but for empty lines before it. */
  | { kind: 'Parsed'; message: Message; text: string }
  /** `request` is there when it is whole enough to be answered with 400. */
  | { kind: 'Malformed'; reason: string; request?: Request }

/** Bound against a hostile peer. A UDP datagram cannot be longer; over a stream it bounds what is collected. */
export const MOST_BYTES = 65_535

const LF = 10
const CR = 13
const BLANK = 32

/**
 *     INVITE sip:bob@example.com SIP/2.0      start line
 *     Via: SIP/2.0/UDP host;branch=z9hG4bK1   header fields; a line that begins with a blank continues the one before
 *                                             an empty line
 *     v=0 ...                                 body: Content-Length bytes, or over UDP all that is left
 *
 * Lines may end with CRLF or with LF alone; empty lines before the start line are passed over (7.5).
 */
export function parseMessage(bytes: Buffer): Parsed {
  if (bytes.length > MOST_BYTES) return malformed(`it is longer than ${MOST_BYTES} bytes`)
  let start = 0
  while (bytes[start] === CR || bytes[start] === LF) start++
  const text = bytes.toString('utf8', start)
  const read = readHead(text)
  if (read.kind === 'TooMany') return malformed(`it has more than ${MOST_HEADERS} header fields`)
  const { message, body } = read
  if (!message) return malformed('its first line is neither a request nor a status line')
  const excess = bytes.length > SMALL ? excessOf(message.headers) : undefined
  if (excess !== undefined) return malformed(excess)
  const reason = unreadable(message) ?? readBody(message, { bytes, text, start, body })
  if (reason === undefined) return { kind: 'Parsed', message, text }
  return message.kind === 'Request' && message.headers.via
    ? { kind: 'Malformed', reason, request: message }
    : malformed(reason)
}

function malformed(reason: string): Parsed {
  return { kind: 'Malformed', reason }
}

/** `body`: where the text of the body begins. */
type Head = { kind: 'Head'; message: Message | undefined; body: number } | { kind: 'TooMany' }

function readHead(text: string): Head {
  const lineEnd = text.indexOf('\n')
  const from = lineEnd < 0 ? text.length : lineEnd + 1
  const block = readHeaders(text, from)
  switch (block.kind) {
    case 'TooMany':
      return { kind: 'TooMany' }
    case 'Folded': {
      const body = bodyStart(text)
      const unfolded = readHead(`${unfold(text.slice(0, body).trimEnd())}\n\n`)
      return unfolded.kind === 'Head' ? { ...unfolded, body } : unfolded
    }
    case 'Block': {
      const line = text.slice(0, lineEnd < 0 ? text.length : lineEnd).trimEnd()
      return { kind: 'Head', message: parseStartLine(line, block.headers), body: block.body }
    }
  }
}

/** After the first empty line; without one all of it is header. */
function bodyStart(text: string): number {
  const end = /\r?\n\r?\n/.exec(text)
  return end ? end.index + end[0].length : text.length
}

const STATUS_LINE = /^(SIP\/\d+\.\d+)[ \t]+(\d{3})(?:[ \t](.*))?$/i
const METHOD = /^[!%'*+\-.\w`~]+$/
const VERSION = /^SIP\/\d+\.\d+$/i

function parseStartLine(line: string, headers: Headers): Message | undefined {
  // The shape that every good server sends, without the price of a regular expression.
  if (line.startsWith('SIP/2.0 ') && line.charCodeAt(11) === BLANK && line.charCodeAt(12) > BLANK) {
    return response({ version: 'SIP/2.0', code: numberOf(line, 8), reason: line.slice(12), headers })
  }
  const status = STATUS_LINE.exec(line)
  if (status) {
    const [, version = '', code = '', reason = ''] = status
    return response({ version: version.toUpperCase(), code: numberOf(code, 0), reason: reason.trim(), headers })
  }
  return request(line, headers)
}

/** The first and the last word; all between them is the Request-URI, whatever it holds. */
function request(line: string, headers: Headers): Request | undefined {
  // The shape that every good client sends, likewise.
  const space = line.indexOf(' ')
  const known = METHODS[methodAt(line, 0, space)]
  if (known !== undefined && line.endsWith(' SIP/2.0') && line.lastIndexOf(' ', line.length - 9) === space) {
    const uri = line.slice(space + 1, line.length - 8)
    if (/^\S+$/.test(uri)) return { kind: 'Request', version: 'SIP/2.0', method: known, uri, headers, body: '' }
  }
  const method = /^\S+/.exec(line)?.[0] ?? ''
  const version = line.slice(lastBlank(line) + 1)
  const uri = line.slice(method.length, line.length - version.length).trim()
  if (uri === '' || !METHOD.test(method) || !VERSION.test(version)) return undefined
  return { kind: 'Request', version: version.toUpperCase(), method, uri, headers, body: '' }
}

/** Undefined when the code is none. */
function response({ version, code, reason, headers }: Omit<Response, 'kind' | 'body'>): Response | undefined {
  if (!(code >= 100 && code < 700)) return undefined
  return { kind: 'Response', version, code, reason, headers, body: '' }
}

const ZERO = 48

/** Three digits; NaN: not all of them are. By hand: every response needs it. */
function numberOf(text: string, at: number): number {
  let number = 0
  for (let index = at; index < at + 3; index++) {
    const digit = text.charCodeAt(index) - ZERO
    number = digit >= 0 && digit <= 9 ? number * 10 + digit : NaN
  }
  return number
}

function lastBlank(line: string): number {
  return Math.max(line.lastIndexOf(' '), line.lastIndexOf('\t'))
}

/** RFC 3261 8.1.1: the header fields without which no message can be matched with anything. */
function unreadable(message: Message): string | undefined {
  const { headers } = message
  // A response is found by its branch alone.
  if ((message.kind === 'Request' || headers.branch === '') && !headers.via) return 'it has no Via that can be read'
  if (headers.callId === '') return 'it has no Call-ID'
  if (!headers.has('from')) return 'it has no From'
  if (!headers.has('to')) return 'it has no To'
  if (!headers.cseq) return 'it has no CSeq that can be read'
  if (message.kind === 'Request' && headers.cseq.method !== message.method) return 'its CSeq names another method'
  return undefined
}

interface Body {
  bytes: Buffer
  text: string
  /** Where `text` begins in `bytes`, and where the body begins in `text`. */
  start: number
  body: number
}

/** Sets the body; a reason when it is cut off (18.3). What a datagram holds beyond Content-Length is no part of it. */
function readBody(message: Message, { bytes, text, start, body }: Body): string | undefined {
  const stated = message.headers.get('content-length')
  if (stated !== undefined && !/^\d{1,9}$/.test(stated)) return 'its Content-Length is no number'
  // No character stands for less than a byte: with as many of them as bytes, each is one, and places in the text are places in the bytes.
  const even = text.length === bytes.length - start
  // Otherwise they are looked for in the bytes: what is no UTF-8 has another length as text.
  const from = start + (even ? body : bodyStart(bytes.toString('latin1', start)))
  const end = stated === undefined ? bytes.length : from + Number(stated)
  if (end > bytes.length) return 'it is shorter than its Content-Length says'
  if (end > from) message.body = even ? text.slice(body, end - start) : bytes.toString('utf8', from, end)
  return undefined
}

/** Content-Length is added here; `headers` must not have it. */
export function requestText({ method, uri, headers, body }: Omit<Request, 'kind' | 'version'>): string {
  return `${method} ${uri} SIP/2.0\r\n${headers.toString()}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** Content-Length is added here; `lines`, the header fields as they are sent, must not have it. */
export function responseText(response: { code: number; reason: string; lines: string; body: string }): string {
  const { code, reason, lines, body } = response
  return `SIP/2.0 ${code} ${reason}\r\n${lines}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** The body when it is a session description; undefined when there is none. */
export function sessionDescription({ headers, body }: Message): string | undefined {
  return body !== '' && describesSession(headers) ? body : undefined
}

/** Whether a body with these header fields is a session description: one that does not say what it is, is taken to be one. */
export function describesSession(headers: Headers): boolean {
  return /^application\/sdp\b/i.test(headers.get('content-type') ?? 'application/sdp')
}
