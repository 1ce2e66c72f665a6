import { expect, test } from 'vitest'
import { MOST_HOPS, MOST_PARAMETERS, MOST_VALUE_CHARACTERS } from '../message/bounds.ts'
import { MOST_HEADERS } from '../message/headers.ts'
import { engine, OFFER } from './lab.ts'
import { outside } from './odd-lab.ts'
import { scriptedPeer } from './scripted-peer.ts'

const many = (count: number, text: string) => Array.from({ length: count }, () => text)

const via = 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKmany'

test.each([
  ['hops', [`Record-Route: ${many(MOST_HOPS + 1, '<sip:proxy.example.com;lr>').join(', ')}`]],
  ['Vias', many(MOST_HOPS + 1, `Via: ${via}`)],
  ['parameters', [`Contact: <sip:peer@127.0.0.1>${';a-long-name=and-its-value'.repeat(MOST_PARAMETERS + 1)}`]],
  ['characters', [`Subject: ${'x'.repeat(MOST_VALUE_CHARACTERS)}`]],
  ['header fields', many(MOST_HEADERS, 'X: y')],
])('an INVITE with too many %s is counted and forgotten', async (_, lines) => {
  await using ours = await engine()
  await using peer = await scriptedPeer()
  let calls = 0
  using _taken = ours.onInvite(undefined, () => calls++)
  const { parseErrors } = ours.counters
  peer.send([...outside('INVITE', { Via: via }), ...lines, '', OFFER], ours)
  // What comes after it is answered, and is the first that is.
  peer.send(outside('OPTIONS', { 'Call-ID': 'after' }), ours)
  const response = await peer.response()
  expect([response.code, response.headers.callId]).toEqual([200, 'after'])
  expect([ours.counters.parseErrors - parseErrors, calls, ours.gauges.dialogs]).toEqual([1, 0, 0])
})

test('a body of many parts inside one another is one text to us', async () => {
  await using ours = await engine()
  await using peer = await scriptedPeer()
  using _taken = ours.onInvite(undefined, (incoming) => incoming.reject(486))
  const parts = many(500, '--b\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n').join('')
  peer.send([...outside('INVITE'), 'Content-Type: multipart/mixed;boundary=b', '', parts], ours)
  expect((await peer.response()).code).toBe(415)
})
