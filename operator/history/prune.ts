/** Deletes what is past its time, a little at once. What a probe needs to go on is never past its time. */
import type { Kysely } from 'kysely'
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/clock.ts'
import type { Retention } from './retention.ts'
import type { Tables } from './tables.ts'

const DAY = 86_400_000
/** Rows a statement deletes: some milliseconds of the writer's lock. */
const BATCH = 500
/** Between two batches, in milliseconds, so that results are written in between. */
const PAUSE = 10

type Batch = (database: Kysely<Tables>, before: number) => Promise<bigint>

const batches: ReadonlyArray<{ kept: keyof Retention; batch: Batch }> = [
  { kept: 'samples', batch: details('samples') },
  { kept: 'traces', batch: details('traces') },
  { kept: 'executions', batch: executions },
  { kept: 'executions', batch: deliveries },
  { kept: 'transitions', batch: transitions },
]

export async function prune(
  database: Kysely<Tables>,
  { clock, now, retention }: { clock: Clock; now: number; retention: Retention },
): Promise<void> {
  for (const { kept, batch } of batches) {
    while ((await batch(database, now - retention[kept] * DAY)) === BigInt(BATCH)) await sleep(clock, PAUSE)
  }
}

function details(table: 'samples' | 'traces'): Batch {
  return async (database, before) => {
    const old = database.selectFrom(table).select('execution_id').where('slot', '<', before).limit(BATCH)
    const result = await database.deleteFrom(table).where('execution_id', 'in', old).executeTakeFirstOrThrow()
    return result.numDeletedRows
  }
}

async function executions(database: Kysely<Tables>, before: number): Promise<bigint> {
  const old = database.selectFrom('executions').select('id').where('slot', '<', before).limit(BATCH)
  const result = await database.deleteFrom('executions').where('id', 'in', old).executeTakeFirstOrThrow()
  return result.numDeletedRows
}

/** Those that still wait stay. */
async function deliveries(database: Kysely<Tables>, before: number): Promise<bigint> {
  const old = database
    .selectFrom('deliveries')
    .select('id')
    .where('created_at', '<', before)
    .where('state', 'not in', ['Pending', 'Held'])
    .limit(BATCH)
  const result = await database.deleteFrom('deliveries').where('id', 'in', old).executeTakeFirstOrThrow()
  return result.numDeletedRows
}

/** The last one of a probe stays, however old: it is its state and its sequence number. */
async function transitions(database: Kysely<Tables>, before: number): Promise<bigint> {
  const old = database
    .selectFrom('transitions as old')
    .select('old.id')
    .where('old.at', '<', before)
    .where((where) =>
      where.exists(
        where
          .selectFrom('transitions as newer')
          .select('newer.id')
          .whereRef('newer.namespace', '=', 'old.namespace')
          .whereRef('newer.name', '=', 'old.name')
          .whereRef('newer.sequence', '>', 'old.sequence'),
      ),
    )
    .limit(BATCH)
  const result = await database.deleteFrom('transitions').where('id', 'in', old).executeTakeFirstOrThrow()
  return result.numDeletedRows
}
