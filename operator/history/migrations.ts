/** The steps from an empty file to the present tables, in order, each run once. Forward only: a step that was released never changes. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'
import { HistoryError } from './errors.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

type Step = (database: Transaction<Tables>, columns: Store['columns']) => Promise<void>

const steps: readonly Step[] = [executions, transitions, deliveries, objects]

/**
 * Brings the tables up to date and returns how many steps that took. One transaction under a lock, so that two processes
 * that start together do not both run a step, and a kill leaves the old tables whole. (kysely's own Migrator takes no
 * lock on SQLite and commits table by table.)
 */
export function migrate(store: Store): Promise<number> {
  return store.database.transaction().execute(async (transaction) => {
    await store.lock(transaction, 'schema')
    await transaction.schema
      .createTable('counters')
      .ifNotExists()
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'bigint', (column) => column.notNull())
      .execute()
    const found = await transaction
      .selectFrom('counters')
      .select('value')
      .where('name', '=', 'schema')
      .executeTakeFirst()
    const done = found?.value ?? 0
    if (done > steps.length) {
      throw new HistoryError(
        'HistoryNewer',
        `history ${store.place} was written by a newer version of Ringcheck (schema ${done}, this version knows ${steps.length}); use that version or another place`,
      )
    }
    for (const step of steps.slice(done)) await step(transaction, store.columns)
    await transaction
      .insertInto('counters')
      .values({ name: 'schema', value: steps.length })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: steps.length }))
      .execute()
    return steps.length - done
  })
}

async function executions({ schema }: Transaction<Tables>, { bytes }: Store['columns']): Promise<void> {
  await schema
    .createTable('executions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('namespace', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('uid', 'text', (column) => column.notNull())
    .addColumn('location', 'text', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('slot', 'bigint', (column) => column.notNull())
    .addColumn('level', 'text')
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('document', 'text', (column) => column.notNull())
    .execute()
  await schema
    .createIndex('executions_of_probe')
    .on('executions')
    .columns(['namespace', 'name', 'slot', 'location'])
    .execute()
  await schema.createIndex('executions_by_age').on('executions').column('slot').execute()

  for (const table of ['samples', 'traces']) {
    await schema
      .createTable(table)
      .addColumn('execution_id', 'text', (column) =>
        column.primaryKey().references('executions.id').onDelete('cascade'),
      )
      .addColumn('slot', 'bigint', (column) => column.notNull())
      .addColumn('data', bytes, (column) => column.notNull())
      .execute()
    await schema.createIndex(`${table}_by_age`).on(table).column('slot').execute()
  }
}

async function transitions({ schema }: Transaction<Tables>, { id }: Store['columns']): Promise<void> {
  await schema
    .createTable('rounds')
    .addColumn('id', id.type, id.build)
    .addColumn('namespace', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('uid', 'text', (column) => column.notNull())
    .addColumn('slot', 'bigint', (column) => column.notNull())
    .addColumn('level', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('execution_id', 'text', (column) => column.notNull())
    .addColumn('finished_at', 'bigint', (column) => column.notNull())
    .addColumn('counts', 'integer', (column) => column.notNull())
    .addUniqueConstraint('rounds_once', ['namespace', 'name', 'uid', 'slot'])
    .execute()
  await schema.createIndex('rounds_of_probe').on('rounds').columns(['namespace', 'name', 'id']).execute()

  // No reference to executions: those are deleted much earlier.
  await schema
    .createTable('transitions')
    .addColumn('id', id.type, id.build)
    .addColumn('namespace', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('uid', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('from_health', 'text', (column) => column.notNull())
    .addColumn('to_health', 'text', (column) => column.notNull())
    .addColumn('severity', 'text', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('execution_id', 'text')
    .addUniqueConstraint('transitions_once', ['namespace', 'name', 'sequence'])
    .execute()
  await schema.createIndex('transitions_in_time').on('transitions').columns(['namespace', 'name', 'at']).execute()
  await schema.createIndex('transitions_by_age').on('transitions').column('at').execute()
}

async function deliveries({ schema }: Transaction<Tables>, { id }: Store['columns']): Promise<void> {
  await schema
    .createTable('deliveries')
    .addColumn('id', id.type, id.build)
    .addColumn('namespace', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('uid', 'text', (column) => column.notNull())
    .addColumn('webhook_id', 'text', (column) => column.notNull())
    .addColumn('webhook', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('new_status', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('next_attempt_at', 'bigint', (column) => column.notNull())
    .addColumn('response_code', 'integer')
    .addColumn('error', 'text')
    .addColumn('endpoint', 'text')
    .addUniqueConstraint('deliveries_once', ['webhook_id', 'webhook'])
    .execute()
  // Few wait at any time: what the deliverer asks for never touches the settled ones.
  await schema
    .createIndex('deliveries_pending')
    .on('deliveries')
    .columns(['namespace', 'name', 'webhook', 'id'])
    .where(sql.ref('state'), '=', sql.lit('Pending'))
    .execute()
  await schema
    .createIndex('deliveries_of_webhook')
    .on('deliveries')
    .columns(['namespace', 'name', 'webhook', 'id'])
    .execute()
  await schema.createIndex('deliveries_by_age').on('deliveries').column('created_at').execute()

  await schema
    .createTable('attempts')
    .addColumn('id', id.type, id.build)
    .addColumn('delivery_id', 'bigint', (column) => column.notNull().references('deliveries.id').onDelete('cascade'))
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('response_code', 'integer')
    .addColumn('error', 'text')
    .execute()
  await schema.createIndex('attempts_of_delivery').on('attempts').column('delivery_id').execute()
}

async function objects({ schema }: Transaction<Tables>): Promise<void> {
  await schema
    .createTable('objects')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('namespace', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('uid', 'text', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('spec_hash', 'text', (column) => column.notNull())
    .addColumn('status', 'text')
    .addPrimaryKeyConstraint('objects_once', ['kind', 'namespace', 'name'])
    .execute()
}
