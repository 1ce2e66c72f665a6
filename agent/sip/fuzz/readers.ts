/** Reads of a message all that the engine could want of it, so that what is read late is fuzzed as well. It judges nothing. */
import { parseChallenges, parseCredentials, parseInfo } from '../digest/fields.ts'
import type { Headers } from '../message/headers.ts'
import { receivedVias } from '../message/via.ts'
import { parseMessage, type Request, type Response, sessionDescription } from '../message/message.ts'
import { sameUri } from '../message/uri-equality.ts'
import { parseNameAddress, parseUri, schemeOf, splitList, unescaped } from '../message/uri.ts'
import { parseDescription } from '../sdp/parse.ts'
import { readAudio } from '../sdp/sdp.ts'
import { faultOf, unacceptable } from '../session/bad-request.ts'
import { sameOrigin } from '../session/glare.ts'
import { reasonOf } from '../session/reason.ts'
import { parseReferTo, parseReplaces } from '../session/replaces.ts'
import { agreedTerms, longerTimer, tooBrief } from '../session/session-timer.ts'

/** Everything that was read, so that nothing of it can be left out. */
export function readAll(bytes: Buffer): unknown[] {
  const parsed = parseMessage(bytes)
  const message = parsed.kind === 'Parsed' ? parsed.message : parsed.request
  if (!message) return []
  const { headers } = message
  const sdp = sessionDescription(message)
  return [
    ...[headers.callId, headers.fromTag, headers.toTag, headers.cseq, headers.via?.parameters, headers.toString()],
    receivedVias(headers, { host: '192.0.2.1', port: 5060 }),
    FIELDS.map(([key, read]) => headers.all(key).map(read)),
    ADDRESSES.map((key) => headers.list(key).map(readAddress)),
    reasonOf(headers),
    sdp === undefined ? undefined : [parseDescription(sdp), readAudio(sdp, ['PCMA', 'PCMU']), sameOrigin(sdp, sdp)],
    message.kind === 'Request' ? readRequest(message) : readResponse(message),
  ]
}

const readList = (value: string): unknown => [splitList(value), parseInfo(value)]

/** How the values of which header fields are read. */
const FIELDS: ReadonlyArray<readonly [key: Parameters<Headers['all']>[0], read: (value: string) => unknown]> = [
  ['www-authenticate', parseChallenges],
  ['proxy-authenticate', parseChallenges],
  ['authorization', parseCredentials],
  ['proxy-authorization', parseCredentials],
  ['authentication-info', parseInfo],
  ['replaces', parseReplaces],
  ['refer-to', parseReferTo],
  ...['require', 'supported', 'allow', 'accept', 'via', 'reason', 'session-expires', 'replaces', 'event'].map(
    (key) => [key, readList] as const,
  ),
]

const ADDRESSES = ['from', 'to', 'contact', 'route', 'record-route', 'refer-to', 'referred-by']

function readAddress(value: string): unknown {
  const address = parseNameAddress(value)
  return address && [address, readUri(address.uri)]
}

function readUri(text: string): unknown {
  const uri = parseUri(text)
  return [schemeOf(text), uri, unescaped(uri?.user ?? '')]
}

function readRequest(request: Request): unknown {
  return [
    readUri(request.uri),
    faultOf(request, parseUri(request.uri)),
    unacceptable(request),
    tooBrief(request),
    sameUri(request.uri, request.uri),
  ]
}

function readResponse(response: Response): unknown {
  return [agreedTerms(response), longerTimer(response, { expires: 1_800 })]
}
