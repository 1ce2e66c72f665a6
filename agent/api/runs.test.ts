import { describe, expect, test } from 'vitest'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { planOf } from './plans.fixture.ts'
import type { RunEvent } from './protocol.ts'
import type { RunLimits } from './runs.ts'
import { Runs } from './runs.ts'

/** Runs that do what the test says. */
function runsOf(limits: Partial<RunLimits> = {}) {
  const clock = new ManualClock()
  const started = new Map<string, { emit(event: RunEvent): void; end(): void; stopped: boolean }>()
  const runs = new Runs({
    clock,
    log: createLog({ name: 'test', level: 'silent' }),
    limits,
    start: (plan, emit) => {
      const finished = Promise.withResolvers<void>()
      const run = { emit, end: finished.resolve, stopped: false }
      started.set(plan.id, run)
      return { id: plan.id, finished: finished.promise, stop: () => void (run.stopped = true) }
    },
  })
  const run = (id: string) => {
    const found = started.get(id)
    if (!found) throw new Error(`${id} was never started`)
    return found
  }
  return { runs, clock, run, started }
}

const sample = (seq: number): RunEvent => ({ seq, at: 0, type: 'Sample', second: seq, metrics: {} })
const end = (seq: number): RunEvent => ({ seq, at: 0, type: 'End' })

async function collected(events: AsyncIterable<RunEvent | 'Idle'> | undefined): Promise<Array<number | 'Idle'>> {
  const seen: Array<number | 'Idle'> = []
  for await (const event of events ?? []) seen.push(event === 'Idle' ? event : event.seq)
  return seen
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a plan', () => {
  test('is started once, however often the same one comes', () => {
    const { runs, started } = runsOf()
    expect(runs.start(planOf())).toEqual({ kind: 'Started' })
    expect(runs.start(planOf())).toEqual({ kind: 'Known' })
    expect(started.size).toBe(1)
  })

  test('another one under the same id is refused, also when only the password differs', () => {
    const { runs } = runsOf()
    runs.start(planOf())
    const { endpoint } = planOf()
    const other = planOf({ endpoint: { ...endpoint, account: { username: 'alice', password: 'other' } } })
    expect(runs.start(other)).toMatchObject({ kind: 'Conflict', code: 'OtherPlan' })
  })

  test('of an older epoch is refused', () => {
    const { runs } = runsOf()
    runs.start(planOf({ epoch: 7 }))
    expect(runs.start(planOf({ id: 'late', epoch: 6 }))).toMatchObject({ kind: 'Conflict', code: 'OldEpoch' })
    expect(runs.start(planOf({ id: 'next', epoch: 7 }))).toEqual({ kind: 'Started' })
  })

  test('is refused when as many as allowed are running, and taken when one is over', async () => {
    const { runs, run } = runsOf({ running: 1 })
    runs.start(planOf())
    expect(runs.start(planOf({ id: 'second' }))).toMatchObject({ kind: 'Busy', code: 'Full' })
    run('run-1').end()
    await settled()
    expect(runs.start(planOf({ id: 'second' }))).toEqual({ kind: 'Started' })
  })

  test('is refused while the agent goes away, and what runs is stopped', async () => {
    const { runs, run } = runsOf()
    runs.start(planOf())
    const drained = runs.drain()
    expect(run('run-1').stopped).toBe(true)
    expect(runs.start(planOf({ id: 'second' }))).toMatchObject({ kind: 'Busy', code: 'Draining' })
    run('run-1').end()
    await drained
  })
})

describe('following a run', () => {
  test('gives what was and what comes, from any position, to the end', async () => {
    const { runs, run } = runsOf()
    runs.start(planOf())
    run('run-1').emit(sample(1))
    run('run-1').emit(sample(2))
    const all = collected(runs.follow('run-1', 0, new AbortController().signal))
    const rest = collected(runs.follow('run-1', 1, new AbortController().signal))
    await settled()
    run('run-1').emit(end(3))
    run('run-1').end()
    expect(await all).toEqual([1, 2, 3])
    expect(await rest).toEqual([2, 3])
    expect(await collected(runs.follow('run-1', 2, new AbortController().signal))).toEqual([3])
  })

  test('gives a sign of life while nothing happens', async () => {
    const { runs, run, clock } = runsOf({ idle: 5000 })
    runs.start(planOf())
    const all = collected(runs.follow('run-1', 0, new AbortController().signal))
    await settled()
    await clock.advance(5000)
    await settled()
    run('run-1').emit(end(1))
    run('run-1').end()
    expect(await all).toEqual(['Idle', 1])
  })

  test('ends when the follower goes away, and leaves no timer', async () => {
    const { runs, clock } = runsOf()
    runs.start(planOf())
    const gone = new AbortController()
    const all = collected(runs.follow('run-1', 0, gone.signal))
    await settled()
    gone.abort()
    expect(await all).toEqual([])
    expect(clock.waiting).toBe(0)
  })

  test('of a run that nobody knows there is nothing', () => {
    expect(runsOf().runs.follow('nobody', 0, new AbortController().signal)).toBeUndefined()
  })
})

describe('results', () => {
  test('stay until they are acknowledged', async () => {
    const { runs, run, clock } = runsOf()
    runs.start(planOf())
    expect(runs.acknowledge('run-1')).toBe('Running')
    run('run-1').emit(end(1))
    run('run-1').end()
    await settled()
    expect(runs.list()).toMatchObject([{ id: 'run-1', state: 'Finished' }])
    const told = runs.told()
    expect(runs.acknowledge('run-1')).toBe('Forgotten')
    await told
    expect([runs.list(), clock.waiting]).toEqual([[], 0])
    expect(runs.acknowledge('run-1')).toBe('Forgotten')
  })

  test('that nobody asks for are forgotten after ten minutes', async () => {
    const { runs, run, clock } = runsOf()
    runs.start(planOf())
    run('run-1').end()
    await settled()
    await clock.advance(599_999)
    expect(runs.list()).toHaveLength(1)
    await clock.advance(1)
    expect(runs.list()).toHaveLength(0)
  })

  test('over the bound: the oldest is forgotten', async () => {
    const { runs, run } = runsOf({ finished: 2 })
    for (const id of ['a', 'b', 'c']) {
      runs.start(planOf({ id }))
      run(id).end()
      await settled()
    }
    expect(runs.list().map(({ id }) => id)).toEqual(['b', 'c'])
  })

  test('of a run that is too long lose their oldest samples, and nothing else', async () => {
    const { runs, run } = runsOf({ events: 3 })
    runs.start(planOf())
    run('run-1').emit({ seq: 1, at: 0, type: 'Phase', phase: 'InCall' })
    for (const seq of [2, 3, 4, 5]) run('run-1').emit(sample(seq))
    run('run-1').emit(end(6))
    run('run-1').end()
    await settled()
    expect(await collected(runs.follow('run-1', 0, new AbortController().signal))).toEqual([1, 5, 6])
  })
})
