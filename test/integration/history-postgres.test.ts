import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import type { Entry } from '../../operator/history/history.ts'
import { historySuite } from '../../operator/history/history.fixture.ts'
import { openHistory } from '../../operator/history/index.ts'
import { outboxSuite } from '../../operator/history/outbox.fixture.ts'
import { delivery, flip, probe, transition } from '../../operator/history/test-entries.ts'
import type { TestStore } from '../../operator/history/test-store.ts'
import type { Postgres } from '../lab/postgres.ts'
import { postgres } from '../lab/postgres.ts'
import { temporaryFolder } from '../lab/process.ts'

let server: Postgres
const clock = systemClock
const page = { page: 1, perPage: 100 }

beforeAll(async () => {
  server = await postgres()
})
afterAll(() => server[Symbol.asyncDispose]())

async function postgresStore(): Promise<TestStore> {
  const url = await server.database()
  return { open: (now) => openHistory({ url, clock: now }), [Symbol.asyncDispose]: () => Promise.resolve() }
}

describe('on PostgreSQL', () => {
  historySuite(postgresStore)
  outboxSuite(postgresStore)
})

describe('several processes', () => {
  test('that open a new database at once all find the tables complete', async () => {
    const url = await server.database()
    await using all = new AsyncDisposableStack()
    const opened = await Promise.all([1, 2, 3].map(() => openHistory({ url, clock })))
    for (const history of opened) all.use(history)
    const epochs = await Promise.all(opened.map(({ objects }) => objects.nextEpoch()))
    expect(epochs.toSorted((left, right) => left - right)).toEqual([1, 2, 3])
  })

  test('that record the same round at once leave it there once', async () => {
    const url = await server.database()
    await using one = await openHistory({ url, clock })
    await using other = await openHistory({ url, clock })
    for (let sequence = 1; sequence <= 10; sequence++) {
      await Promise.all([one, other, one, other].map((history) => history.record(flip(sequence))))
    }
    expect((await one.transitions(probe, page)).total).toBe(10)
    expect((await one.executions(probe, page)).total).toBe(20)
    expect((await one.outbox.list(page)).total).toBe(10)
  })

  test('that tell different stories of one number: the first stands, and the other hears of it', async () => {
    const url = await server.database()
    await using one = await openHistory({ url, clock })
    await using other = await openHistory({ url, clock })
    const story = (to: 'Healthy' | 'Unhealthy'): Entry => ({
      probe,
      executions: [],
      transition: transition(1, 'Unknown', to),
      deliveries: [delivery(1, to)],
    })
    const ended = await Promise.allSettled([one.record(story('Healthy')), other.record(story('Unhealthy'))])
    expect(ended.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(ended.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { name: 'HistoryError', code: 'HistoryConflict' },
    })
    const [delivered] = (await one.outbox.list(page)).items
    expect(delivered?.newStatus).toBe((await one.memory(probe)).health)
  })
})

test('a dump that is restored elsewhere is the same history, and goes on', async () => {
  using temporary = temporaryFolder('dump')
  const file = join(temporary.path, 'history.dump')
  const [from, to] = [await server.database(), await server.database()]
  await using history = await openHistory({ url: from, clock })
  for (const sequence of [1, 2, 3]) await history.record(flip(sequence))
  server.run('pg_dump', ['--format=custom', `--file=${file}`, from])
  server.run('pg_restore', ['--exit-on-error', `--dbname=${to}`, file])
  await using restored = await openHistory({ url: to, clock })
  expect(await restored.memory(probe)).toEqual(await history.memory(probe))
  expect(await restored.execution(probe, 'switchboard-run-3')).toEqual(
    await history.execution(probe, 'switchboard-run-3'),
  )
  await restored.record(flip(4))
  expect((await restored.outbox.list(page)).items.map(({ sequence, state }) => `${sequence} ${state}`)).toEqual(
    [4, 3, 2, 1].map((sequence) => `${sequence} Pending`),
  )
})

