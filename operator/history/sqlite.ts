/** Joins `node:sqlite` to kysely's SQLite dialect and sets how safe a commit is. It knows no table. */
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { Kysely, SqliteDialect } from 'kysely'
import type { LogConfig, SqliteDatabase, SqliteStatement } from 'kysely'
import { HistoryError } from './errors.ts'
import type { HistoryErrorCode } from './errors.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

export interface SqliteOptions {
  /** Path, or `:memory:`. */
  file: string
  /** How long a statement waits for another process's write lock, in milliseconds. The whole process waits. */
  busyTimeout?: number
  log?: LogConfig
}

/**
 * WAL: readers do not wait for the writer, and a commit is one append.
 * After SIGKILL a commit that returned is there with any `synchronous`, since its pages are with the kernel; half a
 * transaction at the end of the WAL fails its checksum and is dropped at the next open. After a power cut only FULL
 * holds: it syncs the WAL at each commit, where NORMAL may forget the last ones. What a webhook has told must not be
 * forgotten, so FULL.
 */
const settings = 'pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on'

/** Opens or makes the file. Errors: HistoryError with the path. */
export function openSqlite({ file, busyTimeout = 5000, log }: SqliteOptions): Store {
  const database = guarded(file, () => new DatabaseSync(file, { timeout: busyTimeout }))
  try {
    guarded(file, () => database.exec(settings))
  } catch (error) {
    database.close()
    throw error
  }
  const dialect = new SqliteDialect({ database: adapted(database, file) })
  const kysely = new Kysely<Tables>({ dialect, ...(log && { log }) })
  return {
    database: kysely,
    place: file,
    columns: { id: { type: 'integer', build: (column) => column.primaryKey().autoIncrement() }, bytes: 'blob' },
    // A transaction that has begun is the only one that writes.
    lock: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => kysely.destroy(),
  }
}

/** Our statements are some dozens; those with lists have a text for each length. */
const MOST_PREPARED = 500

/** The part of better-sqlite3 that kysely's driver calls, on a DatabaseSync. */
function adapted(database: DatabaseSync, file: string): SqliteDatabase {
  const prepared = new Map<string, StatementSync>()
  const statementOf = (text: string): StatementSync => {
    const statement = prepared.get(text) ?? guarded(file, () => database.prepare(text))
    if (prepared.size >= MOST_PREPARED) prepared.clear()
    prepared.set(text, statement)
    return statement
  }
  return {
    close: () => database.close(),
    prepare(text) {
      // SQLite itself ends a transaction that ran out of disk; kysely's rollback would then hide the reason.
      if (text === 'rollback' && !database.isTransaction) return nothing
      // Our transactions write: the lock is taken at once, since one that only read so far cannot wait for it.
      const statement = statementOf(text === 'begin' ? 'begin immediate' : text)
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => guarded(file, () => statement.all(...bound(parameters))),
        run: (parameters) => guarded(file, () => statement.run(...bound(parameters))),
        iterate: (parameters) => statement.iterate(...bound(parameters)),
      }
    },
  }
}

const nothing: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
}

function bound(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((value) => {
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
      return value
    if (value instanceof Uint8Array) return value
    throw new TypeError(`SQLite cannot store a ${typeof value}`)
  })
}

function guarded<Result>(file: string, action: () => Result): Result {
  try {
    return action()
  } catch (error) {
    throw explained(error, file)
  }
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) that say something about the file. */
const told: Readonly<Record<number, { code: HistoryErrorCode; what: string }>> = {
  5: { code: 'HistoryLocked', what: 'is locked by another process' },
  6: { code: 'HistoryLocked', what: 'is locked by another process' },
  8: { code: 'HistoryUnavailable', what: 'may not be written' },
  10: { code: 'HistoryUnavailable', what: 'cannot be read or written' },
  11: { code: 'HistoryCorrupt', what: 'is damaged; restore a backup or move it away' },
  13: { code: 'HistoryFull', what: 'cannot grow: the disk is full' },
  14: { code: 'HistoryUnavailable', what: 'cannot be opened' },
  26: { code: 'HistoryCorrupt', what: 'is not a SQLite database' },
}

/** The error of `node:sqlite` with the path in it; anything that says nothing about the file comes back as it is. */
function explained(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  // An extended code carries the primary one in its low byte.
  const entry = told[error.errcode & 0xff]
  if (!entry) return error
  return new HistoryError(entry.code, `history ${file} ${entry.what} (${error.message})`, error)
}
