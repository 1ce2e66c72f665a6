/** The pacing loop on a clock that stands still until told. */
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { Clock } from '../../lib/clock.ts'
import { Pacer } from './pacer.ts'

test('each sender has its turn every packet time, from the next slot on', async () => {
  const clock = new ManualClock()
  using pacer = new Pacer(clock)
  await clock.advance(0.4)
  const turns: Array<[string, number]> = []
  using _a = pacer.add(20, () => turns.push(['a', clock.monotonic()]))
  await clock.advance(10)
  using _b = pacer.add(30, () => turns.push(['b', clock.monotonic()]))
  await clock.advance(50)
  expect(turns).toEqual([
    ['a', 1],
    ['b', 11],
    ['a', 21],
    ['b', 41],
    ['a', 41],
  ])
})

test('a hundred senders of the longest packets and the shortest keep their times', async () => {
  const clock = new ManualClock()
  using pacer = new Pacer(clock)
  const counts = new Map<number, number>()
  for (let interval = 1; interval <= 200; interval++)
    pacer.add(interval, () => counts.set(interval, (counts.get(interval) ?? 0) + 1))
  await clock.advance(1000)
  for (const [interval, count] of counts) expect(count).toBe(Math.floor(1000 / interval) + 1)
  expect(counts.size).toBe(200)
})

test('a sender that leaves has no more turns, also when it leaves in its turn; without senders no timer waits', async () => {
  const clock = new ManualClock()
  using pacer = new Pacer(clock)
  let turns = 0
  const sender = pacer.add(20, () => {
    turns++
    if (turns === 3) sender[Symbol.dispose]()
  })
  const other = pacer.add(20, () => undefined)
  await clock.advance(200)
  expect(turns).toBe(3)
  expect(clock.waiting).toBe(1)
  other[Symbol.dispose]()
  other[Symbol.dispose]()
  expect(clock.waiting).toBe(0)
  using _again = pacer.add(20, () => turns++)
  await clock.advance(1)
  expect(turns).toBe(4)
})

test('a sender that throws has its next turn, and takes nobody else theirs', async () => {
  const clock = new ManualClock()
  using pacer = new Pacer(clock)
  const turns: Array<[string, number]> = []
  const take = (name: string) => () => void turns.push([name, clock.monotonic()])
  using _a = pacer.add(20, take('a'))
  using _b = pacer.add(20, () => {
    take('b')()
    if (turns.length === 2) throw new Error('broken')
  })
  using _c = pacer.add(20, take('c'))
  await expect(clock.advance(10)).rejects.toThrow('broken')
  using _d = pacer.add(30, take('d'))
  await clock.advance(30)
  expect(turns).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 0],
    ['d', 0],
    ['a', 20],
    ['b', 20],
    ['c', 20],
    ['d', 30],
  ])
})

describe('a loop that is late', () => {
  /** A clock whose timers fire late by what the test says. */
  class LateClock implements Clock {
    readonly #clock = new ManualClock()
    late = 0

    now = () => this.#clock.now()
    monotonic = () => this.#clock.monotonic()
    timer = (milliseconds: number, callback: () => void) => this.#clock.timer(milliseconds + this.late, callback)
    advance = (milliseconds: number) => this.#clock.advance(milliseconds)
  }

  test('sends what is due at once and keeps its times, and tells how late it was', async () => {
    const clock = new LateClock()
    using pacer = new Pacer(clock)
    using watch = pacer.watch()
    expect(watch.p99()).toBeUndefined()
    clock.late = 50
    const turns: number[] = []
    using _sender = pacer.add(20, () => turns.push(clock.monotonic()))
    await clock.advance(50)
    expect(turns).toEqual([50, 50, 50])
    // They were 50, 30 and 10 ms late: of so few the third-latest counts.
    expect(watch.p99()).toBeCloseTo(10, 1)
    using later = pacer.watch()
    expect(later.p99()).toBeUndefined()
    clock.late = 0
    await clock.advance(75)
    expect(turns).toEqual([50, 50, 50, 110, 110, 110, 120])
    // Each watch has what came since it began: the packet that was due at 60 left at 110.
    expect(watch.p99()).toBeCloseTo(30, 1)
    expect(later.p99()).toBeCloseTo(10, 1)
  })

  test('after a long stop leaves time out instead of sending all of it', async () => {
    const clock = new LateClock()
    using pacer = new Pacer(clock)
    const leftOut: number[] = []
    using watch = pacer.watch()
    clock.late = 60_000
    using _sender = pacer.add(20, (_at, milliseconds) => leftOut.push(milliseconds))
    await clock.advance(60_000)
    clock.late = 0
    expect(leftOut).toEqual([60_000])
    expect(watch.p99()).toBe(60_000)
  })
})
