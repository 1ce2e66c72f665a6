/** What every store does with webhook deliveries, whichever database is behind it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Health } from '../../crds/index.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { Delivery, History, NewDelivery, ProbeIdentity, Untold } from './index.ts'
import { delivery, flip, probe, start, transition } from './test-entries.ts'
import type { TestStore } from './test-store.ts'

const MINUTE = 60_000

export function outboxSuite(newStore: () => Promise<TestStore>): void {
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

  const page = { page: 1, perPage: 100 }
  const other: ProbeIdentity = { ...probe, name: 'trunk', uid: 'uid-2' }

  async function only(now = clock.now()): Promise<Delivery> {
    const [first, ...more] = await history.outbox.due(now, 100)
    if (!first || more.length > 0) throw new Error('exactly one delivery should be due')
    return first
  }

  async function states(): Promise<string[]> {
    return (await history.outbox.list(page)).items
      .map(({ sequence, webhook, state }) => `${sequence} ${webhook} ${state}`)
      .reverse()
  }

  const fail = (item: Delivery, at: number, wait: number) =>
    history.outbox.postpone(item, { nextAttemptAt: at + wait, responseCode: 503, error: 'HTTP 503', at })
  const deliver = (item: Delivery) =>
    history.outbox.settle(item, { state: 'Delivered', responseCode: 200, at: clock.now(), endpoint: 'first' })

  describe('what is due', () => {
    test('is the oldest of each probe and webhook, and the next one only when that is settled', async () => {
      for (const sequence of [1, 2]) {
        await history.record(flip(sequence, probe, ['chat', 'pager']))
        await history.record(flip(sequence, other))
      }
      const due = await history.outbox.due(start, 100)
      expect(due.map(({ probe: { name }, webhook, sequence }) => `${name} ${webhook} ${sequence}`)).toEqual([
        'switchboard chat 1',
        'switchboard pager 1',
        'trunk chat 1',
      ])
      await deliver(due[0] ?? (await only()))
      const next = await history.outbox.due(start, 100)
      expect(next.map(({ probe: { name }, webhook, sequence }) => `${name} ${webhook} ${sequence}`)).toEqual([
        'switchboard pager 1',
        'trunk chat 1',
        'switchboard chat 2',
      ])
    })

    test('can be walked through by id', async () => {
      for (const name of ['a', 'b', 'c']) await history.record(flip(1, { ...probe, name, uid: name }))
      const [first, second] = await history.outbox.due(start, 2)
      const rest = await history.outbox.due(start, 2, second?.id)
      expect([first, second, ...rest].map((item) => item?.probe.name)).toEqual(['a', 'b', 'c'])
    })

    test('is nothing while the oldest waits for its next attempt, though newer ones are there', async () => {
      await history.record(flip(1))
      await history.record(flip(2))
      const first = await only()
      await fail(first, start, 5000)
      expect(await history.outbox.due(start + 4999, 100)).toEqual([])
      expect(await history.outbox.nextDue(start)).toBe(start + 5000)
      expect(await only(start + 5000)).toEqual({
        ...first,
        attempts: 1,
        nextAttemptAt: start + 5000,
        responseCode: 503,
        error: 'HTTP 503',
      })
      expect(await history.outbox.nextDue(start + 5000)).toBeUndefined()
    })
  })

  describe('the log', () => {
    test('holds every attempt with its answer', async () => {
      await history.record(flip(1))
      const item = await only()
      await history.outbox.postpone(item, { nextAttemptAt: start + 5000, error: 'connection refused', at: start })
      await fail(item, start + 5000, 30_000)
      await history.outbox.settle(item, {
        state: 'Delivered',
        responseCode: 204,
        at: start + 35_000,
        endpoint: 'first',
      })
      expect(await history.outbox.attempts(item.id)).toEqual([
        { at: start, error: 'connection refused' },
        { at: start + 5000, responseCode: 503, error: 'HTTP 503' },
        { at: start + 35_000, responseCode: 204 },
      ])
      const { items } = await history.outbox.list(page)
      expect(items).toMatchObject([{ state: 'Delivered', attempts: 3, responseCode: 204 }])
      expect(items[0]?.error).toBeUndefined()
    })

    test('is listed newest first, of all, of a namespace or of a probe', async () => {
      const far = { ...probe, namespace: 'far', uid: 'uid-3' }
      for (const of of [probe, other, far]) await history.record(flip(1, of))
      const names = async (filter: { namespace?: string; name?: string }) =>
        (await history.outbox.list({ ...page, ...filter })).items.map(
          ({ probe: { namespace, name } }) => `${namespace}/${name}`,
        )
      expect(await names({})).toEqual(['far/switchboard', 'default/trunk', 'default/switchboard'])
      expect(await names({ namespace: 'default' })).toEqual(['default/trunk', 'default/switchboard'])
      expect(await names({ namespace: 'default', name: 'trunk' })).toEqual(['default/trunk'])
      expect((await history.outbox.list({ page: 2, perPage: 2 })).total).toBe(3)
    })

    test('counts what waits', async () => {
      expect(await history.outbox.counts()).toEqual({ pending: 0 })
      await history.record(flip(1))
      await clock.advance(1000)
      await history.record(flip(2))
      expect(await history.outbox.counts()).toEqual({ pending: 2, oldestCreatedAt: start })
      await deliver(await only())
      expect(await history.outbox.counts()).toEqual({ pending: 1, oldestCreatedAt: start + 1000 })
    })
  })

  describe('superseding', () => {
    test('takes one that failed, is 10 minutes old and has a newer one behind it', async () => {
      await history.record(flip(1))
      const item = await only()
      await fail(item, start, 5000)
      expect(await history.outbox.supersede(start + 10 * MINUTE)).toEqual({ superseded: 0, expired: 0 })
      await history.record(flip(2))
      expect(await history.outbox.supersede(start + 10 * MINUTE - 1)).toEqual({ superseded: 0, expired: 0 })
      expect(await history.outbox.supersede(start + 10 * MINUTE)).toEqual({ superseded: 1, expired: 0 })
      expect((await only()).sequence).toBe(2)
    })

    test('takes none that was not tried, and none for a newer one of another webhook', async () => {
      await history.record(flip(1))
      await history.record(flip(2))
      expect(await history.outbox.supersede(start + 60 * MINUTE)).toEqual({ superseded: 0, expired: 0 })
      await deliver(await only())
      await fail(await only(), start, 5000)
      await history.record(flip(3, probe, ['pager']))
      expect(await history.outbox.supersede(start + 60 * MINUTE)).toEqual({ superseded: 0, expired: 0 })
    })

    test('gives one up at 6 hours, if it was tried', async () => {
      await history.record(flip(1))
      expect(await history.outbox.supersede(start + 361 * MINUTE)).toEqual({ superseded: 0, expired: 0 })
      await fail(await only(), start, 5000)
      expect(await history.outbox.supersede(start + 360 * MINUTE - 1)).toEqual({ superseded: 0, expired: 0 })
      expect(await history.outbox.supersede(start + 360 * MINUTE)).toEqual({ superseded: 0, expired: 1 })
      expect(await states()).toEqual(['1 chat Expired'])
    })

    test('is not undone by an attempt that was on its way, but a delivery is', async () => {
      await history.record(flip(1))
      const item = await only()
      await fail(item, start, 5000)
      await history.record(flip(2))
      await history.outbox.supersede(start + 10 * MINUTE)
      await fail(item, start + 10 * MINUTE, 5000)
      expect(await states()).toEqual(['1 chat Superseded', '2 chat Pending'])
      await deliver(item)
      expect(await states()).toEqual(['1 chat Delivered', '2 chat Pending'])
    })
  })

  describe('a disabled endpoint', () => {
    test('is remembered until another settles a delivery of this webhook', async () => {
      const webhook = { probe, webhook: 'chat' }
      for (const sequence of [1, 2, 3]) await history.record(flip(sequence))
      expect(await history.outbox.disabledEndpoint(webhook)).toBeUndefined()
      await history.outbox.settle(await only(), {
        state: 'Disabled',
        responseCode: 410,
        at: start,
        endpoint: 'first',
      })
      expect(await history.outbox.disabledEndpoint(webhook)).toBe('first')
      expect(await history.outbox.disabledWebhooks(probe)).toEqual(['chat'])
      expect(await history.outbox.disabledWebhooks(other)).toEqual([])
      expect(await history.outbox.disabledEndpoint({ probe, webhook: 'pager' })).toBeUndefined()
      expect(await history.outbox.disabledEndpoint({ probe: other, webhook: 'chat' })).toBeUndefined()
      const item = await only()
      await history.outbox.settle(item, { state: 'Disabled', error: 'not sent', at: start, endpoint: 'first' })
      expect(await history.outbox.attempts(item.id)).toEqual([])
      expect(await history.outbox.disabledEndpoint(webhook)).toBe('first')
      await history.outbox.settle(await only(), {
        state: 'Delivered',
        responseCode: 200,
        at: start,
        endpoint: 'second',
      })
      expect(await history.outbox.disabledEndpoint(webhook)).toBeUndefined()
      expect(await history.outbox.disabledWebhooks(probe)).toEqual([])
    })
  })

  describe('replaying', () => {
    test('makes one pending again under the same id, whatever became of it, and keeps its log', async () => {
      for (const sequence of [1, 2, 3]) await history.record(flip(sequence))
      const first = await only()
      await deliver(first)
      const second = await only()
      await history.outbox.settle(second, { state: 'Disabled', responseCode: 410, at: start, endpoint: 'first' })
      for (const item of [first, second]) {
        const { id } = item
        expect(await history.outbox.replay(id, start + MINUTE)).toBe('Replayed')
        expect(await only(start + MINUTE)).toMatchObject({
          id,
          state: 'Pending',
          attempts: 0,
          nextAttemptAt: start + MINUTE,
        })
        await deliver(item)
        expect((await history.outbox.attempts(id)).length).toBe(2)
      }
      expect(await states()).toEqual(['1 chat Delivered', '2 chat Delivered', '3 chat Pending'])
    })

    test('an old one is tried before it can give way or be given up', async () => {
      await history.record(flip(1))
      await deliver(await only())
      await history.record(flip(2))
      const { id } = (await history.outbox.list(page)).items.find(({ sequence }) => sequence === 1) ?? { id: 0 }
      const later = start + 7 * 60 * MINUTE
      await history.outbox.replay(id, later)
      expect(await history.outbox.supersede(later)).toEqual({ superseded: 0, expired: 0 })
      expect((await only(later)).id).toBe(id)
    })

    test('leaves one alone that a window holds back, and says when there is none', async () => {
      await history.record({ ...flip(1), deliveries: [delivery(1, 'Degraded', { held: true })] })
      const [held] = (await history.outbox.list(page)).items
      expect(await history.outbox.get(held?.id ?? 0)).toEqual(held)
      expect(await history.outbox.replay(held?.id ?? 0, start)).toBe('Held')
      expect(await history.outbox.replay(99, start)).toBe('NotFound')
      expect(await history.outbox.get(99)).toBeUndefined()
      expect(await states()).toEqual(['1 chat Held'])
    })
  })

  describe('what was told from memory before it could be stored', () => {
    const told = (sequence: number, to: Health, untold: Partial<Untold>): NewDelivery =>
      delivery(sequence, to, {
        untold: { state: 'Pending', createdAt: start - 5000, nextAttemptAt: start, attempts: [], ...untold },
      })

    test('is stored as it came out, with its log', async () => {
      const attempts = [
        { at: start - 5000, responseCode: 503, error: 'HTTP 503' },
        { at: start - 1000, responseCode: 204 },
      ]
      const delivered = told(1, 'Healthy', { state: 'Delivered', endpoint: 'first', attempts })
      const waiting = told(2, 'Degraded', { attempts: attempts.slice(0, 1), nextAttemptAt: start + 5000 })
      await history.record({ probe, executions: [], deliveries: [delivered, waiting] })
      const [second, first] = (await history.outbox.list(page)).items
      expect(first).toMatchObject({ state: 'Delivered', attempts: 2, responseCode: 204, createdAt: start - 5000 })
      expect(second).toMatchObject({ state: 'Pending', attempts: 1, nextAttemptAt: start + 5000, error: 'HTTP 503' })
      expect(await history.outbox.attempts(first?.id ?? 0)).toEqual(attempts)
      expect(await history.outbox.due(start, 100)).toEqual([])
    })

    test('is followed by nothing older', async () => {
      await history.record(flip(1))
      await history.record({ ...flip(1, other), executions: [] })
      await history.record({ probe, executions: [], deliveries: [told(2, 'Healthy', { state: 'Delivered' })] })
      expect((await history.outbox.due(start, 100)).map(({ probe: { name } }) => name)).toEqual(['trunk'])
      expect(await states()).toEqual(['1 chat Superseded', '1 chat Pending', '2 chat Delivered'])
    })

    test('goes on where it was, when the answer to the first commit was lost', async () => {
      const failed = { at: start, responseCode: 503, error: 'HTTP 503' }
      await history.record({ probe, executions: [], deliveries: [told(1, 'Healthy', { attempts: [failed] })] })
      const attempts = [failed, { at: start + 5000, responseCode: 204 }]
      const entry = { probe, executions: [], deliveries: [told(1, 'Healthy', { state: 'Delivered', attempts })] }
      await history.record(entry)
      await history.record(entry)
      const [item] = (await history.outbox.list(page)).items
      expect(item).toMatchObject({ state: 'Delivered', attempts: 2 })
      expect(await history.outbox.attempts(item?.id ?? 0)).toEqual(attempts)
    })

    test('of a delivery that is not there is nothing', async () => {
      const nobody = { webhookId: 'evt_none', webhook: 'chat' }
      await history.outbox.settle(nobody, { state: 'Delivered', responseCode: 200, at: start, endpoint: 'e' })
      await history.outbox.postpone(nobody, { nextAttemptAt: start, error: 'no', at: start })
      expect((await history.outbox.list(page)).total).toBe(0)
    })
  })

  describe('after a maintenance window', () => {
    /** Transitions from Unknown along `path`; those after the first `before` were held. */
    async function along(
      path: readonly Health[],
      before: number,
      webhooksOf: (to: Health) => readonly string[],
    ): Promise<void> {
      for (const [index, to] of path.entries()) {
        const sequence = index + 1
        const held = index >= before
        const deliveries = webhooksOf(to).map((webhook) => delivery(sequence, to, { webhook, held }))
        const from = path[index - 1] ?? 'Unknown'
        await history.record({ probe, executions: [], transition: transition(sequence, from, to), deliveries })
      }
    }

    test('nothing goes out before it ends', async () => {
      await along(['Healthy', 'Unhealthy'], 1, () => ['chat'])
      expect((await only()).sequence).toBe(1)
      await deliver(await only())
      expect(await history.outbox.due(start + 60 * MINUTE, 100)).toEqual([])
      expect(await history.outbox.counts()).toEqual({ pending: 0 })
    })

    test('only the last state is told', async () => {
      await along(['Healthy', 'Degraded', 'Unhealthy'], 1, () => ['chat'])
      await history.outbox.releaseHeld(probe)
      expect(await states()).toEqual(['1 chat Pending', '2 chat Superseded', '3 chat Pending'])
    })

    test('nothing is told when all is as it was', async () => {
      await along(['Healthy', 'Unhealthy', 'Healthy'], 1, () => ['chat'])
      await deliver(await only())
      await history.outbox.releaseHeld(probe)
      expect(await states()).toEqual(['1 chat Delivered', '2 chat Superseded', '3 chat Superseded'])
    })

    test('a webhook that hears of faults alone is not told of one that is over', async () => {
      await along(['Healthy', 'Unhealthy', 'Healthy'], 1, (to) => (to === 'Healthy' ? ['chat'] : ['chat', 'pager']))
      await history.outbox.releaseHeld(probe)
      expect(await states()).toEqual(['1 chat Pending', '2 chat Superseded', '2 pager Superseded', '3 chat Superseded'])
    })

    test('other probes are left as they are', async () => {
      await along(['Unhealthy'], 0, () => ['chat'])
      await history.outbox.releaseHeld(other)
      expect(await states()).toEqual(['1 chat Held'])
      await history.outbox.releaseHeld(probe)
      expect(await states()).toEqual(['1 chat Pending'])
    })
  })
}
