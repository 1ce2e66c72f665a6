/** Opens the store: file or database, tables, and the parts behind the door. */
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { History } from './history.ts'
import { migrate } from './migrations.ts'
import { createObjectStore } from './objects.ts'
import { createOutbox } from './outbox.ts'
import { openPostgres } from './postgres.ts'
import { prune } from './prune.ts'
import * as read from './read.ts'
import { record, restore } from './record.ts'
import { retention as retentionSchema } from './retention.ts'
import type { Retention } from './retention.ts'
import { openSqlite } from './sqlite.ts'
import type { Store } from './store.ts'

interface Surroundings {
  clock: Clock
  log?: Log
  /** Absent: the defaults. */
  retention?: Retention
}

type Place =
  /** Path of the SQLite file, made when it is not there, or `:memory:`. Its folder must exist. */
  | { file: string }
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE` of a PostgreSQL 15 or newer; several processes may open it. */
  | { url: string }

/**
 * One process opens a file once: a second opening in the same process would wait for a lock whose holder it keeps from
 * running. Errors: HistoryError, whose message holds the place and what is wrong with it.
 */
export async function openHistory({ clock, log, retention, ...place }: Surroundings & Place): Promise<History> {
  const store = 'url' in place ? openPostgres({ url: place.url, ...(log && { log }) }) : openSqlite(place)
  try {
    const steps = await migrate(store)
    if (steps > 0) log?.info({ place: store.place, steps }, 'history migrated')
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
  return historyOn(store, clock, retention)
}

/** The door on tables that are up to date. Closing it closes `store`. */
export function historyOn(store: Store, clock: Clock, retention = retentionSchema.parse(undefined)): History {
  const { database } = store
  return {
    record: (entry) => record(store, entry, clock.now()),
    restore: (probe, transitions) => restore(store, probe, transitions),
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
    outbox: createOutbox(store),
    objects: createObjectStore(database),
    prune: (now) => prune(database, { clock, now, retention }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
