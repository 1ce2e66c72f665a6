/** Long work of several sessions: one after the other, with time between, whatever becomes of one. */
import { expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { Turns } from './turns.ts'

test('work that is there at once waits for its turn; one that throws keeps nobody from his', async () => {
  const clock = new ManualClock()
  const turns = new Turns(clock)
  const done: Array<[string, number]> = []
  const work = (name: string) => turns.take(() => void done.push([name, clock.monotonic()]))
  const first = work('first')
  const bad = turns.take(() => {
    throw new Error('broken')
  })
  const all = Promise.allSettled([first, bad, work('last')])
  await clock.advance(100)
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(done).toEqual([
    ['first', 0],
    ['last', 40],
  ])
  expect(clock.waiting).toBe(0)
  await work('alone')
  expect(done.at(-1)).toEqual(['alone', 100])
})
