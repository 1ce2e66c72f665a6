import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MOST_HEADERS } from './headers.ts'
import { receivedVias } from './via.ts'
import { type Message, parseMessage, requestText, responseText, sessionDescription } from './message.ts'

/** RFC 3261 24.2, F1. */
const INVITE = [
  'INVITE sip:bob@biloxi.com SIP/2.0',
  'Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8',
  'Max-Forwards: 70',
  'To: Bob <sip:bob@biloxi.com>',
  'From: Alice <sip:alice@atlanta.com>;tag=1928301774',
  'Call-ID: a84b4c76e66710@pc33.atlanta.com',
  'CSeq: 314159 INVITE',
  'Contact: <sip:alice@pc33.atlanta.com>',
  'Content-Type: application/sdp',
  'Content-Length: 4',
  '',
  'v=0\n',
].join('\r\n')

/** RFC 3261 24.2, F11: three Vias, of which two stand in one line here. */
const OK = [
  'SIP/2.0 200 OK',
  'Via: SIP/2.0/UDP server10.biloxi.com;branch=z9hG4bKnashds8;received=192.0.2.3',
  'Via: SIP/2.0/UDP bigbox3.site3.atlanta.com;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.2,SIP/2.0/UDP pc33.atlanta.com',
  ' ;branch=z9hG4bKnashds8 ;received=192.0.2.1',
  'To: Bob <sip:bob@biloxi.com>;tag=a6c85cf',
  'From: Alice <sip:alice@atlanta.com>;tag=1928301774',
  'Call-ID: a84b4c76e66710@pc33.atlanta.com',
  'CSeq: 314159 INVITE',
  'Contact: <sip:bob@192.0.2.4>',
  'Content-Length: 0',
  '',
  '',
].join('\r\n')

function parse(text: string): Message {
  const parsed = parseMessage(Buffer.from(text))
  if (parsed.kind === 'Malformed') throw new Error(parsed.reason)
  return parsed.message
}

function reasonOf(text: string): string {
  const parsed = parseMessage(Buffer.from(text))
  return parsed.kind === 'Malformed' ? parsed.reason : 'none'
}

