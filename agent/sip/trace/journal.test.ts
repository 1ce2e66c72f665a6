import { expect, test } from 'vitest'
import type { Clock } from '../../../lib/clock.ts'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { SILENT_FLOW } from '../transport/silent-flow.ts'
import { Journal } from './journal.ts'
import { Trace } from './trace.ts'

test('messages have the times of their leaving and arriving, and a wall clock that is set is followed within a second', async () => {
  const manual = new ManualClock(1_000_000)
  let set = 0
  const clock: Clock = {
    now: () => manual.now() + set,
    monotonic: () => manual.monotonic(),
    timer: (milliseconds, callback) => manual.timer(milliseconds, callback),
  }
  const trace = new Trace()
  const journal = new Journal(clock, trace)
  journal.sent('a', SILENT_FLOW, false)
  await manual.advance(300)
  // It came before it was looked at.
  journal.received({ text: 'b', at: 250, flow: SILENT_FLOW }, false)
  set = 60_000
  await manual.advance(500)
  journal.sent('c', SILENT_FLOW, true)
  await manual.advance(201)
  journal.sent('d', SILENT_FLOW, false)
  const times = trace.messages.map(({ at, monotonic }) => [at, monotonic])
  expect(times).toEqual([
    [1_000_000, 0],
    [1_000_250, 250],
    [1_000_800, 800],
    [1_061_001, 1001],
  ])
  expect(journal.counters).toMatchObject({ retransmissionsSent: 1, retransmissionsReceived: 0 })
})

test('without a trace what came again is counted all the same', () => {
  const journal = new Journal(new ManualClock(), undefined)
  journal.sent('a', SILENT_FLOW, true)
  journal.received({ text: 'b', at: 0, flow: SILENT_FLOW }, true)
  expect(journal.counters).toMatchObject({ retransmissionsSent: 1, retransmissionsReceived: 1 })
})
