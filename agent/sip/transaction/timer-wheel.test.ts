import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { TimerWheel } from './timer-wheel.ts'

describe('the timer wheel', () => {
  test('fires each timer once, never early, at most a tick late, whatever was cancelled', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 120_000 }), fc.option(fc.integer({ min: 0, max: 120_000 }))), {
          maxLength: 40,
        }),
        async (wanted) => {
          const clock = new ManualClock()
          const wheel = new TimerWheel(clock)
          const fired = new Map<number, number>()
          for (const [index, [delay, cancelAt]] of wanted.entries()) {
            const timer = wheel.start(delay, () => {
              expect(fired.has(index)).toBe(false)
              fired.set(index, clock.monotonic())
            })
            if (cancelAt !== null) clock.timer(cancelAt, () => timer.cancel())
          }
          await clock.advance(121_000)
          const wrong = [...wanted.entries()].filter(([index, [delay, cancelAt]]) => {
            const at = fired.get(index)
            if (cancelAt !== null && cancelAt < delay) return at !== undefined
            const late = at === undefined || at < delay || at > delay + 10
            return late && !(cancelAt !== null && cancelAt <= delay + 10)
          })
          expect(wrong).toEqual([])
          expect([wheel.size, clock.waiting]).toEqual([0, 0])
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a callback may cancel its neighbour and start another in the same slot', async () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    const fired: string[] = []
    wheel.start(100, () => {
      fired.push('first')
      second.cancel()
      wheel.start(0, () => fired.push('third'))
    })
    const second = wheel.start(100, () => fired.push('second'))
    await clock.advance(110)
    expect(fired).toEqual(['first', 'third'])
  })

  test('a callback that throws takes nobody with it', async () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    const fired: string[] = []
    wheel.start(100, () => {
      throw new Error('broken')
    })
    wheel.start(100, () => fired.push('neighbour'))
    wheel.start(500, () => fired.push('later'))
    await expect(clock.advance(100)).rejects.toThrow('broken')
    await clock.advance(1000)
    expect(fired).toEqual(['neighbour', 'later'])
  })

  test('at rest it holds no timer of the clock', async () => {
    const clock = new ManualClock()
    const wheel = new TimerWheel(clock)
    const timers = [wheel.start(32_000, () => {}), wheel.start(500, () => {})]
    expect(clock.waiting).toBe(1)
    for (const timer of timers) timer.cancel()
    timers[0]?.cancel()
    expect([wheel.size, clock.waiting]).toEqual([0, 0])
    wheel.start(50, () => {})
    wheel.stop()
    expect([wheel.size, clock.waiting]).toEqual([0, 0])
    wheel.start(50, () => {})
    expect([wheel.size, clock.waiting]).toEqual([0, 0])
  })

  test('after a standstill of minutes everything due fires once', () => {
    let now = 0
    const alarms: Array<() => void> = []
    const wheel = new TimerWheel({
      now: () => now,
      monotonic: () => now,
      timer: (_, callback) => {
        alarms.push(callback)
        return { [Symbol.dispose]: () => {} }
      },
    })
    let fired = 0
    for (const delay of [10, 5_000, 32_000, 50_000]) wheel.start(delay, () => fired++)
    now = 300_000
    alarms[0]?.()
    expect([fired, wheel.size]).toEqual([4, 0])
  })
})
