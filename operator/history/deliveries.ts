/** Stores the deliveries of an entry: new ones, and those that were told from memory before they could be stored. What becomes of them later is the outbox's. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'
import type { Attempted, NewDelivery, ProbeIdentity, Untold } from './history.ts'
import { identity } from './rows.ts'
import type { Tables } from './tables.ts'

type Database = Transaction<Tables>

/** What was told from memory is stored as it came out, and nothing older is told after it. */
export async function insertDelivery(
  database: Database,
  probe: ProbeIdentity,
  { delivery, now }: { delivery: NewDelivery; now: number },
): Promise<void> {
  const { webhookId, webhook, sequence, newStatus, body, held } = delivery
  const untold: Untold = delivery.untold ?? { state: 'Pending', createdAt: now, nextAttemptAt: now, attempts: [] }
  const row = await database
    .insertInto('deliveries')
    .values({
      ...identity(probe),
      ...{ webhook_id: webhookId, webhook, sequence, new_status: newStatus, body },
      ...outcome(untold),
      state: held ? 'Held' : untold.state,
      created_at: untold.createdAt,
    })
    .onConflict((conflict) => conflict.columns(['webhook_id', 'webhook']).doNothing())
    .returning('id')
    .executeTakeFirst()
  // There already: the answer to an earlier commit was lost, and it has gone on since.
  const { id, known } = row ? { id: row.id, known: 0 } : await catchUp(database, delivery, untold)
  for (const attempt of untold.attempts.slice(known)) {
    await database
      .insertInto('attempts')
      .values({ delivery_id: id, at: attempt.at, ...answer(attempt) })
      .execute()
  }
  if (untold.state === 'Delivered') await supersedeOlder(database, id)
}

/** Brings a stored delivery to what was told from memory; `known` are the attempts that its log has. */
async function catchUp(
  database: Database,
  { webhookId, webhook }: NewDelivery,
  untold: Untold,
): Promise<{ id: number; known: number }> {
  const { id, attempts } = await database
    .selectFrom('deliveries')
    .select(['id', 'attempts'])
    .where('webhook_id', '=', webhookId)
    .where('webhook', '=', webhook)
    .executeTakeFirstOrThrow()
  if (untold.attempts.length > attempts) {
    await database
      .updateTable('deliveries')
      .set({ ...outcome(untold), state: untold.state })
      .where('id', '=', id)
      .where('state', '=', sql.lit('Pending' as const))
      .execute()
  }
  return { id, known: attempts }
}

/** In its own lane: what waits there for the same webhook of the same probe. */
async function supersedeOlder(database: Database, id: number): Promise<void> {
  const lane = await database
    .selectFrom('deliveries')
    .select(['namespace', 'name', 'webhook'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  await database
    .updateTable('deliveries')
    .set({ state: 'Superseded' })
    .where((where) => where.and(lane))
    .where('id', '<', id)
    .where('state', '=', sql.lit('Pending' as const))
    .execute()
}

function outcome({ nextAttemptAt, attempts, endpoint }: Untold) {
  const last = answer(attempts.at(-1))
  return { attempts: attempts.length, next_attempt_at: nextAttemptAt, ...last, endpoint: endpoint ?? null }
}

function answer(attempt: Attempted | undefined) {
  return { response_code: attempt?.responseCode ?? null, error: attempt?.error ?? null }
}
