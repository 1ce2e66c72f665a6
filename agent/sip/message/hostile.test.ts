import { describe, expect, test } from 'vitest'
import { parseMessage } from './message.ts'

function read(changes: Record<string, string>, body = '') {
  const fields: Record<string, string> = {
    Via: 'SIP/2.0/UDP h;branch=z9hG4bK1',
    From: '<sip:a@b>;tag=1',
    To: '<sip:b@h>',
    'Call-ID': 'x',
    CSeq: '1 INVITE',
    ...changes,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return parseMessage(Buffer.from(`INVITE sip:b@h SIP/2.0\r\n${lines.join('')}\r\n${body}`, 'latin1'))
}

describe('a body is found behind header fields', () => {
  // Latin-1 here: one character is one byte.
  test.each([
    ['in ASCII', 'ok', ''],
    ['with UTF-8', '\xc3\xa9', ''],
    ['with bytes that are no UTF-8', '\xff\xff', ''],
    ['with both', '\xff\xff\xc3\xa9', ''],
    ['with a sequence that is cut off', '\xe2\x82', ''],
    ['with both, folded', '\xc3\xa9\xff', 'a\r\n b'],
  ])('%s', (_, subject, folded) => {
    const parsed = read({ Subject: subject, 'X-Folded': folded, 'Content-Length': '5' }, 'hello')
    expect(parsed.kind === 'Parsed' && parsed.message.body).toBe('hello')
  })
})

test.each(['0', '65536', '99999'])('a Via with port %s is none: nothing can be sent there', (port) => {
  expect(read({ Via: `SIP/2.0/UDP h:${port};branch=z9hG4bK1` })).toMatchObject({ kind: 'Malformed' })
})
