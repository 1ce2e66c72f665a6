import { expect, test } from 'vitest'
import { METHODS } from '../message/methods.ts'
import { MessageCounter } from './message-counter.ts'

test('messages are counted by direction, method and class, each for itself', () => {
  const counter = new MessageCounter()
  const expected = new Map<string, number>()
  for (const [place, method] of METHODS.entries()) {
    for (let time = 0; time <= place; time++) {
      counter.received(method, undefined)
      counter.received(method, 699)
      counter.sent(`${method} sip:b@b SIP/2.0\r\nCSeq: 1 ${method}\r\n\r\n`)
      counter.sent(`SIP/2.0 100 Trying\r\nFrom: <sip:a@a>\r\nCSeq: 17 ${method}\r\n\r\n`)
    }
    for (const kind of [`In ${method} request`, `In ${method} 6xx`]) expected.set(kind, place + 1)
    for (const kind of [`Out ${method} request`, `Out ${method} 1xx`]) expected.set(kind, place + 1)
  }
  expect(counter.totals).toEqual(expected)
})

test('methods that a peer invents share one name, and keep-alives are no messages', () => {
  const counter = new MessageCounter()
  counter.received('ATTACK-1', undefined)
  counter.received('ATTACK-2', undefined)
  counter.sent('SIP/2.0 501 Not Implemented\r\nCSeq: 1 ATTACK-1\r\n\r\n')
  counter.sent('\r\n\r\n')
  expect(Object.fromEntries(counter.totals)).toEqual({ 'In other request': 2, 'Out other 5xx': 1 })
})
