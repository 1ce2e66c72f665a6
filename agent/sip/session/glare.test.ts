import { expect, test } from 'vitest'
import { sdp } from '../conformance/call-lab.ts'
import { following, glareDelay, sameOrigin } from './glare.ts'

test('who made the Call-ID waits 2.1 to 4 s in steps of 10 ms, the other one up to 2 s', () => {
  const almostOne = 1 - Number.EPSILON
  expect([glareDelay(true, () => 0), glareDelay(true, () => almostOne)]).toEqual([2_100, 4_000])
  expect([glareDelay(false, () => 0), glareDelay(false, () => almostOne)]).toEqual([0, 2_000])
  expect(glareDelay(true, () => 0.5) % 10).toBe(0)
})

test('a description that differs has a higher version than the last one of its session', () => {
  const last = sdp(1, 7)
  expect(following(last, last)).toBe(last)
  expect(following(last, sdp(1, 7, 'sendonly'))).toBe(sdp(1, 8, 'sendonly'))
  expect(following(last, sdp(1, 3, 'sendonly'))).toBe(sdp(1, 8, 'sendonly'))
  expect(following(last, sdp(1, 9, 'sendonly'))).toBe(sdp(1, 9, 'sendonly'))
  // Another session counts for itself, and what has no origin is not touched.
  expect(following(last, sdp(2, 1))).toBe(sdp(2, 1))
  expect(following('', 'v=0\r\n')).toBe('v=0\r\n')
})

test('descriptions with the same origin are the same', () => {
  expect(sameOrigin(sdp(1, 1), sdp(1, 1, 'sendonly'))).toBe(true)
  expect(sameOrigin(sdp(1, 1), sdp(1, 2))).toBe(false)
  expect(sameOrigin('', '')).toBe(false)
})
