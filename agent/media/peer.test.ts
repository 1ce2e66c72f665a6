/** Whose packets are the peer's. */
import { expect, test } from 'vitest'
import { Peer } from './peer.ts'

test('the signalled address is the peer until packets come from another one', () => {
  const peer = new Peer('192.0.2.1', 4000)
  expect(peer.accepts('192.0.2.9', 9, 0, false)).toBe(false)
  expect([peer.host, peer.port]).toEqual(['192.0.2.1', 4000])
  expect(peer.accepts('198.51.100.1', 7000, 0, true)).toBe(true)
  expect([peer.host, peer.port]).toEqual(['198.51.100.1', 7000])
})

test('a peer that sends is not replaced by a stranger, one that was silent for a second is', () => {
  const peer = new Peer('192.0.2.1', 4000)
  expect(peer.accepts('192.0.2.1', 4000, 0, true)).toBe(true)
  expect(peer.accepts('192.0.2.1', 4002, 999, true)).toBe(false)
  expect(peer.accepts('192.0.2.1', 4002, 1000, true)).toBe(true)
  expect(peer.port).toBe(4002)
})

test('the signalled address takes its place back', () => {
  const peer = new Peer('192.0.2.1', 4000)
  peer.accepts('198.51.100.1', 7000, 0, true)
  expect(peer.accepts('192.0.2.1', 4000, 1, false)).toBe(true)
  expect([peer.host, peer.port]).toEqual(['192.0.2.1', 4000])
})

test.each([0, 70_000, -1])('port %d is nowhere', (port) => {
  expect(new Peer('192.0.2.1', port).port).toBe(0)
})
