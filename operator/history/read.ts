/** Reads back executions, transitions and what a reconciler needs to go on. It writes nothing. */
import type { Kysely } from 'kysely'
import type { ExecutionRecord, History, Listed, Page, ProbeIdentity, ProbeMemory, TransitionRecord } from './history.ts'
import type { Health } from '../../crds/index.ts'
import { ROUNDS } from './record.ts'
import { executionOf, identity, transitionOf, unpackedSamples, unpackedTrace } from './rows.ts'
import type { Tables } from './tables.ts'

type Key = Parameters<History['executions']>[0]
type Database = Kysely<Tables>

export async function memory(database: Database, probe: ProbeIdentity): Promise<ProbeMemory> {
  const mine = identity(probe)
  const [rows, rounds, left] = await Promise.all([
    transitionsOf(database, probe).orderBy('sequence', 'desc').limit(10).execute(),
    database
      .selectFrom('rounds')
      .selectAll()
      .where((where) => where.and(mine))
      .orderBy('id', 'desc')
      .limit(ROUNDS)
      .execute(),
    database
      .selectFrom('transitions')
      .select(['from_health', 'at'])
      .where((where) => where.and(mine))
      .where((where) => where.or([where('from_health', '=', 'Healthy'), where('to_health', '=', 'Healthy')]))
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst(),
  ])
  const last = rows[0]
  const round = rounds[0]
  const lastExecution = round && (await executionRowOf(database, round.execution_id))
  return {
    health: 'Unknown',
    ...(last?.uid === probe.uid && { health: last.to_health, since: last.at }),
    sequence: last?.sequence ?? 0,
    transitions: rows.map(transitionOf).reverse(),
    recentLevels: levels(rounds),
    ...(round && { lastRound: { slot: round.slot, finishedAt: round.finished_at } }),
    ...(lastExecution && { lastExecution: executionOf(lastExecution) }),
    ...(left?.from_health === 'Healthy' && { leftHealthyAt: left.at }),
  }
}

/** Oldest first, of rounds that come newest first. */
function levels(rounds: ReadonlyArray<{ level: Health; counts: number }>): Health[] {
  return rounds
    .filter(({ counts }) => counts === 1)
    .map(({ level }) => level)
    .reverse()
}

export async function executions(database: Database, key: Key, page: Page): Promise<Listed<ExecutionRecord>> {
  const query = database.selectFrom('executions').where('namespace', '=', key.namespace).where('name', '=', key.name)
  const { total } = await query.select((select) => select.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  const rows = await query
    .selectAll()
    .orderBy('slot', 'desc')
    .orderBy('location', 'desc')
    .limit(page.perPage)
    .offset((page.page - 1) * page.perPage)
    .execute()
  return { items: rows.map(executionOf), total }
}

export async function executionById(
  database: Database,
  id: string,
): Promise<(ExecutionRecord & { probe: ProbeIdentity }) | undefined> {
  const row = await executionRowOf(database, id)
  if (!row) return undefined
  const [samples, trace] = await Promise.all([
    database.selectFrom('samples').select('data').where('execution_id', '=', id).executeTakeFirst(),
    database.selectFrom('traces').select('data').where('execution_id', '=', id).executeTakeFirst(),
  ])
  return {
    ...executionOf(row),
    ...(samples && { samples: await unpackedSamples(samples.data) }),
    ...(trace && { trace: await unpackedTrace(trace.data) }),
    probe: identity(row),
  }
}

export async function transitions(database: Database, key: Key, page: Page): Promise<Listed<TransitionRecord>> {
  const query = transitionsOf(database, key)
  const { total } = await query
    .clearSelect()
    .select((select) => select.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  const rows = await query
    .orderBy('sequence', 'desc')
    .limit(page.perPage)
    .offset((page.page - 1) * page.perPage)
    .execute()
  return { items: rows.map(transitionOf), total }
}

export async function states(
  database: Database,
  key: Key,
  { from, to }: { from: number; to: number },
): Promise<ReadonlyArray<{ at: number; health: Health }>> {
  const [before, changes] = await Promise.all([
    transitionsOf(database, key)
      .where('at', '<=', from)
      .orderBy('at', 'desc')
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst(),
    transitionsOf(database, key)
      .where('at', '>', from)
      .where('at', '<=', to)
      .orderBy('at')
      .orderBy('sequence')
      .execute(),
  ])
  const found = changes.map(({ at, to_health }) => ({ at, health: to_health }))
  return before ? [{ at: from, health: before.to_health }, ...found] : found
}

function transitionsOf(database: Database, { namespace, name }: Key) {
  return database.selectFrom('transitions').selectAll().where('namespace', '=', namespace).where('name', '=', name)
}

function executionRowOf(database: Database, id: string) {
  return database.selectFrom('executions').selectAll().where('id', '=', id).executeTakeFirst()
}
