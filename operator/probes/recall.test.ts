import { expect, test } from 'vitest'
import type { SipProbeStatus } from '../../crds/index.ts'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { openHistory } from '../history/index.ts'
import { flip, probe, start } from '../history/test-entries.ts'
import { recall } from './recall.ts'
import { StoreState } from './store-state.ts'

const page = { page: 1, perPage: 100 }
const iso = (minute: number) => new Date(start + minute * 60_000).toISOString()

/** Of a probe that has gone Unknown, Degraded, Healthy, Degraded. */
const status: SipProbeStatus = {
  health: 'Degraded',
  healthSince: iso(3),
  sequence: 3,
  recentLevels: ['Degraded', 'Healthy', 'Degraded'],
  transitions: [
    {
      sequence: 1,
      at: iso(1),
      from: 'Unknown',
      to: 'Degraded',
      reason: 'ThresholdBreached',
      executionId: 'switchboard-run-1',
    },
    {
      sequence: 2,
      at: iso(2),
      from: 'Degraded',
      to: 'Healthy',
      reason: 'ThresholdBreached',
      executionId: 'switchboard-run-2',
    },
    {
      sequence: 3,
      at: iso(3),
      from: 'Healthy',
      to: 'Degraded',
      reason: 'ThresholdBreached',
      executionId: 'switchboard-run-3',
    },
  ],
}

const execution = {
  id: 'switchboard-run-3',
  generation: 3,
  location: 'default',
  outcome: 'Success',
  metrics: {},
  breaches: [],
  notMeasured: [],
  findings: [],
} as const

async function opened() {
  const history = await openHistory({ file: ':memory:', clock: new ManualClock(start) })
  const state = new StoreState(() => undefined)
  return { history, state, log: createLog({ name: 'test', level: 'silent' }) }
}

test('history is believed where it knows as much as the status, or more', async () => {
  const it = await opened()
  await using history = it.history
  for (const sequence of [1, 2, 3, 4]) await history.record(flip(sequence))
  const recalled = await recall(it, probe, { status })
  expect(recalled).toEqual({ memory: await history.memory(probe), outdated: false })
  expect(recalled.memory).toMatchObject({ health: 'Healthy', sequence: 4 })
})

test('what history lost is put back from the status, and goes on from there', async () => {
  const it = await opened()
  await using history = it.history
  await history.record(flip(1))
  const { memory, outdated } = await recall(it, probe, { status })
  expect(outdated).toBe(false)
  expect(memory).toMatchObject({
    ...{ health: 'Degraded', since: start + 180_000, sequence: 3, leftHealthyAt: start + 180_000 },
    recentLevels: ['Degraded', 'Healthy', 'Degraded'],
  })
  const { items } = await history.transitions(probe, page)
  expect(items.toReversed().map(({ sequence, to, severity }) => [sequence, to, severity])).toEqual([
    [1, 'Degraded', 'Warning'],
    [2, 'Healthy', 'Recovery'],
    [3, 'Degraded', 'Warning'],
  ])
  await history.record(flip(4))
  expect((await history.memory(probe)).sequence).toBe(4)
  // Nobody is told again of what was told before the loss.
  expect((await history.outbox.list(page)).items.map(({ sequence }) => sequence)).toEqual([4, 1])
})

test('what this process knows counts where the status is behind it', async () => {
  const it = await opened()
  await using history = it.history
  for (const sequence of [1, 2, 3, 4]) await history.record(flip(sequence))
  const known = await history.memory(probe)
  const other = await opened()
  await using empty = other.history
  expect((await recall(other, probe, { known, status })).memory).toEqual(known)
  expect((await empty.transitions(probe, page)).total).toBe(4)
})

test('with the store away the status is enough, and history is asked later', async () => {
  const it = await opened()
  await it.history[Symbol.asyncDispose]()
  const { memory, outdated } = await recall(it, probe, { status })
  expect(outdated).toBe(true)
  expect(memory).toMatchObject({ health: 'Degraded', sequence: 3 })
  expect(it.state.available).toBe(false)
  const lastExecution = { ...execution, startedAt: iso(3), finishedAt: iso(4) }
  const again = await recall(it, probe, { status: { ...status, lastExecution } })
  expect(again.memory.lastRound).toEqual({ slot: start + 180_000, finishedAt: start + 240_000 })
})

test('of a probe that nobody knows there is nothing', async () => {
  const it = await opened()
  await using history = it.history
  const nothing = { health: 'Unknown', sequence: 0, transitions: [], recentLevels: [] }
  expect(await recall(it, probe, { status: undefined })).toEqual({ memory: nothing, outdated: false })
  expect(await history.memory(probe)).toEqual(nothing)
})
