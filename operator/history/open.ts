/** Opens the store: file, tables, and the parts behind the door. */
import type { Kysely } from 'kysely'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { History } from './history.ts'
import { migrate } from './migrations.ts'
import { createObjectStore } from './objects.ts'
import { createOutbox } from './outbox.ts'
import { prune } from './prune.ts'
import * as read from './read.ts'
import { record } from './record.ts'
import { openSqlite } from './sqlite.ts'
import type { Tables } from './tables.ts'

interface HistoryOptions {
  /** Path of the SQLite file, made when it is not there, or `:memory:`. Its folder must exist. */
  file: string
  clock: Clock
  log?: Log
}

/**
 * One process opens a file once: a second opening in the same process would wait for a lock whose holder it keeps from
 * running. Errors: HistoryError, whose message holds the path and what is wrong with it.
 */
export async function openHistory({ file, clock, log }: HistoryOptions): Promise<History> {
  const database = openSqlite({ file })
  try {
    const steps = await migrate(database, file)
    if (steps > 0) log?.info({ file, steps }, 'history migrated')
  } catch (error) {
    await database.destroy()
    throw error
  }
  return historyOn(database, clock)
}

/** The door on tables that are up to date. Closing it closes `database`. */
export function historyOn(database: Kysely<Tables>, clock: Clock): History {
  return {
    record: (entry) => record(database, entry, clock.now()),
    memory: (probe) => read.memory(database, probe),
    executions: (key, page) => read.executions(database, key, page),
    async execution({ namespace, name }, id) {
      const found = await read.executionById(database, id)
      if (found?.probe.namespace !== namespace || found.probe.name !== name) return undefined
      const { probe: _probe, ...execution } = found
      return execution
    },
    executionById: (id) => read.executionById(database, id),
    transitions: (key, page) => read.transitions(database, key, page),
    states: (key, from, to) => read.states(database, key, { from, to }),
    outbox: createOutbox(database),
    objects: createObjectStore(database),
    prune: (now) => prune(database, { clock, now }),
    [Symbol.asyncDispose]: () => database.destroy(),
  }
}
