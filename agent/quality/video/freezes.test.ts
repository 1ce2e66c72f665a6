import { describe, expect, test } from 'vitest'
import { Freezes } from './freezes.ts'

/** Frames at these times. */
function frames(...times: number[]): Freezes {
  const freezes = new Freezes()
  for (const time of times) freezes.shown(time)
  return freezes
}

const every = (milliseconds: number, count: number) => Array.from({ length: count }, (_, index) => index * milliseconds)

describe('a freeze of the W3C', () => {
  test.each([
    ['at 50 frames a second 150 ms more than the average decide', 20, 170, 169],
    ['at 10 frames a second three times the average decide', 100, 300, 299],
    ['at 13.3 frames a second both are one', 75, 225, 224],
  ])('%s', (_, step, long, short) => {
    const regular = every(step, 31)
    const last = regular.at(-1) ?? 0
    expect(frames(...regular, last + long).until(last + long)).toEqual({ count: 1, time: long, lasts: false })
    expect(frames(...regular, last + short).until(last + short)).toEqual({ count: 0, time: 0, lasts: false })
  })

  test('is measured against the last 30 times only', () => {
    const slow = every(400, 10)
    const fast = every(20, 31).map((time) => 3600 + time)
    expect(frames(...slow, ...fast.slice(1), 4370).until(4370).count).toBe(1)
    expect(frames(...slow, ...fast.slice(1, 20), 4150).until(4150).count).toBe(0)
  })

  test('that lasts counts with the time until now', () => {
    const freezes = frames(...every(40, 26))
    expect(freezes.until(1100)).toEqual({ count: 0, time: 0, lasts: false })
    expect(freezes.until(3000)).toEqual({ count: 1, time: 2000, lasts: true })
    expect(freezes.until(4000)).toEqual({ count: 1, time: 3000, lasts: true })
    freezes.shown(4000)
    expect(freezes.until(4000)).toEqual({ count: 1, time: 3000, lasts: false })
  })

  test('needs an average: between the first two frames there is none', () => {
    expect(frames(0, 5000).until(5000).count).toBe(0)
    expect(frames().until(9000)).toEqual({ count: 0, time: 0, lasts: false })
  })
})
