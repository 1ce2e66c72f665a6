/** What every store does with what it is given, whichever database is behind it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { History } from './index.ts'
import { delivery, execution, flip, probe, start, transition } from './test-entries.ts'
import type { TestStore } from './test-store.ts'

const DAY = 86_400_000

export function historySuite(newStore: () => Promise<TestStore>): void {
  let store: TestStore
  let clock: ManualClock
  let history: History

  beforeEach(async () => {
    clock = new ManualClock(start)
    store = await newStore()
    history = await store.open(clock)
  })
  afterEach(async () => {
    await history[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
  })

  const page = { page: 1, perPage: 10 }

  describe('what was recorded', () => {
    test('an execution comes back whole by its id, and in a list without samples and trace', async () => {
      await history.record({ probe, executions: [execution('a')], deliveries: [] })
      expect(await history.execution(probe, 'a')).toEqual(execution('a'))
      expect(await history.executionById('a')).toEqual({ ...execution('a'), probe })
      const { trace: _trace, ...listed } = execution('a', { samples: [] })
      expect(await history.executions(probe, page)).toEqual({ items: [listed], total: 1 })
    })

    test('is there after the file is opened again', async () => {
      await history.record(flip(1))
      await history[Symbol.asyncDispose]()
      history = await store.open(clock)
      expect(await history.transitions(probe, page)).toEqual({ items: [flip(1).transition], total: 1 })
      expect((await history.outbox.due(start, 10)).map(({ webhookId }) => webhookId)).toEqual(['evt_uid-1_1'])
    })

    test('may hold a character that a peer should not have sent', async () => {
      const message = 'the peer said a\0b'
      await history.record({
        probe,
        executions: [execution('a', { message })],
        transition: transition(1, 'Unknown', 'Degraded', { message }),
        deliveries: [delivery(1, 'Degraded', { body: JSON.stringify({ message }) })],
      })
      expect(await history.execution(probe, 'a')).toEqual(execution('a', { message: 'the peer said a\ufffdb' }))
      expect((await history.outbox.list(page)).items.map(({ body }) => JSON.parse(body))).toEqual([{ message }])
    })

    test('is not found under the name of another probe', async () => {
      await history.record({ probe, executions: [execution('a')], deliveries: [] })
      expect(await history.execution({ namespace: 'default', name: 'other' }, 'a')).toBeUndefined()
      expect(await history.execution({ namespace: 'other', name: 'switchboard' }, 'a')).toBeUndefined()
      expect(await history.executionById('b')).toBeUndefined()
    })

    test('comes in pages, newest first', async () => {
      for (let sequence = 1; sequence <= 5; sequence++) await history.record(flip(sequence))
      const second = await history.executions(probe, { page: 2, perPage: 4 })
      expect(second.total).toBe(10)
      expect(second.items.map(({ id }) => id)).toEqual([
        'switchboard-run-3-east',
        'switchboard-run-3',
        'switchboard-run-2-east',
        'switchboard-run-2',
      ])
      const transitions = await history.transitions(probe, { page: 2, perPage: 2 })
      expect(transitions.items.map(({ sequence }) => sequence)).toEqual([3, 2])
    })
  })

  describe('recording twice', () => {
    test('the same entry changes nothing', async () => {
      await history.record(flip(1))
      const before = await history.memory(probe)
      await history.record(flip(1))
      expect(await history.memory(probe)).toEqual(before)
      expect((await history.executions(probe, page)).total).toBe(2)
      expect((await history.outbox.list(page)).total).toBe(1)
    })

    test('an execution that has a level is left as it is', async () => {
      await history.record({ probe, executions: [execution('a')], deliveries: [] })
      await history.record({ probe, executions: [execution('a', { level: 'Unhealthy' })], deliveries: [] })
      expect(await history.execution(probe, 'a')).toEqual(execution('a'))
    })

    test('a stopped execution gives way to the one that ran its slot after all', async () => {
      const { level: _level, ...stopped } = execution('a', { reason: 'Stopped' })
      await history.record({ probe, executions: [stopped], deliveries: [] })
      expect(await history.execution(probe, 'a')).toEqual(stopped)
      await history.record({ probe, executions: [execution('a')], deliveries: [] })
      expect(await history.execution(probe, 'a')).toEqual(execution('a'))
      await history.record({ probe, executions: [stopped], deliveries: [] })
      expect(await history.execution(probe, 'a')).toEqual(execution('a'))
    })
  })

  describe('a transition that does not fit', () => {
    test('is refused when it would leave a gap, and its whole entry with it', async () => {
      await history.record(flip(1))
      await expect(history.record(flip(3))).rejects.toMatchObject({ name: 'HistoryError', code: 'HistoryConflict' })
      expect((await history.executions(probe, page)).total).toBe(2)
      expect((await history.memory(probe)).sequence).toBe(1)
      expect((await history.outbox.list(page)).total).toBe(1)
    })

    test('is refused when its number has another story', async () => {
      await history.record(flip(1))
      const other = { ...flip(1), transition: transition(1, 'Unknown', 'Unhealthy') }
      await expect(history.record(other)).rejects.toThrow('default/switchboard has another transition 1 already')
    })
  })

  describe('memory', () => {
    test('of a probe that never ran', async () => {
      expect(await history.memory(probe)).toEqual({ health: 'Unknown', sequence: 0, transitions: [], recentLevels: [] })
    })

    test('holds the state, the last ten of everything, oldest first', async () => {
      for (let sequence = 1; sequence <= 13; sequence++) await history.record(flip(sequence))
      const memory = await history.memory(probe)
      const { trace: _trace, ...last } = execution('switchboard-run-13', { slot: start + 13 * 60_000, samples: [] })
      expect(memory).toMatchObject({
        health: 'Degraded',
        since: start + 13 * 60_000,
        sequence: 13,
        lastRound: { slot: start + 13 * 60_000, finishedAt: start + 13 * 60_000 + 3005 },
        leftHealthyAt: start + 13 * 60_000,
      })
      expect(memory.transitions.map(({ sequence }) => sequence)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
      expect(memory.recentLevels).toEqual(Array.from({ length: 5 }, () => ['Healthy', 'Degraded']).flat())
      expect(memory.lastExecution).toEqual(last)
    })

    test('forgets the levels before a transition that no execution caused, not the round', async () => {
      await history.record(flip(1))
      const { executionId: _id, ...suspended } = transition(2, 'Degraded', 'Unknown', { reason: 'Suspended' })
      await history.record({ probe, executions: [], transition: suspended, deliveries: [] })
      const memory = await history.memory(probe)
      expect(memory).toMatchObject({ health: 'Unknown', recentLevels: [], lastRound: { slot: start + 60_000 } })
      expect(memory.transitions.at(-1)).toEqual(suspended)
      await history.record({ ...flip(3), transition: transition(3, 'Unknown', 'Degraded') })
      expect((await history.memory(probe)).recentLevels).toEqual(['Degraded'])
    })

    test('knows when Healthy was left until it is reached again', async () => {
      const path = ['Unknown', 'Degraded', 'Healthy', 'Degraded', 'Unhealthy', 'Unknown', 'Healthy'] as const
      const seen: Array<number | undefined> = []
      for (const [index, to] of path.slice(1).entries()) {
        await history.record({
          probe,
          executions: [],
          transition: transition(index + 1, path[index] ?? 'Unknown', to),
          deliveries: [],
        })
        seen.push((await history.memory(probe)).leftHealthyAt)
      }
      const left = start + 3 * 60_000
      expect(seen).toEqual([undefined, undefined, left, left, left, undefined])
    })

    test('of a probe that was created again is new, but its numbers go on', async () => {
      await history.record(flip(1))
      const again = { ...probe, uid: 'uid-2' }
      const memory = await history.memory(again)
      expect(memory).toMatchObject({ health: 'Unknown', sequence: 1, recentLevels: [] })
      expect(memory.since).toBeUndefined()
      expect(memory.lastRound).toBeUndefined()
      await history.record({
        probe: again,
        executions: [],
        transition: transition(2, 'Unknown', 'Healthy'),
        deliveries: [],
      })
      expect(await history.memory(again)).toMatchObject({ health: 'Healthy', sequence: 2 })
      expect((await history.transitions(probe, page)).total).toBe(2)
    })
  })

  describe('what the store lost', () => {
    test('is put back from who still knows it, and history goes on from there', async () => {
      await history.record(flip(1))
      const known = [1, 2, 3, 4].map((sequence) => flip(sequence).transition).filter((each) => each !== undefined)
      expect(await history.restore(probe, known.toReversed())).toBe(3)
      expect((await history.memory(probe)).sequence).toBe(4)
      expect((await history.transitions(probe, page)).items.toReversed()).toEqual(known)
      expect(await history.restore(probe, known)).toBe(0)
      await history.record(flip(5))
      expect((await history.outbox.list(page)).items.map(({ sequence }) => sequence)).toEqual([5, 1])
    })

    test('may begin in the middle', async () => {
      const known = [7, 8].map((sequence) => flip(sequence).transition).filter((each) => each !== undefined)
      expect(await history.restore(probe, known)).toBe(2)
      await history.record(flip(9))
      expect((await history.memory(probe)).transitions.map(({ sequence }) => sequence)).toEqual([7, 8, 9])
    })
  })

  describe('states', () => {
    test('begin with the one in force at the start of the time asked for', async () => {
      for (let sequence = 1; sequence <= 4; sequence++) await history.record(flip(sequence))
      const minute = (count: number) => start + count * 60_000
      expect(await history.states(probe, minute(2.5), minute(4))).toEqual([
        { at: minute(2.5), health: 'Healthy' },
        { at: minute(3), health: 'Degraded' },
        { at: minute(4), health: 'Healthy' },
      ])
      expect(await history.states(probe, minute(2), minute(2))).toEqual([{ at: minute(2), health: 'Healthy' }])
      expect(await history.states(probe, minute(0), minute(1))).toEqual([{ at: minute(1), health: 'Degraded' }])
      expect(await history.states({ namespace: 'default', name: 'none' }, 0, minute(9))).toEqual([])
    })
  })

  describe('objects', () => {
    const object = { kind: 'SipProbe', namespace: 'default', name: 'a' }

    test('keep their uid, and their generation until the specification changes', async () => {
      const first = await history.objects.identify({ ...object, specHash: 'x' })
      expect(first).toEqual({ uid: expect.stringMatching(/^[0-9a-f-]{36}$/), generation: 1 })
      expect(await history.objects.identify({ ...object, specHash: 'x' })).toEqual(first)
      expect(await history.objects.identify({ ...object, specHash: 'y' })).toEqual({ ...first, generation: 2 })
      expect(await history.objects.identify({ ...object, specHash: 'x' })).toEqual({ ...first, generation: 3 })
      const other = await history.objects.identify({ ...object, kind: 'StatusPage', specHash: 'x' })
      expect(other.uid).not.toBe(first.uid)
    })

    test('have the status that was written last', async () => {
      await expect(history.objects.writeStatus(object, { health: 'Healthy' })).rejects.toThrow('identify it first')
      await history.objects.identify({ ...object, specHash: 'x' })
      expect(await history.objects.status(object)).toBeUndefined()
      expect(await history.objects.statuses()).toEqual([])
      await history.objects.writeStatus(object, { health: 'Healthy' })
      await history.objects.writeStatus(object, { health: 'Degraded' })
      await history.objects.identify({ ...object, specHash: 'y' })
      expect(await history.objects.status(object)).toEqual({ health: 'Degraded' })
      expect(await history.objects.statuses()).toEqual([{ ...object, status: { health: 'Degraded' } }])
    })

    test('count the starts', async () => {
      expect(await history.objects.nextEpoch()).toBe(1)
      await history[Symbol.asyncDispose]()
      history = await store.open(clock)
      expect(await history.objects.nextEpoch()).toBe(2)
    })
  })

  describe('pruning', () => {
    async function pruned(now: number): Promise<void> {
      let done = false
      const running = history.prune(now).then(() => (done = true))
      while (!done) {
        await clock.advance(10)
        // A disk is read between two batches, which no clock knows of.
        await new Promise((resolve) => setImmediate(resolve))
      }
      await running
    }

    test('samples and traces go after 7 days, executions after 90, transitions after 400', async () => {
      await history.record(flip(1))
      await history.record(flip(2))
      const id = 'switchboard-run-1'
      const slot = start + 60_000
      await pruned(slot + 7 * DAY)
      expect(await history.execution(probe, id)).toMatchObject({ samples: [{ second: 0 }, { second: 1 }] })
      await pruned(slot + 7 * DAY + 1)
      const bare = await history.execution(probe, id)
      expect(bare?.samples).toEqual([])
      expect(bare?.trace).toBeUndefined()
      await pruned(slot + 90 * DAY + 1)
      expect((await history.executions(probe, page)).items.map(({ slot: of }) => of)).toEqual([
        slot + 60_000,
        slot + 60_000,
      ])
      await pruned(slot + 400 * DAY)
      expect((await history.transitions(probe, page)).total).toBe(2)
      await pruned(slot + 400 * DAY + 1)
      expect((await history.transitions(probe, page)).items.map(({ sequence }) => sequence)).toEqual([2])
    })

    test('a probe keeps its state and its number, however long ago it changed', async () => {
      await history.record(flip(1))
      await history.record(flip(2))
      await pruned(start + 4000 * DAY)
      expect(await history.memory(probe)).toMatchObject({
        health: 'Healthy',
        sequence: 2,
        recentLevels: ['Degraded', 'Healthy'],
      })
      await history.record(flip(3))
      expect((await history.memory(probe)).sequence).toBe(3)
    })

    test('settled deliveries go after 90 days with their attempts, waiting ones stay', async () => {
      await history.record(flip(1, probe, ['chat', 'pager']))
      const [chat, pager] = await history.outbox.due(start, 10)
      if (!chat || !pager) throw new Error('two deliveries are due')
      await history.outbox.settle(chat, { state: 'Delivered', responseCode: 204, at: start, endpoint: 'e' })
      await pruned(start + 90 * DAY)
      expect((await history.outbox.list(page)).total).toBe(2)
      await pruned(start + 90 * DAY + 1)
      expect((await history.outbox.list(page)).items.map(({ id }) => id)).toEqual([pager.id])
      expect(await history.outbox.attempts(chat.id)).toEqual([])
    })

    test('more than one batch goes too', async () => {
      const many = Array.from({ length: 1201 }, (_, index) => execution(`run-${index}`, { slot: start + index }))
      await history.record({ probe, executions: many, deliveries: [] })
      await pruned(start + 1200 + 90 * DAY)
      expect((await history.executions(probe, page)).items.map(({ id }) => id)).toEqual(['run-1200'])
    })
  })
}
