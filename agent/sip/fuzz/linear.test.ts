import { expect, test } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { tooLong } from '../../../lib/fuzz/watch.ts'
import { readAll } from './readers.ts'

/** Characters: what is read in the square of it takes seconds, what is read in one go well under a millisecond. */
const LENGTH = 40_000

const GOOD: Readonly<Record<string, string>> = {
  Via: 'SIP/2.0/UDP h;branch=z9hG4bKx',
  From: '<sip:a@b>;tag=1',
  To: '<sip:c@d>',
  'Call-ID': 'x',
  CSeq: '1 INVITE',
  'Content-Length': '0',
}

/** What stands before the part that is repeated, by header field. */
const BEGINNINGS: Readonly<Record<string, readonly string[]>> = {
  Via: [
    '',
    'SIP',
    'SIP/2.0/',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0/UDP h',
    'SIP/2.0/UDP h:',
    'SIP/2.0/UDP h;rport',
    'SIP/2.0/UDP h;rport=',
  ],
  From: ['', '"', 'a', '<sip:', '<sip:a', '<sip:a@b>', '<sip:a@b>;tag', '<sip:a@b>;tag=', '<sip:a@b>;x="'],
  To: ['"', '<sip:c@d>;tag'],
  Contact: ['', '"', '<sip:', '<tel:', 'sip:a@', '<sip:a@b;x=', '<sip:a@b?x='],
  CSeq: ['', '1', '1 INVITE'],
  'Content-Length': ['', '0'],
  'WWW-Authenticate': ['', 'Digest', 'Digest realm', 'Digest realm="', 'Digest realm=x,'],
  Authorization: ['Digest username', 'Digest username*', "Digest username*=UTF-8'"],
  Reason: ['', 'SIP;cause', 'SIP;text="'],
  Accept: ['', 'application/sdp'],
  Require: ['', '100rel'],
  Route: ['', '<sip:a', '"'],
  Subject: [''],
  Replaces: ['', 'x;to-tag', 'x;to-tag=1;from-tag'],
  'Refer-To': ['', '<sip:c@d?Replaces=', '<sip:c@d;method'],
  'Session-Expires': ['', '1800', '1800;refresher'],
}

const REPEATED = [
  ' ',
  '\t',
  'a',
  '0',
  ';',
  ',',
  ':',
  '"',
  '\\',
  '\\"',
  '<',
  '>',
  '=',
  '@',
  '[',
  ']',
  '%',
  '?',
  ' ;',
  '; ',
  ', ',
  ' =',
  'a ',
  'a=',
  ';a="',
  '\r\n ',
  '\r',
  '\u00e9',
  'sip:',
]

const ENDS = ['', 'x', '\rx', '\u0000', '"x']

function message(changes: Record<string, string>, startLine = 'INVITE sip:b@h SIP/2.0', body = ''): Buffer {
  const lines = Object.entries({ ...GOOD, ...changes }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${startLine}\r\n${lines.join('')}\r\n${body}`)
}

const repeat = (text: string) => text.repeat(LENGTH / text.length)
const slow = (bytes: Buffer) => tooLong(systemClock, () => void readAll(bytes))

test.each(Object.entries(BEGINNINGS))('a long %s is read in the time its length takes', (name, beginnings) => {
  const found = beginnings.flatMap((beginning) =>
    REPEATED.flatMap((repeated) =>
      ENDS.filter((end) => slow(message({ [name]: `${beginning}${repeat(repeated)}${end}` })) !== undefined).map(
        (end) => ({ beginning, repeated, end }),
      ),
    ),
  )
  expect(found).toEqual([])
})

test.each([
  'INVITE ',
  'INVITE sip:',
  'INVITE sip:a@',
  'INVITE sip:b@h ',
  'INVITE sip:b@h SIP/2.0',
  'SIP/2.0 ',
  'SIP/2.0 200',
  'SIP/2.0 200 OK',
  'SIP/',
])('a long first line that begins with %j as well', (beginning) => {
  const found = REPEATED.flatMap((repeated) =>
    ENDS.filter((end) => slow(message({}, `${beginning}${repeat(repeated)}${end}`)) !== undefined).map((end) => ({
      repeated,
      end,
    })),
  )
  expect(found).toEqual([])
})

test.each([
  'v=0\r\n',
  'o=',
  'o=- 1 1 IN IP4 ',
  'm=audio ',
  'm=audio 4000 RTP/AVP',
  'a=rtpmap:',
  'a=rtpmap:0 ',
  'a=fmtp:0 ',
  'a=candidate:',
  'a=crypto:1 ',
  'c=IN IP4 ',
  'a=ssrc:',
  'a=fingerprint:',
])('a long body that begins with %j as well', (beginning) => {
  const head = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'
  const changes = { 'Content-Type': 'application/sdp' }
  const found = [...REPEATED, '\r\n', `${beginning}1\r\n`].flatMap((repeated) =>
    ENDS.filter((end) => {
      const body = `${head}${beginning}${repeat(repeated)}${end}\r\n`
      return (
        slow(message({ ...changes, 'Content-Length': `${Buffer.byteLength(body)}` }, undefined, body)) !== undefined
      )
    }).map((end) => ({ repeated, end })),
  )
  expect(found).toEqual([])
})
