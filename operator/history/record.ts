/** Writes what one round, or one change without a round, leaves behind. It checks that the story has no gap; it judges nothing. */
import type { Transaction } from 'kysely'
import { insertDelivery } from './deliveries.ts'
import { HistoryError } from './errors.ts'
import type { Entry, ExecutionRecord, ProbeIdentity, TransitionRecord } from './history.ts'
import { executionRow, identity, packed, transitionRow } from './rows.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

/** Damping looks at 10 rounds at most. */
export const ROUNDS = 10

export async function record(store: Store, entry: Entry, now: number): Promise<void> {
  const executions = await Promise.all(entry.executions.map(compressed))
  await store.database.transaction().execute(async (transaction) => {
    await store.lock(transaction, lockOf(entry.probe))
    for (const execution of executions) await insertExecution(transaction, entry.probe, execution)
    if (entry.round) await insertRound(transaction, entry.probe, entry.round)
    if (entry.transition) await insertTransition(transaction, entry.probe, entry.transition)
    for (const delivery of entry.deliveries) await insertDelivery(transaction, entry.probe, { delivery, now })
  })
}

/** Whoever writes what is read of this probe's transitions or deliveries before has this lock. */
export const lockOf = ({ namespace, name }: Pick<ProbeIdentity, 'namespace' | 'name'>): string => `${namespace}/${name}`

interface CompressedExecution {
  record: ExecutionRecord
  samples: Uint8Array | undefined
  trace: Uint8Array | undefined
}

/** Done before the transaction, off this thread: the writer's lock is held for the writing alone. */
async function compressed(execution: ExecutionRecord): Promise<CompressedExecution> {
  return {
    record: execution,
    samples: execution.samples.length > 0 ? await packed(execution.samples) : undefined,
    trace: execution.trace && (await packed(execution.trace)),
  }
}

async function insertExecution(
  transaction: Transaction<Tables>,
  probe: ProbeIdentity,
  { record: { id, slot }, record: execution, samples, trace }: CompressedExecution,
): Promise<void> {
  // A stopped one says nothing: when its slot ran again after a restart, that result takes its place under the same id.
  if (execution.level !== undefined) {
    await transaction.deleteFrom('executions').where('id', '=', id).where('level', 'is', null).execute()
  }
  const row = await transaction
    .insertInto('executions')
    .values(executionRow(probe, execution))
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!row) return
  if (samples) await transaction.insertInto('samples').values({ execution_id: id, slot, data: samples }).execute()
  if (trace) await transaction.insertInto('traces').values({ execution_id: id, slot, data: trace }).execute()
}

async function insertRound(
  transaction: Transaction<Tables>,
  probe: ProbeIdentity,
  { slot, level, reason, executionId, finishedAt }: NonNullable<Entry['round']>,
): Promise<void> {
  await transaction
    .insertInto('rounds')
    .values({
      ...identity(probe),
      slot,
      level,
      reason,
      execution_id: executionId,
      finished_at: finishedAt,
      counts: 1,
    })
    .onConflict((conflict) => conflict.columns(['namespace', 'name', 'uid', 'slot']).doNothing())
    .execute()
  await transaction
    .deleteFrom('rounds')
    .where('namespace', '=', probe.namespace)
    .where('name', '=', probe.name)
    .where('id', '<=', (where) =>
      where
        .selectFrom('rounds as kept')
        .select('kept.id')
        .where('kept.namespace', '=', probe.namespace)
        .where('kept.name', '=', probe.name)
        .orderBy('kept.id', 'desc')
        .limit(1)
        .offset(ROUNDS),
    )
    .execute()
}

async function insertTransition(
  transaction: Transaction<Tables>,
  probe: ProbeIdentity,
  transition: TransitionRecord,
): Promise<void> {
  const row = transitionRow(probe, transition)
  const { namespace, name } = probe
  const last = await transaction
    .selectFrom('transitions')
    .selectAll()
    .where('namespace', '=', namespace)
    .where('name', '=', name)
    .where('sequence', '>=', transition.sequence - 1)
    .orderBy('sequence')
    .limit(2)
    .execute()
  const same = last.find(({ sequence }) => sequence === transition.sequence)
  if (same) {
    const equal = same.to_health === row.to_health && same.at === row.at && same.execution_id === row.execution_id
    if (equal) return
    throw new HistoryError(
      'HistoryConflict',
      `${namespace}/${name} has another transition ${transition.sequence} already`,
    )
  }
  if (last[0] === undefined && transition.sequence !== 1) {
    throw new HistoryError(
      'HistoryConflict',
      `${namespace}/${name}: transition ${transition.sequence} would leave a gap before it`,
    )
  }
  await transaction.insertInto('transitions').values(row).execute()
  if (row.execution_id === null) {
    await transaction
      .updateTable('rounds')
      .set({ counts: 0 })
      .where('namespace', '=', namespace)
      .where('name', '=', name)
      .execute()
  }
}

export function restore(store: Store, probe: ProbeIdentity, known: readonly TransitionRecord[]): Promise<number> {
  return store.database.transaction().execute(async (transaction) => {
    await store.lock(transaction, lockOf(probe))
    const last = await transaction
      .selectFrom('transitions')
      .select('sequence')
      .where('namespace', '=', probe.namespace)
      .where('name', '=', probe.name)
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst()
    const lacking = known
      .filter(({ sequence }) => sequence > (last?.sequence ?? 0))
      .toSorted((left, right) => left.sequence - right.sequence)
    for (const transition of lacking)
      await transaction.insertInto('transitions').values(transitionRow(probe, transition)).execute()
    return lacking.length
  })
}
