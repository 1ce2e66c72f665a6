import { expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { createLog } from '../../lib/log.ts'
import type { Entry, History } from '../history/history.ts'
import { Recorder } from './recorder.ts'

const entry = (name: string): Entry => ({
  probe: { namespace: 'default', name, uid: name },
  executions: [],
  deliveries: [],
})

/** A store that can be away; only its `record` is asked for. */
function recorderOf() {
  const clock = new ManualClock()
  const stored: string[] = []
  const store = { away: false }
  const history = {
    record: ({ probe }: Entry) => {
      if (store.away) return Promise.reject(new Error('database or disk is full'))
      stored.push(probe.name)
      return Promise.resolve()
    },
  } as Partial<History> as History
  const log = createLog({ name: 'test', level: 'silent' })
  const recorder = new Recorder({ history, clock, log, onRecorded: () => undefined })
  return { clock, stored, store, recorder }
}

test('results are stored in the order they came', async () => {
  const { stored, recorder } = recorderOf()
  await Promise.all(['a', 'b', 'c'].map((name) => recorder.record(entry(name))))
  expect(stored).toEqual(['a', 'b', 'c'])
})

test('while the store is away the caller goes on and the results wait', async () => {
  const { clock, stored, store, recorder } = recorderOf()
  store.away = true
  await recorder.record(entry('a'))
  void recorder.record(entry('b'))
  expect(stored).toEqual([])
  expect(recorder.counters).toEqual({ errors: 1, dropped: 0, waiting: 2 })
  store.away = false
  await clock.advance(2_000)
  expect(stored).toEqual(['a', 'b'])
  expect(recorder.counters.waiting).toBe(0)
})

test('what waits is bounded, the oldest is dropped and counted', async () => {
  const { store, recorder } = recorderOf()
  store.away = true
  for (let count = 0; count < 10_003; count++) void recorder.record(entry(String(count)))
  expect(recorder.counters).toMatchObject({ dropped: 3, waiting: 10_000 })
})

test('stopping tries once more and does not hang', async () => {
  const { stored, store, recorder } = recorderOf()
  store.away = true
  await recorder.record(entry('a'))
  store.away = false
  await recorder[Symbol.asyncDispose]()
  expect(stored).toEqual(['a'])
})
