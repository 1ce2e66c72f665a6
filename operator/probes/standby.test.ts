import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import type { History } from '../history/index.ts'
import { migrate } from '../history/migrations.ts'
import { historyOn } from '../history/open.ts'
import { openSqlite } from '../history/sqlite.ts'
import type { Store } from '../history/store.ts'
import { flip, probe } from '../history/test-entries.ts'
import { createAddressCheck, LOOPBACK } from '../webhooks/addresses.ts'
import { Deliverer } from '../webhooks/deliverer.ts'
import { Receiver, refuse } from '../webhooks/test-receiver.ts'
import { Recorder } from './recorder.ts'
import { StandbyOutbox } from './standby.ts'
import type { StoreCondition } from './store-state.ts'
import { StoreState } from './store-state.ts'

const page = { page: 1, perPage: 100 }
const secret = `whsec_${randomBytes(32).toString('base64')}`

let stack: AsyncDisposableStack
let clock: ManualClock
let store: Store
let history: History
let recorder: Recorder
let deliverer: Deliverer
let receiver: Receiver
let conditions: StoreCondition[]

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  clock = new ManualClock(Date.now())
  const log = createLog({ name: 'test', level: 'silent' })
  store = openSqlite({ file: ':memory:' })
  await migrate(store)
  history = stack.use(historyOn(store, clock))
  receiver = stack.use(new Receiver())
  await receiver.listen()
  conditions = []
  const state = new StoreState((condition) => void conditions.push(condition))
  const outbox = stack.use(new StandbyOutbox({ store: history.outbox, state, clock }))
  deliverer = new Deliverer({
    outbox,
    resolve: ({ webhook }) => Promise.resolve({ url: receiver.url(`/${webhook}`), format: 'Standard', secret }),
    holds: () => true,
    check: createAddressCheck(LOOPBACK),
    clock,
    random: () => 0,
    log,
    onSettled: () => undefined,
  })
  recorder = new Recorder({
    history,
    outbox,
    state,
    clock,
    log,
    onRecorded: () => deliverer.wake(),
    onDropped: () => undefined,
    onStanding: () => deliverer.wake(),
    onConflict: () => Promise.resolve(),
  })
})
afterEach(async () => {
  await recorder[Symbol.asyncDispose]()
  const stopped = deliverer[Symbol.asyncDispose]()
  await clock.advance(5_000)
  await stopped
  await stack.disposeAsync()
})

