/** The jitter-buffer model: what is late, and how the adaptive one follows the network. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ADAPTIVE_MAXIMUM, ADAPTIVE_MINIMUM, JitterBuffer } from './jitter-buffer.ts'

/** Feeds 20 ms packets with the given network delays; true = played. */
function play(buffer: JitterBuffer, delays: readonly number[]): boolean[] {
  return delays.map((delay, index) => buffer.add(index * 20 + delay, (index * 160) >>> 0))
}

describe('Fixed', () => {
  test('plays what comes within its delay after the first packet, and nothing later', () => {
    const buffer = new JitterBuffer('Fixed', 60, 8000)
    expect(play(buffer, [10, 70, 70.5, 10, 0])).toEqual([true, true, false, true, true])
    expect([buffer.discarded, buffer.packets, buffer.averageTarget]).toEqual([1, 5, 60])
  })

  test('begins anew after ten late packets in a row', () => {
    const late = Array<number>(12).fill(100)
    expect(play(new JitterBuffer('Fixed', 60, 8000), [0, ...late])).toEqual([
      true,
      ...Array<boolean>(10).fill(false),
      true,
      true,
    ])
  })

  test('takes a jump of the timestamps for a new beginning', () => {
    const buffer = new JitterBuffer('Fixed', 60, 8000)
    expect(buffer.add(0, 0)).toBe(true)
    expect(buffer.add(20, 160_000)).toBe(true)
    expect(buffer.add(110, 160_160)).toBe(false)
  })

  test('discards exactly those that its definition calls late', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 9 }), (delays) => {
        const first = delays[0] ?? 0
        const buffer = new JitterBuffer('Fixed', 40, 8000)
        play(buffer, delays)
        const late = delays.filter((delay, index) => index * 20 + delay - index * 20 > first + 40)
        expect(Math.abs(buffer.discarded - late.length)).toBeLessThanOrEqual(
          delays.some((delay) => Math.abs(delay - first - 40) < 1e-6) ? 1 : 0,
        )
      }),
    )
  })
})

/** Algorithm 1 of Ramjee et al. 1994 as printed, over the whole list: which are played, and the target of each. */
function ramjee(delay: number, delays: readonly number[]) {
  const alpha = 0.998002
  let [d, v] = [delays[0] ?? 0, delay / 4]
  return delays.map((n) => {
    const target = Math.min(200, Math.max(20, 4 * v))
    const wait = d + target - n
    d = alpha * d + (1 - alpha) * n
    v = alpha * v + (1 - alpha) * Math.abs(d - n)
    return { target, wait }
  })
}

describe('Adaptive', () => {
  test.each([
    { delay: 60, delays: [10, 50, 10, 80, 10, 70], targets: [60, 59.8801, 60.0795, 59.9601, 60.398, 60.2791] },
    { delay: 20, delays: [0, 100, 0, 100, 0], targets: [20, 20, 20.7178, 20.678, 21.4327] },
  ])('aims at $targets ms', ({ delay, delays, targets }) => {
    const buffer = new JitterBuffer('Adaptive', delay, 8000)
    for (const [index, network] of delays.entries()) {
      expect(buffer.target).toBeCloseTo(targets[index] ?? NaN, 3)
      buffer.add(index * 20 + network, index * 160)
    }
  })

  test('is algorithm 1 of Ramjee et al. on every network without ten late packets in a row', () => {
    const network = fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(120, 300)), { minLength: 1 })
    fc.assert(
      fc.property(network, fc.integer({ min: 20, max: 100 }), (delays, delay) => {
        const expected = ramjee(delay, delays)
        fc.pre(!/x{10}/.test(expected.map(({ wait }) => (wait < 0 ? 'x' : '-')).join('')))
        fc.pre(expected.every(({ wait }) => Math.abs(wait) > 1e-6))
        const buffer = new JitterBuffer('Adaptive', delay, 8000)
        expect(play(buffer, delays)).toEqual(expected.map(({ wait }) => wait >= 0))
        const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
        expect(buffer.averageTarget).toBeCloseTo(mean(expected.map(({ target }) => target)), 6)
        const waits = expected.flatMap(({ wait }) => (wait >= 0 ? [wait] : []))
        expect(buffer.averageWait).toBeCloseTo(mean(waits), 6)
        expect([buffer.packets, buffer.packets - buffer.discarded]).toEqual([delays.length, waits.length])
      }),
    )
  })

  test('begins with its delay and shrinks to its minimum on a steady network', () => {
    const buffer = new JitterBuffer('Adaptive', 60, 8000)
    expect(buffer.target).toBe(60)
    expect(play(buffer, Array<number>(2000).fill(5))).not.toContain(false)
    expect(buffer.target).toBe(ADAPTIVE_MINIMUM)
    expect(buffer.averageTarget).toBeGreaterThan(ADAPTIVE_MINIMUM)
    expect(buffer.averageTarget).toBeLessThan(60)
  })

  test('grows with the variation of the delay, up to its maximum', () => {
    const buffer = new JitterBuffer('Adaptive', 20, 8000)
    play(
      buffer,
      Array.from({ length: 3000 }, (_, index) => (index % 2) * 60),
    )
    expect(buffer.target).toBeGreaterThan(100)
    const wild = new JitterBuffer('Adaptive', 20, 8000)
    play(
      wild,
      Array.from({ length: 3000 }, (_, index) => (index % 2) * 500),
    )
    expect(wild.target).toBe(ADAPTIVE_MAXIMUM)
  })
})
