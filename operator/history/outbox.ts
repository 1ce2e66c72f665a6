/** The waiting webhook deliveries and the log of their attempts, as rows. It sends nothing and knows no URL. */
import { sql } from 'kysely'
import type { ExpressionBuilder, Kysely, Transaction } from 'kysely'
import type { Attempted, Delivery, DeliveryKey, Outbox, ProbeIdentity } from './history.ts'
import { lockOf } from './record.ts'
import { deliveryOf } from './rows.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

type Database = Kysely<Tables>

/** From this age on, a delivery that has failed gives way to a newer one. */
const SUPERSEDE_AFTER = 10 * 60_000
/** From this age on, a delivery that has failed is given up. */
const EXPIRE_AFTER = 6 * 3_600_000

/** A literal, not a parameter: a partial index is used only where its condition stands in the query itself. */
const PENDING = sql.lit('Pending' as const)

export function createOutbox(store: Store): Outbox {
  const { database } = store
  return {
    due: (now, limit, after = 0) => due(database, { now, limit, after }),

    async nextDue(now) {
      const row = await heads(database)
        .where('head.next_attempt_at', '>', now)
        .select((select) => select.fn.min('head.next_attempt_at').as('at'))
        .executeTakeFirst()
      return row?.at ?? undefined
    },

    settle: (delivery, { state, responseCode, error, at, endpoint }) =>
      database.transaction().execute(async (transaction) => {
        const id = await idOf(transaction, delivery)
        if (id === undefined) return
        await transaction
          .updateTable('deliveries')
          .set({ state, response_code: responseCode ?? null, error: error ?? null, endpoint })
          .where('id', '=', id)
          .execute()
        if (responseCode !== undefined) await attempted(transaction, id, { at, responseCode })
      }),

    postpone: (delivery, { nextAttemptAt, responseCode, error, at }) =>
      database.transaction().execute(async (transaction) => {
        const id = await idOf(transaction, delivery)
        if (id === undefined) return
        await transaction
          .updateTable('deliveries')
          .set({ next_attempt_at: nextAttemptAt, response_code: responseCode ?? null, error })
          .where('id', '=', id)
          .where('state', '=', 'Pending')
          .execute()
        await attempted(transaction, id, { at, error, ...(responseCode !== undefined && { responseCode }) })
      }),

    supersede: (now) => supersede(database, now),

    releaseHeld: (probe) =>
      database.transaction().execute(async (transaction) => {
        await store.lock(transaction, lockOf(probe))
        await releaseHeld(transaction, probe)
      }),

    async disabledEndpoint(delivery) {
      const row = await lastSettled(database, delivery)
      return row?.state === 'Disabled' ? (row.endpoint ?? undefined) : undefined
    },

    async disabledWebhooks(probe) {
      const rows = await database
        .selectFrom('deliveries')
        .select('webhook')
        .distinct()
        .where('namespace', '=', probe.namespace)
        .where('name', '=', probe.name)
        .where('state', '=', 'Disabled')
        .orderBy('webhook')
        .execute()
      const last = await Promise.all(rows.map(({ webhook }) => lastSettled(database, { probe, webhook })))
      return rows.flatMap(({ webhook }, index) => (last[index]?.state === 'Disabled' ? [webhook] : []))
    },

    async replay(id, now) {
      const { numUpdatedRows } = await database
        .updateTable('deliveries')
        .set({ state: 'Pending', attempts: 0, next_attempt_at: now, response_code: null, error: null, endpoint: null })
        .where('id', '=', id)
        .where('state', '<>', 'Held')
        .executeTakeFirstOrThrow()
      if (numUpdatedRows > 0n) return 'Replayed'
      return (await rowOf(database, id)) ? 'Held' : 'NotFound'
    },

    async get(id) {
      const row = await rowOf(database, id)
      return row && deliveryOf(row)
    },

    async list({ page, perPage, namespace, name }) {
      let query = database.selectFrom('deliveries')
      if (namespace !== undefined) query = query.where('namespace', '=', namespace)
      if (name !== undefined) query = query.where('name', '=', name)
      const { total } = await query
        .select((select) => select.fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow()
      const rows = await query
        .selectAll()
        .orderBy('id', 'desc')
        .limit(perPage)
        .offset((page - 1) * perPage)
        .execute()
      return { items: rows.map(deliveryOf), total }
    },

    async attempts(id) {
      const rows = await database
        .selectFrom('attempts')
        .selectAll()
        .where('delivery_id', '=', id)
        .orderBy('id')
        .execute()
      return rows.map(({ at, response_code, error }) => ({
        at,
        ...(response_code !== null && { responseCode: response_code }),
        ...(error !== null && { error }),
      }))
    },

    async counts() {
      const row = await database
        .selectFrom('deliveries')
        .where('state', '=', PENDING)
        .select((select) => [select.fn.countAll<number>().as('pending'), select.fn.min('created_at').as('oldest')])
        .executeTakeFirstOrThrow()
      // The minimum of no rows is null, which kysely's types do not say.
      return { pending: row.pending, ...(row.pending > 0 && { oldestCreatedAt: row.oldest }) }
    },
  }
}

async function idOf(
  transaction: Transaction<Tables>,
  { webhookId, webhook }: DeliveryKey,
): Promise<number | undefined> {
  const row = await transaction
    .selectFrom('deliveries')
    .select('id')
    .where('webhook_id', '=', webhookId)
    .where('webhook', '=', webhook)
    .executeTakeFirst()
  return row?.id
}

function rowOf(database: Database, id: number) {
  return database.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirst()
}

function lastSettled(database: Database, { probe, webhook }: Pick<Delivery, 'probe' | 'webhook'>) {
  return database
    .selectFrom('deliveries')
    .select(['state', 'endpoint'])
    .where('namespace', '=', probe.namespace)
    .where('name', '=', probe.name)
    .where('webhook', '=', webhook)
    .where('state', 'in', ['Delivered', 'Disabled'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/** The oldest pending delivery of each (probe, webhook). */
function heads(database: Database) {
  return database
    .selectFrom('deliveries as head')
    .where('head.state', '=', PENDING)
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('deliveries as older')
            .select('older.id')
            .where('older.state', '=', PENDING)
            .whereRef('older.namespace', '=', 'head.namespace')
            .whereRef('older.name', '=', 'head.name')
            .whereRef('older.webhook', '=', 'head.webhook')
            .whereRef('older.id', '<', 'head.id'),
        ),
      ),
    )
}

async function due(
  database: Database,
  { now, limit, after }: { now: number; limit: number; after: number },
): Promise<readonly Delivery[]> {
  const rows = await heads(database)
    .selectAll('head')
    .where('head.next_attempt_at', '<=', now)
    .where('head.id', '>', after)
    .orderBy('head.id')
    .limit(limit)
    .execute()
  return rows.map(deliveryOf)
}

async function attempted(transaction: Transaction<Tables>, id: number, attempt: Attempted): Promise<void> {
  await transaction
    .updateTable('deliveries')
    .set((row) => ({ attempts: row('attempts', '+', 1) }))
    .where('id', '=', id)
    .execute()
  await transaction
    .insertInto('attempts')
    .values({
      delivery_id: id,
      at: attempt.at,
      response_code: attempt.responseCode ?? null,
      error: attempt.error ?? null,
    })
    .execute()
}

/** One statement each, so that a kill between the two leaves nothing half done. */
async function supersede(database: Database, now: number): Promise<{ superseded: number; expired: number }> {
  const failed = (where: ExpressionBuilder<Tables, 'deliveries'>, age: number) =>
    where.and([
      where('deliveries.state', '=', PENDING),
      where('deliveries.attempts', '>', 0),
      where('deliveries.created_at', '<=', now - age),
    ])
  const superseded = await database
    .updateTable('deliveries')
    .set({ state: 'Superseded' })
    .where((where) => failed(where, SUPERSEDE_AFTER))
    .where((where) =>
      where.exists(
        where
          .selectFrom('deliveries as newer')
          .select('newer.id')
          .where('newer.state', '=', PENDING)
          .whereRef('newer.namespace', '=', 'deliveries.namespace')
          .whereRef('newer.name', '=', 'deliveries.name')
          .whereRef('newer.webhook', '=', 'deliveries.webhook')
          .whereRef('newer.id', '>', 'deliveries.id'),
      ),
    )
    .executeTakeFirstOrThrow()
  const expired = await database
    .updateTable('deliveries')
    .set({ state: 'Expired' })
    .where((where) => failed(where, EXPIRE_AFTER))
    .executeTakeFirstOrThrow()
  return { superseded: Number(superseded.numUpdatedRows), expired: Number(expired.numUpdatedRows) }
}

/** Of each webhook the last held event goes out, if it tells the present state and the webhook was last told another; the rest is superseded. */
async function releaseHeld(transaction: Transaction<Tables>, { namespace, name }: ProbeIdentity): Promise<void> {
  const rows = await transaction
    .selectFrom('deliveries')
    .select(['id', 'webhook', 'new_status', 'state'])
    .where('namespace', '=', namespace)
    .where('name', '=', name)
    .where('state', 'in', ['Held', 'Pending', 'Delivered'])
    .orderBy('id')
    .execute()
  const present = await transaction
    .selectFrom('transitions')
    .select('to_health')
    .where('namespace', '=', namespace)
    .where('name', '=', name)
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  for (const [, lane] of Map.groupBy(rows, ({ webhook }) => webhook)) {
    const told = lane.findLast(({ state }) => state !== 'Held')?.new_status ?? 'Unknown'
    const last = lane.findLast(({ state }) => state === 'Held')
    if (!last) continue
    const goes = last.new_status === present?.to_health && last.new_status !== told
    for (const { id } of lane.filter(({ state }) => state === 'Held')) {
      const state = goes && id === last.id ? 'Pending' : 'Superseded'
      await transaction.updateTable('deliveries').set({ state }).where('id', '=', id).execute()
    }
  }
}