describe('reading messages', () => {
  test('a request', () => {
    const message = parse(INVITE)
    expect(message).toMatchObject({ kind: 'Request', method: 'INVITE', uri: 'sip:bob@biloxi.com', body: 'v=0\n' })
    expect(message.headers.cseq).toEqual({ number: 314159, method: 'INVITE' })
    expect(message.headers.via).toMatchObject({ transport: 'UDP', host: 'pc33.atlanta.com', branch: 'z9hG4bKnashds8' })
    expect([message.headers.fromTag, message.headers.toTag]).toEqual(['1928301774', undefined])
    expect(sessionDescription(message)).toBe('v=0\n')
  })

  test('a response with folded and joined Vias', () => {
    const message = parse(OK)
    expect(message).toMatchObject({ kind: 'Response', code: 200, reason: 'OK', body: '' })
    expect(message.headers.all('via')).toHaveLength(2)
    expect(message.headers.list('via')).toEqual([
      'SIP/2.0/UDP server10.biloxi.com;branch=z9hG4bKnashds8;received=192.0.2.3',
      'SIP/2.0/UDP bigbox3.site3.atlanta.com;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.2',
      'SIP/2.0/UDP pc33.atlanta.com ;branch=z9hG4bKnashds8 ;received=192.0.2.1',
    ])
    expect(sessionDescription(message)).toBeUndefined()
  })

  test('compact forms are the headers they stand for, in any case', () => {
    const compact = INVITE.replace('Via:', 'v:')
      .replace('To:', 'T :')
      .replace('From:', 'f:')
      .replace('Call-ID:', 'I:')
      .replace('Content-Type:', 'c:')
      .replace('Content-Length:', 'L:')
      .replace('CSeq:', 'cSEQ:')
    const message = parse(compact)
    expect(message.headers.callId).toBe('a84b4c76e66710@pc33.atlanta.com')
    expect(message.headers.via?.branch).toBe('z9hG4bKnashds8')
    expect(message.body).toBe('v=0\n')
  })

  test('order, unknown headers and their spelling are kept', () => {
    const message = parse(INVITE.replace('Max-Forwards: 70', 'x-UNKNOWN:  a, b \r\nMax-Forwards: 70'))
    const lines = message.headers.toString().split('\r\n')
    expect(lines[1]).toBe('x-UNKNOWN: a, b')
    expect(lines[2]).toBe('Max-Forwards: 70')
  })

  test.each([
    ['empty lines before it', `\r\n\r\n${INVITE}`],
    ['line ends of LF alone', INVITE.replaceAll('\r\n', '\n')],
    ['blanks around the Via’s slashes', INVITE.replace('SIP/2.0/UDP pc33', 'SIP / 2.0 / UDP   pc33')],
    ['a line that is no header', INVITE.replace('Max-Forwards: 70', 'no header at all')],
    ['more bytes than Content-Length', `${INVITE}garbage`],
    ['no Content-Length', INVITE.replace('Content-Length: 4\r\n', '')],
  ])('%s does no harm', (_, text) => {
    const message = parse(text)
    expect(message).toMatchObject({ kind: 'Request', method: 'INVITE', body: 'v=0\n' })
    expect(message.headers.via?.host).toBe('pc33.atlanta.com')
  })

  test.each([
    ['nothing', '', /first line/],
    ['another protocol', 'GET / HTTP/1.1\r\n\r\n', /first line/],
    ['a code out of range', OK.replace('200', '999'), /first line/],
    ['no Via', INVITE.replace('Via:', 'X:'), /no Via/],
    ['a Via without meaning', INVITE.replace('SIP/2.0/UDP', 'nonsense'), /no Via/],
    ['no Call-ID', INVITE.replace('Call-ID:', 'X:'), /no Call-ID/],
    ['no From', INVITE.replace('From:', 'X:'), /no From/],
    ['no To', INVITE.replace('To:', 'X:'), /no To/],
    ['a CSeq that is no number', INVITE.replace('314159', 'many'), /no CSeq/],
    ['a CSeq beyond 32 bits', INVITE.replace('314159', '4294967296'), /no CSeq/],
    ['a CSeq of another method', INVITE.replace('314159 INVITE', '314159 BYE'), /another method/],
    ['a body that was cut off', INVITE.replace('Length: 4', 'Length: 5'), /shorter/],
    ['a Content-Length that is no number', INVITE.replace('Length: 4', 'Length: -4'), /no number/],
    ['too many headers', INVITE.replace('Max-Forwards: 70', 'X: 1\r\n'.repeat(MOST_HEADERS)), /more than 256/],
    ['too many bytes', INVITE + 'x'.repeat(70_000), /longer/],
  ])('%s is malformed, with its reason', (_, text, reason) => {
    expect(reasonOf(text)).toMatch(reason)
  })

  test.each([
    ['INVITE sip:b@b SIP/2.0', 'INVITE', 'sip:b@b'],
    ['INVITE  sip:b@b SIP/2.0', 'INVITE', 'sip:b@b'],
    ['INVITE sip:b@b  SIP/2.0', 'INVITE', 'sip:b@b'],
    ['INVITE\tsip:b@b\tsip/2.0', 'INVITE', 'sip:b@b'],
    ['INVITE sip:b b@b SIP/2.0', 'INVITE', 'sip:b b@b'],
    ['INVITE sip:b\tb SIP/2.0', 'INVITE', 'sip:b\tb'],
    ['NEWMETHOD sip:b@b SIP/2.0', 'NEWMETHOD', 'sip:b@b'],
  ])('the request line %j', (line, method, uri) => {
    const text = INVITE.replace(/^.*/, () => line).replace('314159 INVITE', `314159 ${method}`)
    expect(parse(text)).toMatchObject({ kind: 'Request', version: 'SIP/2.0', method, uri })
  })

  test.each(['INVITE SIP/2.0', 'INVITE  SIP/2.0', ' sip:b@b SIP/2.0', 'INVITE sip:b@b HTTP/1.1', 'SIP/2.0 1e2 x'])(
    'the first line %j is none',
    (line) => {
      expect(reasonOf(INVITE.replace(/^.*/, () => line))).toMatch(/first line/)
    },
  )

  test('what can be answered with 400 comes with its request', () => {
    const parsed = parseMessage(Buffer.from(INVITE.replace('314159', 'many')))
    expect(parsed).toMatchObject({ kind: 'Malformed', request: { method: 'INVITE' } })
  })

  test('no bytes make it throw', () => {
    const pieces = INVITE.split(/(?<=[\s:;=@/])/)
    const cut = fc
      .tuple(fc.nat(INVITE.length), fc.nat(INVITE.length), fc.string())
      .map(([from, length, insert]) => INVITE.slice(0, from) + insert + INVITE.slice(from + length))
    const shuffled = fc.shuffledSubarray(pieces).map((parts) => parts.join(''))
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map((each) => Buffer.from(each)),
      cut.map((each) => Buffer.from(each)),
      shuffled.map((each) => Buffer.from(each)),
    )
    fc.assert(
      fc.property(bytes, (input) => {
        const parsed = parseMessage(input)
        expect(['Parsed', 'Malformed']).toContain(parsed.kind)
        if (parsed.kind === 'Parsed') receivedVias(parsed.message.headers, { host: '192.0.2.1', port: 1 })
      }),
      { numRuns: 5000 },
    )
  })
})

