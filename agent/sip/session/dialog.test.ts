import { expect, test } from 'vitest'
import { parseMessage, type Response } from '../message/message.ts'
import { SILENT_FLOW } from '../transport/silent-flow.ts'
import { Dialog, type SentInvite } from './dialog.ts'

const INVITE: SentInvite = {
  ...{ uri: 'sip:b@192.0.2.2', callId: 'c', local: '<sip:a@a>;tag=1', localTag: '1' },
  ...{ sequence: 1, branch: 'z9hG4bK1', credentials: [] },
}

function response(status: string, ...fields: string[]): Response {
  const via = 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1'
  const names = ['From: <sip:a@a>;tag=1', 'To: <sip:b@b>;tag=2', 'Call-ID: c', 'CSeq: 1 INVITE']
  const lines = [`SIP/2.0 ${status}`, via, ...names, ...fields, '', '']
  const outcome = parseMessage(Buffer.from(lines.join('\r\n')))
  if (outcome.kind !== 'Parsed' || outcome.message.kind !== 'Response') throw new Error(outcome.kind)
  return outcome.message
}

test('a 2xx without a Contact makes the route set anew all the same (13.2.2.4)', () => {
  const early = response('180 Ringing', 'Contact: <sip:b@192.0.2.9>', 'Record-Route: <sip:192.0.2.3;lr>')
  const dialog = Dialog.ofResponse(INVITE, early, SILENT_FLOW)
  expect(dialog.nextHop.host).toBe('192.0.2.3')
  dialog.confirm(response('200 OK', 'Record-Route: <sip:192.0.2.4;lr>'))
  expect([dialog.nextHop.host, dialog.requestUri]).toEqual(['192.0.2.4', 'sip:b@192.0.2.9'])
})

test('a new Contact is where the next request goes, and one that cannot be read changes nothing', () => {
  const dialog = Dialog.ofResponse(INVITE, response('200 OK', 'Contact: <sip:b@192.0.2.9>'), SILENT_FLOW)
  expect(dialog.nextHop.host).toBe('192.0.2.9')
  dialog.refreshTarget(response('200 OK', 'Contact: <sip:b@192.0.2.10>').headers)
  expect([dialog.nextHop.host, dialog.requestUri]).toEqual(['192.0.2.10', 'sip:b@192.0.2.10'])
  dialog.refreshTarget(response('200 OK', 'Contact: <nonsense>').headers)
  expect([dialog.nextHop.host, dialog.requestUri]).toEqual(['192.0.2.10', 'sip:b@192.0.2.10'])
})
