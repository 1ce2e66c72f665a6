/** SIP messages to and from bytes (RFC 3261 section 7, 25.1): a tolerant reader that never throws, and a writer. It judges only what it needs to read on. */
import { Headers } from './headers.ts'

export interface Request {
  kind: 'Request'
  method: string
  uri: string
  /** As written, e.g. `SIP/2.0`. */
  version: string
  headers: Headers
  body: string
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
  | { kind: 'Parsed'; message: Message }
  /** `request` is there when it is whole enough to be answered with 400. */
  | { kind: 'Malformed'; reason: string; request?: Request }

/** Bounds against a hostile peer. A UDP datagram cannot be longer; over TCP it bounds what is collected. */
export const MOST_BYTES = 65_535
export const MOST_HEADERS = 256

const LF = 10
const CR = 13

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
  const head = headEnd(bytes, start)
  const text = bytes.toString('utf8', start, head.end)
  const lineEnd = text.indexOf('\n')
  const startLine = (lineEnd < 0 ? text : text.slice(0, lineEnd)).trimEnd()
  const headers = lineEnd < 0 ? new Headers() : parseHeaders(text, lineEnd + 1)
  if (!headers) return malformed(`it has more than ${MOST_HEADERS} header fields`)
  const message = parseStartLine(startLine, headers)
  if (!message) return malformed('its first line is neither a request nor a status line')
  const reason = unreadable(message) ?? readBody(message, bytes, head.body)
  if (reason === undefined) return { kind: 'Parsed', message }
  return message.kind === 'Request' && headers.via ? { kind: 'Malformed', reason, request: message } : malformed(reason)
}

function malformed(reason: string): Parsed {
  return { kind: 'Malformed', reason }
}

/** Where the header fields end and the body begins; without an empty line all of it is header. */
function headEnd(bytes: Buffer, start: number): { end: number; body: number } {
  const crlf = bytes.indexOf('\r\n\r\n', start, 'latin1')
  const lf = bytes.indexOf('\n\n', start, 'latin1')
  if (crlf < 0 && lf < 0) return { end: bytes.length, body: bytes.length }
  if (crlf >= 0 && (lf < 0 || crlf < lf)) return { end: crlf, body: crlf + 4 }
  return { end: lf, body: lf + 2 }
}

function parseHeaders(text: string, from: number): Headers | undefined {
  const headers = new Headers()
  let position = from
  while (position < text.length) {
    if (headers.length >= MOST_HEADERS) return undefined
    let end = lineEndFrom(text, position)
    let line = text.slice(position, end)
    position = end + 1
    // 7.3.1: folding stands for one blank.
    while (position < text.length && isBlank(text.charCodeAt(position))) {
      end = lineEndFrom(text, position)
      line = `${line.trimEnd()} ${text.slice(position, end).trim()}`
      position = end + 1
    }
    const colon = line.indexOf(':')
    // A line that is no header is passed over: the rest of the message may be all that is needed.
    if (colon > 0) headers.add(line.slice(0, colon).trim(), line.slice(colon + 1).trim())
  }
  return headers
}

function lineEndFrom(text: string, position: number): number {
  const end = text.indexOf('\n', position)
  return end < 0 ? text.length : end
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

const STATUS_LINE = /^(SIP\/\d+\.\d+)[ \t]+(\d{3})(?:[ \t]+(.*))?$/i
const REQUEST_LINE = /^([!%'*+\-.\w`~]+)[ \t]+(\S(?:.*\S)?)[ \t]+(SIP\/\d+\.\d+)$/i

function parseStartLine(line: string, headers: Headers): Message | undefined {
  const status = STATUS_LINE.exec(line)
  if (status) {
    const [, version = '', code = '', reason = ''] = status
    if (Number(code) < 100 || Number(code) > 699) return undefined
    return { kind: 'Response', version: version.toUpperCase(), code: Number(code), reason, headers, body: '' }
  }
  const request = REQUEST_LINE.exec(line)
  if (!request) return undefined
  const [, method = '', uri = '', version = ''] = request
  return { kind: 'Request', version: version.toUpperCase(), method, uri, headers, body: '' }
}

/** RFC 3261 8.1.1: the header fields without which no message can be matched with anything. */
function unreadable({ headers, ...message }: Message): string | undefined {
  if (!headers.via) return 'it has no Via that can be read'
  if (headers.callId === '') return 'it has no Call-ID'
  if (headers.get('from') === undefined) return 'it has no From'
  if (headers.get('to') === undefined) return 'it has no To'
  if (!headers.cseq) return 'it has no CSeq that can be read'
  if (message.kind === 'Request' && headers.cseq.method !== message.method) return 'its CSeq names another method'
  return undefined
}

/** Sets the body; a reason when it is cut off (18.3). What a datagram holds beyond Content-Length is no part of it. */
function readBody(message: Message, bytes: Buffer, start: number): string | undefined {
  const stated = message.headers.get('content-length')
  if (stated !== undefined && !/^\d{1,9}$/.test(stated)) return 'its Content-Length is no number'
  const end = stated === undefined ? bytes.length : start + Number(stated)
  if (end > bytes.length) return 'it is shorter than its Content-Length says'
  if (end > start) message.body = bytes.toString('utf8', start, end)
  return undefined
}

/** Content-Length is added here; `headers` must not have it. */
export function requestBytes({ method, uri, headers, body }: Omit<Request, 'kind' | 'version'>): Buffer {
  return Buffer.from(
    `${method} ${uri} SIP/2.0\r\n${headers.toString()}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** Content-Length is added here; `headers` must not have it. */
export function responseBytes({ code, reason, headers, body }: Omit<Response, 'kind' | 'version'>): Buffer {
  return Buffer.from(
    `SIP/2.0 ${code} ${reason}\r\n${headers.toString()}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/** The body when it is a session description; undefined when there is none. */
export function sessionDescription({ headers, body }: Message): string | undefined {
  if (body === '') return undefined
  const type = headers.get('content-type')
  return type === undefined || /^application\/sdp\b/i.test(type) ? body : undefined
}

/** RFC 3261 21 and the registry; what a code is called when nobody says otherwise. */
const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  423: 'Interval Too Brief',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  491: 'Request Pending',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
}

const CLASSES = ['', 'Trying', 'OK', 'Redirected', 'Request Failure', 'Server Failure', 'Global Failure']

export function reasonPhrase(code: number): string {
  return REASONS[code] ?? CLASSES[Math.floor(code / 100)] ?? 'Unknown'
}
