/** Seconds of calls on a clock that stands still until told. */
import { expect, test } from 'vitest'
import type { Clock } from '../../lib/clock.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { Seconds } from './seconds.ts'

test('each has its seconds from its own beginning on, without drifting, until it leaves', async () => {
  const clock = new ManualClock()
  using seconds = new Seconds(clock)
  const turns: Array<[string, number, number]> = []
  const turn = (name: string) => (second: number) => void turns.push([name, second, clock.monotonic()])
  await clock.advance(700)
  const late = seconds.every(500, turn('late'))
  using _begun = seconds.every(700, turn('begun'))
  using _early = seconds.every(100, turn('early'))
  await clock.advance(1500)
  late[Symbol.dispose]()
  late[Symbol.dispose]()
  await clock.advance(500)
  expect(turns).toEqual([
    ['early', 0, 1100],
    ['late', 0, 1500],
    ['begun', 0, 1700],
    ['early', 1, 2100],
    ['begun', 1, 2700],
  ])
})

test('of many at once some have their turn, then others in the same process, then the rest', async () => {
  const clock = new ManualClock()
  let spent = 0
  const busy: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic() + spent,
    timer: (milliseconds, callback) => clock.timer(Math.ceil(milliseconds) + 1, callback),
  }
  using seconds = new Seconds(busy)
  const turns = new Map<number, number>()
  for (let call = 0; call < 20; call++)
    seconds.every(0, () => {
      spent += 0.2
      turns.set(clock.monotonic(), (turns.get(clock.monotonic()) ?? 0) + 1)
    })
  await clock.advance(1020)
  expect([...turns.values()]).toEqual([3, 3, 3, 3, 3, 3, 2])
})

test('who throws has the next second all the same, and takes nobody else theirs; without calls no timer waits', async () => {
  const clock = new ManualClock()
  const seconds = new Seconds(clock)
  const turns: string[] = []
  seconds.every(0, (second) => {
    turns.push(`a${second}`)
    throw new Error('broken')
  })
  seconds.every(0, (second) => turns.push(`b${second}`))
  await expect(clock.advance(1000)).rejects.toThrow('broken')
  await clock.advance(0)
  await expect(clock.advance(1000)).rejects.toThrow('broken')
  await clock.advance(0)
  expect(turns.toSorted()).toEqual(['a0', 'a1', 'b0', 'b1'])
  seconds[Symbol.dispose]()
  expect(clock.waiting).toBe(0)
})
