import { expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { Stagger } from './stagger.ts'

function staggered(count: number) {
  const clock = new ManualClock()
  const stagger = new Stagger({ clock, step: () => 20 })
  const abort = new AbortController()
  const begun: number[] = []
  for (let index = 0; index < count; index++) void stagger.turn(abort.signal).then(() => begun.push(clock.monotonic()))
  return { clock, stagger, abort, begun }
}

test('the first begins at once, the others one step after the other', async () => {
  const { clock, begun } = staggered(4)
  await clock.advance(59)
  expect(begun).toEqual([0, 20, 40])
  await clock.advance(100)
  expect(begun).toEqual([0, 20, 40, 60])
  expect(clock.waiting).toBe(0)
})

test('who comes alone, later, begins at once', async () => {
  const { clock, stagger, abort, begun } = staggered(1)
  await clock.advance(1_000)
  await stagger.turn(abort.signal)
  expect(clock.monotonic()).toBe(1_000)
  expect(begun).toEqual([0])
})

test('after an abort nobody waits', async () => {
  const { clock, abort, begun } = staggered(3)
  await clock.advance(0)
  abort.abort()
  await clock.advance(20)
  expect(begun).toHaveLength(3)
  expect(clock.waiting).toBe(0)
})
