import { DatabaseSync } from 'node:sqlite'
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { Entry, ProbeIdentity, TransitionRecord } from '../history/index.ts'
import { openHistory } from '../history/index.ts'
import { execution } from '../history/test-entries.ts'
import { Recorder } from './recorder.ts'
import { StandbyOutbox } from './standby.ts'
import { StoreState } from './store-state.ts'

const probe: ProbeIdentity = { namespace: 'default', name: 'trunk', uid: 'uid-1' }

const entry = (sequence: number): Entry => ({
  probe,
  executions: [],
  transition: {
    sequence,
    at: sequence * 1000,
    from: sequence % 2 === 1 ? 'Unknown' : 'Healthy',
    to: sequence % 2 === 1 ? 'Healthy' : 'Unknown',
    severity: 'Warning',
    reason: 'Suspended',
    message: '',
  },
  deliveries: [],
})

/** A real store that can be taken away: another process holds its table under another name. */
async function recorderOf() {
  const stack = new AsyncDisposableStack()
  const folder = stack.use(mkdtempDisposableSync(join(tmpdir(), 'recorder-')))
  const file = join(folder.path, 'history.sqlite')
  const clock = new ManualClock()
  const history = stack.use(await openHistory({ file, clock }))
  const other = stack.adopt(new DatabaseSync(file), (database) => database.close())
  const conflicts: ProbeIdentity[] = []
  const dropped: Entry[] = []
  const known: TransitionRecord[] = []
  const state = new StoreState(() => undefined)
  const recorder = new Recorder({
    history,
    outbox: new StandbyOutbox({ store: history.outbox, state, clock }),
    state,
    clock,
    log: createLog({ name: 'test', level: 'silent' }),
    onRecorded: () => undefined,
    onDropped: (entry) => void dropped.push(entry),
    onStanding: () => undefined,
    onConflict: async (conflicting) => {
      conflicts.push(conflicting)
      await history.restore(conflicting, known)
    },
  })
  const stored = async () => {
    const { items } = await history.transitions(probe, { page: 1, perPage: 100 })
    return items.map(({ sequence }) => sequence).toReversed()
  }
  return {
    clock,
    recorder,
    history,
    conflicts,
    dropped,
    known,
    stored,
    goAway: () => other.exec('ALTER TABLE transitions RENAME TO elsewhere'),
    comeBack: () => other.exec('ALTER TABLE elsewhere RENAME TO transitions'),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('results are stored in the order they came', async () => {
  await using it = await recorderOf()
  await Promise.all([1, 2, 3].map((sequence) => it.recorder.record(entry(sequence))))
  expect(await it.stored()).toEqual([1, 2, 3])
})

test('while the store is away the caller goes on, and nothing is lost', async () => {
  await using it = await recorderOf()
  it.goAway()
  await it.recorder.record(entry(1))
  void it.recorder.record(entry(2))
  expect(it.recorder.counters).toEqual({ errors: 1, dropped: 0, waiting: 2 })
  it.comeBack()
  await it.clock.advance(2_000)
  await expect.poll(() => it.recorder.counters.waiting).toBe(0)
  expect(await it.stored()).toEqual([1, 2])
})

test('what waits is bounded, the oldest is dropped and counted', async () => {
  await using it = await recorderOf()
  it.goAway()
  for (let sequence = 1; sequence <= 10_003; sequence++) void it.recorder.record(entry(sequence))
  expect(it.recorder.counters).toMatchObject({ dropped: 3, waiting: 10_000 })
  expect(it.dropped).toEqual([1, 2, 3].map(entry))
})

test('of many that wait the first keep their samples and traces, the others what was judged', async () => {
  await using it = await recorderOf()
  it.goAway()
  for (let sequence = 1; sequence <= 1_002; sequence++)
    await it.recorder.record({ ...entry(sequence), executions: [execution(`run-${sequence}`)] })
  it.comeBack()
  await it.recorder[Symbol.asyncDispose]()
  const [kept, reduced] = [await it.history.executionById('run-1000'), await it.history.executionById('run-1001')]
  expect([kept?.samples.length, kept?.trace?.messages.length]).toEqual([2, 1])
  expect([reduced?.samples.length, reduced?.trace]).toEqual([0, undefined])
  expect(reduced?.breaches).toEqual(kept?.breaches)
})

test('a result that contradicts history holds up nothing behind it', async () => {
  await using it = await recorderOf()
  await it.recorder.record(entry(1))
  await it.recorder.record(entry(5))
  await it.recorder.record(entry(2))
  expect(await it.stored()).toEqual([1, 2])
  expect(it.conflicts).toEqual([probe])
  expect(it.recorder.counters).toEqual({ errors: 1, dropped: 1, waiting: 0 })
})

test('a result that the store has a gap before is stored once the gap is mended', async () => {
  await using it = await recorderOf()
  await it.recorder.record(entry(1))
  it.known.push(...[1, 2, 3].flatMap((sequence) => entry(sequence).transition ?? []))
  await it.recorder.record(entry(4))
  expect(await it.stored()).toEqual([1, 2, 3, 4])
  expect(it.conflicts).toEqual([probe])
  expect(it.recorder.counters).toEqual({ errors: 0, dropped: 0, waiting: 0 })
})

test('stopping tries once more and does not hang', async () => {
  await using it = await recorderOf()
  it.goAway()
  await it.recorder.record(entry(1))
  it.comeBack()
  await it.recorder[Symbol.asyncDispose]()
  expect(await it.stored()).toEqual([1])
})
