import { describe, expect, test } from 'vitest'
import { MOST_CONTACTS, MOST_HOP_CHARACTERS, MOST_HOPS, MOST_PARAMETERS, MOST_VALUE_CHARACTERS } from './bounds.ts'
import { MOST_HEADERS } from './headers.ts'
import { MOST_BYTES, parseMessage } from './message.ts'

function read(changes: Record<string, string>, body = '') {
  return parseMessage(messageOf(changes, body))
}

function messageOf(changes: Record<string, string>, body: string): Buffer {
  const fields: Record<string, string> = {
    Via: 'SIP/2.0/UDP h;branch=z9hG4bK1',
    From: '<sip:a@b>;tag=1',
    To: '<sip:b@h>',
    'Call-ID': 'x',
    CSeq: '1 INVITE',
    ...changes,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`INVITE sip:b@h SIP/2.0\r\n${lines.join('')}\r\n${body}`, 'latin1')
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

describe('a message holds so much, and no more', () => {
  const times = (count: number, text: string, separator = ', ') =>
    Array.from({ length: count }, () => text).join(separator)
  const via = (count: number) => ({ Via: times(count, 'SIP/2.0/UDP h;branch=z9hG4bK1234567890') })
  const lines = (count: number) =>
    Object.fromEntries(Array.from({ length: count - 5 }, (_, index) => [`X${index}`, 'some value']))
  const filled = (bytes: number) => {
    const changes = { 'Content-Length': '60000' }
    const body = 60_000
    const head = messageOf({ ...changes, Subject: '' }, '').length
    return read({ ...changes, Subject: 'x'.repeat(bytes - head - body) }, 'x'.repeat(body))
  }

  test.each([
    ['hops in Via', (most: number) => read(via(most)), MOST_HOPS],
    ['hops in Route', (most: number) => read({ Route: times(most, '<sip:proxy.example.com;lr>') }), MOST_HOPS],
    [
      'hops in Record-Route',
      (most: number) => read({ 'Record-Route': times(most, '<sip:proxy.example.com;lr>') }),
      MOST_HOPS,
    ],
    [
      'characters of a route set',
      (most: number) => read({ 'Record-Route': `<sip:${'p'.repeat(most - 6)}>` }),
      MOST_HOP_CHARACTERS,
    ],
    ['contacts', (most: number) => read({ Contact: times(most, '<sip:bob@example.com>') }), MOST_CONTACTS],
    [
      'parameters of a Via',
      (most: number) => read({ Via: `SIP/2.0/UDP h;branch=z9hG4bK1${';long-name=value-of-it'.repeat(most - 1)}` }),
      MOST_PARAMETERS,
    ],
    [
      'parameters of From',
      (most: number) => read({ From: `<sip:a@b>;tag=1${';long-name=value-of-it'.repeat(most - 1)}` }),
      MOST_PARAMETERS,
    ],
    [
      'parameters of a contact',
      (most: number) => read({ Contact: `<sip:a@b${';long-name=value-of-it'.repeat(most)}>` }),
      MOST_PARAMETERS,
    ],
    [
      'characters of a header field',
      (most: number) => read({ Subject: 'x'.repeat(most - 'Subject: '.length) }),
      MOST_VALUE_CHARACTERS,
    ],
    ['header fields', (most: number) => read(lines(most)), MOST_HEADERS],
    ['bytes', (most: number) => filled(most), MOST_BYTES],
  ] as const)('%s', (_, parsed, most) => {
    expect(parsed(most)).toMatchObject({ kind: 'Parsed' })
    const beyond = parsed(most + 1)
    expect(beyond.kind).toBe('Malformed')
    // Nothing of it is repeated to anybody.
    expect('request' in beyond).toBe(false)
  })
})
