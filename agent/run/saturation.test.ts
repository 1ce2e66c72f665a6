import { describe, expect, test } from 'vitest'
import type { Measurement } from './saturation.ts'
import { eventLoopLag, saturation } from './saturation.ts'

describe('the limits of an honest generator', () => {
  test.each<[Measurement, RegExp | undefined]>([
    [{ eventLoopLag: 20, pacingLateness: 10 }, undefined],
    [{ eventLoopLag: undefined, pacingLateness: undefined }, undefined],
    [{ eventLoopLag: 20.1, pacingLateness: 0 }, /event loop lagged 20\.1 ms/],
    [{ eventLoopLag: undefined, pacingLateness: 10.1 }, /RTP 10\.1 ms late/],
  ])('%j', (measurement, expected) => {
    expect(saturation(measurement) ?? '').toMatch(expected ?? /^$/)
  })
})

describe('event-loop lag', () => {
  test('is seen when the loop is held up, and is not known after a moment', async () => {
    using lag = eventLoopLag()
    expect(lag.p99()).toBeUndefined()
    const blocked = () => {
      const until = performance.now() + 40
      while (performance.now() < until);
    }
    for (let round = 0; lag.p99() === undefined; round++) {
      if (round % 5 === 0) blocked()
      await new Promise((resolve) => setTimeout(resolve, 12))
    }
    expect(lag.p99()).toBeGreaterThan(20)
  })
})