describe('a server that goes away', () => {
  test('is named without its password, and what was recorded is there when it is back', async () => {
    const url = await server.database()
    await using history = await openHistory({ url, clock })
    let told = 0
    const ends = [() => server.stop(), () => server.kill()]
    for (const end of ends) {
      for (let count = 0; count < 5; count++) await history.record(flip(++told))
      await end()
      const failed = history.record(flip(told + 1))
      await expect(failed).rejects.toMatchObject({
        code: 'HistoryUnavailable',
        message: expect.stringMatching(
          /^history postgres:\/\/127\.0\.0\.1:\d+\/history_\d+ (cannot be reached|has ended)/,
        ),
      })
      await server.start()
    }
    await history.record(flip(++told))
    const transitions = await history.transitions(probe, page)
    expect(transitions.items.map(({ sequence }) => sequence)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    expect((await history.executions(probe, page)).total).toBe(22)
  })

  test('in the middle of transactions leaves every one whole or not there, and a retry mends it', async () => {
    const url = await server.database()
    await using history = await openHistory({ url, clock })
    const names = Array.from({ length: 50 }, (_, index) => ({ ...probe, name: `p${index}`, uid: `u${index}` }))
    const first = Promise.allSettled(names.map((name) => history.record(flip(1, name))))
    await server.kill()
    const ended = await first
    await server.start()
    for (const [index, name] of names.entries()) {
      const { total } = await history.executions(name, page)
      const { sequence } = await history.memory(name)
      const whole = sequence === 1 && total === 2
      expect(whole || (sequence === 0 && total === 0)).toBe(true)
      expect(ended[index]?.status === 'rejected' || whole).toBe(true)
      await history.record(flip(1, name))
    }
    expect((await history.outbox.list({ page: 1, perPage: 1 })).total).toBe(50)
  })

  test('or hangs is given up after a while, and used again when it goes on', async () => {
    const url = await server.database()
    await using history = await openHistory({ url, clock })
    await history.record(flip(1))
    server.freeze()
    try {
      await expect(history.record(flip(2))).rejects.toMatchObject({ code: 'HistoryUnavailable' })
    } finally {
      server.thaw()
    }
    await history.record(flip(2))
    expect((await history.memory(probe)).sequence).toBe(2)
  })
})

test('a table that is locked for long fails the write, and what waited for the lock leaves nothing behind', async () => {
  const url = await server.database()
  await using history = await openHistory({ url, clock })
  await history.record(flip(1))
  const holder = new Client({ connectionString: url })
  await holder.connect()
  try {
    await holder.query('begin; lock table transitions in exclusive mode')
    await expect(history.record(flip(2))).rejects.toMatchObject({ code: 'HistoryUnavailable' })
    expect((await history.memory(probe)).sequence).toBe(1)
    await holder.query('rollback')
  } finally {
    await holder.end()
  }
  await history.record(flip(2))
  await history.record(flip(3))
  expect((await history.memory(probe)).sequence).toBe(3)
  expect((await history.outbox.list(page)).total).toBe(3)
})

describe('a database that cannot be used says so, and never its password', () => {
  test('that does not exist', async () => {
    const url = (await server.database()).replace(/\d+$/, '9999')
    await expect(openHistory({ url, clock })).rejects.toMatchObject({
      code: 'HistoryUnavailable',
      message: expect.stringMatching(/^history postgres:\/\/127\.0\.0\.1:\d+\/history_9999 does not exist/),
    })
  })

  test('with another password', async () => {
    const url = (await server.database()).replace('pw-lab', 'hunter2')
    await expect(openHistory({ url, clock })).rejects.toMatchObject({
      code: 'HistoryUnavailable',
      message: expect.stringMatching(/^history postgres:[^ ]+ does not let us in \((?!.*hunter2)/),
    })
  })

  test('read-only, as a replica is', async () => {
    const url = await server.database()
    await using history = await openHistory({ url, clock })
    await using replica = await openHistory({
      url: `${url}?options=-c%20default_transaction_read_only%3Don`,
      clock,
    }).catch((error: unknown) => ({ error, [Symbol.asyncDispose]: () => Promise.resolve() }))
    expect(replica).toMatchObject({ error: { code: 'HistoryUnavailable' } })
    await history.record(flip(1))
  })

  test.each([
    ['not a url', 'the URL of the history store is not valid'],
    ['mysql://a:hunter2@b/c', 'the URL of the history store begins with mysql:// and not postgres://'],
  ])('%s', async (url, message) => {
    await expect(openHistory({ url, clock })).rejects.toMatchObject({ code: 'HistoryUnavailable', message })
  })
})
