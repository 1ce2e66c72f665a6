/** Puts together the requests and responses that a native engine sends; it sends none. */
import type { LocalParty } from '../engine.ts'
import { Headers } from '../message/headers.ts'
import type { Identifiers } from '../message/identifiers.ts'
import { requestText, type Request, responseText } from '../message/message.ts'
import { reasonPhrase } from '../message/reason-phrase.ts'
import { bracketed, parseUri, quote } from '../message/uri.ts'
import { receivedVias } from '../message/via.ts'
import type { Arrival, Flow } from './flow.ts'
import { transportParameter } from './hop.ts'
import { ReplyPath, type Ways } from './reply-path.ts'

export type HeaderField = readonly [name: string, value: string]

/** What a message says of its engine. */
export interface Author {
  readonly identifiers: Identifiers
  readonly userAgent: string
}

export interface Built {
  request: Request
  /** Of its Via, as a string of its own: it outlives the message. */
  branch: string
  text: string
}

/** A request without its Via. */
interface Unfinished {
  method: string
  uri: string
  /** Without Content-Type and Content-Length. */
  headers: Headers
  body?: string
  /** Default: a session description. */
  contentType?: string
}

/** Completes a request with its Via, under a new branch or under `branch`. */
export function finish(
  author: Author,
  flow: Flow,
  { method, uri, headers, body = '', contentType = 'application/sdp' }: Unfinished,
  branch = author.identifiers.branch(),
): Built {
  const complete = new Headers().add('Via', viaValue(flow, branch)).append(headers)
  complete.add('User-Agent', author.userAgent)
  if (body !== '') complete.add('Content-Type', contentType)
  const request: Request = { kind: 'Request', version: 'SIP/2.0', method, uri, headers: complete, body }
  return { request, branch, text: requestText(request) }
}

/** `rport` asks for the answer to come to where the request came from (RFC 3581). */
function viaValue({ transport, sentBy }: Flow, branch: string): string {
  return `SIP/2.0/${transport} ${sentBy};branch=${branch};rport`
}

/** Our Contact: where the peer of the flow reaches us, by the same transport. */
export function contactUri({ transport, contact }: Flow, user: string): string {
  return `sip:${user === '' ? '' : `${user}@`}${contact}${transportParameter(transport)}`
}

/** What is the same in every request of one party outside a dialog (8.1.1), but for Via. */
export function outsideDialog(
  party: LocalParty,
  {
    method,
    to,
    callId,
    fromTag,
    sequence,
  }: { method: string; to: string; callId: string; fromTag: string; sequence: number },
): Headers {
  const { outboundProxy, nextHop, routes = [] } = party
  const headers = new Headers().add('Max-Forwards', '70')
  if (outboundProxy) {
    const { host, port, transport } = nextHop
    const parameter = transport === undefined ? '' : transportParameter(transport)
    headers.add('Route', `<sip:${bracketed(host)}${port === undefined ? '' : `:${port}`}${parameter};lr>`)
  }
  // RFC 3608 5: a service route is learned by a REGISTER and not for it.
  if (method !== 'REGISTER') headers.addAll('Route', routes)
  return headers
    .add('From', fromValue(party, fromTag))
    .add('To', `<${to}>`)
    .add('Call-ID', callId)
    .add('CSeq', `${sequence} ${method}`)
}

export function fromValue({ aor, displayName }: LocalParty, tag: string): string {
  return `${displayName === undefined ? '' : `${quote(displayName)} `}<${aor}>;tag=${tag}`
}

/** 10.2: the domain of an address-of-record, without its user. */
export function domainUri(aor: string): string {
  const uri = parseUri(aor)
  if (!uri) return aor
  return `${uri.scheme}:${bracketed(uri.host)}${uri.port === undefined ? '' : `:${uri.port}`}`
}

export interface ResponseOptions {
  code: number
  reason?: string | undefined
  /** Default: a new one, but for 100. */
  toTag?: string
  headers?: readonly HeaderField[]
  body?: string
}

/** 8.2.6: what a response repeats of its request, and what it adds. */
export function buildResponse(author: Author, request: Request, arrival: Arrival, options: ResponseOptions): string {
  const { code, reason = reasonPhrase(code), headers: extra = [], body = '' } = options
  const { headers } = request
  request.repeated ??= repeatedOf(headers, arrival)
  let lines = request.repeated + field('To', taggedTo(author, headers, options))
  // 12.1.1: they make the route set of the dialog, so a response that makes none need not have them.
  if (code > 100 && code < 300) lines += fields('Record-Route', headers.all('record-route'))
  for (const [name, value] of extra) lines += field(name, oneLine(value))
  lines += field('Server', author.userAgent)
  if (body !== '') lines += field('Content-Type', 'application/sdp')
  return responseText({ code, reason: oneLine(reason), lines, body })
}

function repeatedOf(headers: Headers, { flow }: Arrival): string {
  const rest = field('Call-ID', headers.callId) + field('CSeq', headers.get('cseq') ?? '')
  return fields('Via', receivedVias(headers, flow.remote)) + field('From', headers.get('from') ?? '') + rest
}

function field(name: string, value: string): string {
  return `${name}: ${value}\r\n`
}

function fields(name: string, values: readonly string[]): string {
  return values.map((value) => field(name, value)).join('')
}

/** 8.2.7: a response of which nothing is kept. The same request is told the same again, so its To tag is no secret of ours. */
export function respondOnce(
  engine: Author & { readonly ways: Ways },
  request: Request,
  arrival: Arrival,
  options: ResponseOptions,
): void {
  const { via } = request.headers
  if (!via || request.method === 'ACK') return
  const response = buildResponse(engine, request, arrival, { toTag: 'stateless', ...options })
  new ReplyPath(arrival, via, engine.ways).send(response)
}

function taggedTo(author: Author, headers: Headers, { code, toTag }: ResponseOptions): string {
  const to = headers.get('to') ?? ''
  if (code === 100 || headers.toTag !== undefined) return to
  return `${to};tag=${toTag ?? author.identifiers.tag()}`
}

/** What comes from outside must not begin a header field of its own. */
export function oneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, ' ') : text
}
