import { expect, test } from 'vitest'
import { Identifiers } from '../message/identifiers.ts'
import { type Message, parseMessage, type Request } from '../message/message.ts'
import { buildResponse } from './build.ts'
import { SILENT_FLOW } from './silent-flow.ts'

const AUTHOR = { identifiers: new Identifiers(() => 0.5), userAgent: 'Test' }

function read(text: string): Message {
  const outcome = parseMessage(Buffer.from(text))
  if (outcome.kind !== 'Parsed') throw new Error(outcome.reason)
  return outcome.message
}

function invite(to: string): { request: Request; text: string } {
  const text = [
    ...['INVITE sip:b@b SIP/2.0', 'v: SIP/2.0/UDP p;branch=z9hG4bK2;rport, SIP/2.0/UDP a;branch=z9hG4bK1'],
    ...['Record-Route: <sip:p;lr>', 'From: "A" <sip:a@a>;tag=1', `To: ${to}`, 'i: c', 'CSeq: 7 INVITE', '', ''],
  ].join('\r\n')
  const request = read(text)
  if (request.kind !== 'Request') throw new Error('must be a request')
  return { request, text }
}

test('each response to a request repeats the same of it, and has its own To, code and fields (8.2.6)', () => {
  const { request, text } = invite('<sip:b@b>')
  const arrival = { text, at: 0, flow: SILENT_FLOW }
  const respond = (code: number, toTag: string, name: string) =>
    read(buildResponse(AUTHOR, request, arrival, { code, toTag, headers: [[name, 'x\r\nEvil: y']] })).headers
  const responses = [respond(100, 't', 'One'), respond(180, 't', 'Two'), respond(486, 'u', 'Three')]
  for (const headers of responses) {
    expect(headers.list('via')).toEqual([
      'SIP/2.0/UDP p;branch=z9hG4bK2;rport=5060;received=192.0.2.2',
      'SIP/2.0/UDP a;branch=z9hG4bK1',
    ])
    const repeated = ['from', 'call-id', 'cseq'].map((key) => headers.all(key))
    expect(repeated).toEqual([['"A" <sip:a@a>;tag=1'], ['c'], ['7 INVITE']])
    expect([headers.doubled, headers.all('evil')]).toEqual([undefined, []])
  }
  expect(responses.map((each) => each.all('to'))).toEqual([['<sip:b@b>'], ['<sip:b@b>;tag=t'], ['<sip:b@b>;tag=u']])
  expect(responses.map((each) => each.all('record-route').length)).toEqual([0, 1, 0])
  expect(responses.map((each) => ['one', 'two', 'three'].filter((key) => each.has(key)))).toEqual([
    ['one'],
    ['two'],
    ['three'],
  ])
})

test('a To that has a tag stays as it is', () => {
  const { request, text } = invite('<sip:b@b>;tag=2')
  const response = buildResponse(AUTHOR, request, { text, at: 0, flow: SILENT_FLOW }, { code: 481, toTag: 't' })
  expect(read(response).headers.all('to')).toEqual(['<sip:b@b>;tag=2'])
})