describe('writing messages', () => {
  test('what is written is read as the same', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9.-]{1,12}$/)
    const value = fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(token, value)), fc.string(), (extra, body) => {
        const { headers } = parse(OK)
        const count = headers.length
        for (const [name, text] of extra) headers.add(`X-${name}`, text)
        const plain = parse(
          responseText({
            code: 183,
            reason: 'Session Progress',
            lines: withoutLength(headers).toString(),
            body,
          }).toString(),
        )
        expect(plain).toMatchObject({ kind: 'Response', code: 183, reason: 'Session Progress', body })
        // One more: Content-Length.
        expect(plain.headers.length).toBe(count + extra.length + 1)
        for (const [name, text] of extra) expect(plain.headers.all(`x-${name.toLowerCase()}`)).toContain(text)
      }),
    )
  })

  test('Content-Length counts bytes, not characters', () => {
    const { headers } = parse(INVITE)
    const bytes = requestText({ method: 'INVITE', uri: 'sip:a@b', headers: withoutLength(headers), body: 'ü€' })
    expect(bytes.toString()).toMatch(/Content-Length: 5\r\n\r\nü€$/)
  })
})

describe('the Via of what was received', () => {
  const received = (via: string) =>
    receivedVias(parse(INVITE.replace('SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKnashds8', via)).headers, {
      host: '192.0.2.1',
      port: 5099,
    })

  test.each([
    ['SIP/2.0/UDP pc33;branch=z9hG4bK1', ['SIP/2.0/UDP pc33;branch=z9hG4bK1;received=192.0.2.1']],
    ['SIP/2.0/UDP 192.0.2.1:5099;branch=z9hG4bK1', ['SIP/2.0/UDP 192.0.2.1:5099;branch=z9hG4bK1']],
    [
      'SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK1',
      ['SIP/2.0/UDP 192.0.2.1;rport=5099;branch=z9hG4bK1;received=192.0.2.1'],
    ],
    [
      'SIP/2.0/UDP pc33;branch=z9hG4bK1;received=10.0.0.1;rport=7',
      ['SIP/2.0/UDP pc33;branch=z9hG4bK1;rport=5099;received=192.0.2.1'],
    ],
    [
      'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP b',
      ['SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1', 'SIP/2.0/UDP b'],
    ],
  ])('%s', (via, expected) => {
    expect(received(via)).toEqual(expected)
  })
})

function withoutLength(headers: Message['headers']): Message['headers'] {
  const text = headers.toString().replace(/^Content-Length:.*\r\n/m, 'X-Length: removed\r\n')
  return parse(`OPTIONS sip:a SIP/2.0\r\n${text.replace(/^CSeq:.*$/m, 'CSeq: 1 OPTIONS')}\r\n`).headers
}
