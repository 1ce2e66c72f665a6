/** Interarrival jitter against values computed from RFC 3550 A.8. */
import { expect, test } from 'vitest'
import { InterarrivalJitter } from './interarrival-jitter.ts'

const TIMESTAMPS = [0, 160, 320, 480, 640, 800]
/** In timestamp units of 1/8000 s. */
const ARRIVALS = [0, 160, 330, 470, 640, 880]
const JITTER = [0, 0, 0.625, 1.8359375, 2.346191, 7.199554]

test('follows A.8 packet by packet, and averages what it was after each packet', () => {
  const jitter = new InterarrivalJitter(8000)
  expect(jitter.average).toBeUndefined()
  for (const [index, timestamp] of TIMESTAMPS.entries()) {
    jitter.add((ARRIVALS[index] ?? 0) / 8, timestamp)
    expect(jitter.current * 8).toBeCloseTo(JITTER[index] ?? NaN, 5)
  }
  const sum = JITTER.reduce((total, value) => total + value, 0)
  expect((jitter.average ?? NaN) * 8).toBeCloseTo(sum / 5, 5)
})

test('a wrap of the timestamp is no jump', () => {
  const jitter = new InterarrivalJitter(8000)
  jitter.add(1000, 2 ** 32 - 160)
  jitter.add(1020, 0)
  jitter.add(1040, 160)
  expect(jitter.current).toBeCloseTo(0, 9)
})