/** The tables that are written are not there: whatever the store is asked or told fails. */
const TABLES = ['transitions', 'deliveries']
async function goAway(): Promise<void> {
  for (const table of TABLES) await sql.raw(`alter table ${table} rename to gone_${table}`).execute(store.database)
}
async function comeBack(): Promise<void> {
  for (const table of TABLES) await sql.raw(`alter table gone_${table} rename to ${table}`).execute(store.database)
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
/** Waits for the world, while `step` milliseconds pass in a hundred turns. */
async function until(holds: () => boolean | Promise<boolean>, step = 100): Promise<void> {
  for (let turns = 1; !(await holds()); turns++) {
    await turn()
    if (turns % 100 === 0) await clock.advance(step)
  }
}
const eventOf = (sequence: number) => `evt_${probe.uid}_${sequence}`
const received = (path: string, ...sequences: number[]) =>
  until(() => receiver.ids(path).join() === sequences.map(eventOf).join())
const isStored = async (states: readonly string[]) => {
  if (recorder.counters.waiting > 0) return false
  const { items } = await history.outbox.list(page)
  const found = items.map(({ sequence, webhook, state }) => `${sequence} ${webhook} ${state}`)
  return states.join() === found.toReversed().join()
}
const stored = (...states: string[]) => until(() => isStored(states))

test('with a full disk webhooks go out once, in order, and history is whole when there is room', async () => {
  await recorder.record(flip(1))
  await received('/chat', 1)
  await stored('1 chat Delivered')
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(store.database)
  await sql`pragma max_page_count = ${sql.lit(rows[0]?.page_count ?? 0)}`.execute(store.database)
  const huge = (sequence: number) => ({
    ...flip(sequence),
    deliveries: flip(sequence).deliveries.map((item) => ({ ...item, body: 'x'.repeat(100_000) })),
  })
  for (const sequence of [2, 3, 4]) await recorder.record(huge(sequence))
  await received('/chat', 1, 2, 3, 4)
  expect(recorder.counters).toMatchObject({ waiting: 3, dropped: 0 })
  expect(conditions).toEqual([
    { available: false, reason: 'HistoryFull', message: expect.stringContaining('the disk is full') },
  ])
  expect((await history.memory(probe)).sequence).toBe(1)

  await sql`pragma max_page_count = 100000`.execute(store.database)
  await stored(...[1, 2, 3, 4].map((sequence) => `${sequence} chat Delivered`))
  await clock.advance(60_000)
  await turn()
  expect(conditions.at(-1)).toEqual({ available: true })
  expect((await history.memory(probe)).sequence).toBe(4)
  expect(receiver.ids('/chat')).toEqual([1, 2, 3, 4].map(eventOf))
  const { items } = await history.outbox.list(page)
  for (const { id } of items) expect(await history.outbox.attempts(id)).toMatchObject([{ responseCode: 204 }])
})

test('a delivery whose answer comes while the store is away is not sent again', async () => {
  const asked = Promise.withResolvers<ServerResponse>()
  receiver.answers.set('/chat', (_request, response) => asked.resolve(response))
  await recorder.record(flip(1))
  const response = await asked.promise
  await goAway()
  response.writeHead(204).end()
  receiver.answers.delete('/chat')
  await recorder.record(flip(2))
  await received('/chat', 1, 2)
  await comeBack()
  await stored('1 chat Delivered', '2 chat Delivered')
  await clock.advance(60_000)
  await turn()
  expect(receiver.ids('/chat')).toEqual([eventOf(1), eventOf(2)])
  expect(conditions.map(({ available }) => available)).toEqual([false, true])
})

test('what fails from memory is tried again from there, and its log is stored', async () => {
  await goAway()
  receiver.answers.set('/chat', refuse)
  await recorder.record(flip(1))
  await recorder.record(flip(2))
  await received('/chat', 1)
  receiver.answers.delete('/chat')
  await received('/chat', 1, 1, 2)
  await comeBack()
  await stored('1 chat Delivered', '2 chat Delivered')
  const first = (await history.outbox.list(page)).items.find(({ sequence }) => sequence === 1)
  expect(first).toMatchObject({ attempts: 2 })
  expect(await history.outbox.attempts(first?.id ?? 0)).toMatchObject([
    { responseCode: 503, error: 'HTTP 503' },
    { responseCode: 204 },
  ])
})

test('one whose predecessor failed and is in the store waits behind it; others do not', async () => {
  receiver.answers.set('/chat', refuse)
  await recorder.record(flip(1, probe, ['chat', 'pager']))
  await received('/chat', 1)
  await until(async () =>
    (await history.outbox.list(page)).items.some(({ attempts, state }) => attempts === 1 && state === 'Pending'),
  )
  await goAway()
  receiver.answers.delete('/chat')
  await recorder.record(flip(2, probe, ['chat', 'pager']))
  await received('/pager', 1, 2)
  expect(receiver.ids('/chat')).toEqual([eventOf(1)])
  await comeBack()
  await stored('1 chat Delivered', '1 pager Delivered', '2 chat Delivered', '2 pager Delivered')
  expect(receiver.ids('/chat')).toEqual([1, 1, 2].map(eventOf))
})

test('one that is on its way while its entry is stored is noted where it is then', async () => {
  await goAway()
  const asked = Promise.withResolvers<ServerResponse>()
  receiver.answers.set('/chat', (_request, response) => asked.resolve(response))
  await recorder.record(flip(1))
  const response = await asked.promise
  await comeBack()
  await clock.advance(2_000)
  // Time stands: the receiver has 10 s to answer.
  await until(() => isStored(['1 chat Pending']), 0)
  response.writeHead(204).end()
  await stored('1 chat Delivered')
  expect(receiver.ids('/chat')).toEqual([eventOf(1)])
})

test('an endpoint that wanted no more is not asked while the store is away', async () => {
  receiver.answers.set('/chat', (_request, response) => void response.writeHead(410).end())
  await recorder.record(flip(1))
  await stored('1 chat Disabled')
  await goAway()
  await recorder.record(flip(2))
  await until(async () => (await deliverer.snapshot()).results.disabled === 2)
  await comeBack()
  await stored('1 chat Disabled', '2 chat Disabled')
  expect(receiver.ids('/chat')).toEqual([eventOf(1)])
})

test('what a window holds back goes nowhere from memory', async () => {
  await goAway()
  const { deliveries, ...rest } = flip(1, probe, ['chat', 'pager'])
  await recorder.record({ ...rest, deliveries: deliveries.map((item) => ({ ...item, held: item.webhook === 'chat' })) })
  await received('/pager', 1)
  await until(async () => (await deliverer.snapshot()).queueDepth === 0)
  await comeBack()
  await stored('1 chat Held', '1 pager Delivered')
  expect(receiver.ids('/chat')).toEqual([])
})
