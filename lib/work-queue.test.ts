import { expect, test, vi } from 'vitest'
import { ManualClock } from './manual-clock.ts'
import { WorkQueue } from './work-queue.ts'

function queueOf(handle: (key: string) => Promise<void>) {
  const clock = new ManualClock()
  const errors: string[] = []
  // With no luck a delay is half of its bound.
  const queue = new WorkQueue({ clock, random: () => 0, handle, onError: (key) => errors.push(key) })
  return { clock, queue, errors }
}

test('a key added many times while it runs is handled once more', async () => {
  const gate = Promise.withResolvers<void>()
  let handled = 0
  const { clock, queue } = queueOf(async () => {
    handled++
    if (handled === 1) await gate.promise
  })
  queue.add('a')
  queue.add('a')
  queue.add('a')
  gate.resolve()
  await clock.advance(0)
  expect(handled).toBe(2)
})

test('a key waits for its time, and the latest time counts', async () => {
  let handled = 0
  const { clock, queue } = queueOf(async () => void handled++)
  queue.addAfter('a', 100)
  queue.addAfter('a', 500)
  await clock.advance(499)
  expect(handled).toBe(0)
  await clock.advance(1)
  expect(handled).toBe(1)
  expect(clock.waiting).toBe(0)
})

test('a handler that throws is tried again, each time later', async () => {
  let handled = 0
  const { clock, queue, errors } = queueOf(async () => {
    if (++handled < 3) throw new Error('not yet')
  })
  queue.add('a')
  await clock.advance(499)
  expect(handled).toBe(1)
  await clock.advance(1)
  expect(handled).toBe(2)
  await clock.advance(999)
  expect(handled).toBe(2)
  await clock.advance(1)
  expect(handled).toBe(3)
  expect(errors).toEqual(['a', 'a'])
  expect(clock.waiting).toBe(0)
})

test('after dispose nothing is started and nothing waits', async () => {
  const gate = Promise.withResolvers<void>()
  let handled = 0
  const { clock, queue } = queueOf(async () => {
    handled++
    await gate.promise
  })
  queue.add('a')
  queue.addAfter('b', 100)
  queue.add('a')
  const disposed = queue[Symbol.asyncDispose]()
  gate.resolve()
  await disposed
  await clock.advance(1000)
  expect(handled).toBe(1)
  expect(clock.waiting).toBe(0)
})

test('of a thousand keys a few are handled at once, in the order they came', async () => {
  const handled: string[] = []
  let [running, most] = [0, 0]
  const { queue } = queueOf(async (key) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    handled.push(key)
  })
  const keys = Array.from({ length: 1000 }, (_, index) => `key-${index}`)
  for (const key of keys) queue.add(key)
  expect(queue.depth).toBeGreaterThan(900)
  // Not by the clock: it lets promises settle and nothing else, and the handlers wait for the event loop.
  await vi.waitUntil(() => handled.length === keys.length, { timeout: 30_000 })
  expect(handled).toEqual(keys)
  expect(most).toBeLessThan(100)
  expect(queue.depth).toBe(0)
})

test('a thousand keys that wait for nothing leave the event loop its turns', async () => {
  let handled = 0
  const { queue } = queueOf(async () => void handled++)
  for (let index = 0; index < 1000; index++) queue.add(`key-${index}`)
  let turns = 0
  while (handled < 1000) {
    await new Promise((resolve) => setImmediate(resolve))
    turns++
  }
  expect(turns).toBeGreaterThan(10)
})
