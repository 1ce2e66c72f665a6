/** Joins `pg` to kysely's PostgreSQL dialect: a pool whose connections are never reused after a fault, and errors that name the place. It knows no table. */
import { Kysely, PostgresDialect, sql } from 'kysely'
import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely'
import { DatabaseError, Pool, types } from 'pg'
import type { PoolClient } from 'pg'
import type { Log } from '../../lib/log.ts'
import { HistoryError } from './errors.ts'
import type { HistoryErrorCode } from './errors.ts'
import type { Store } from './store.ts'
import type { Tables } from './tables.ts'

interface PostgresOptions {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; `?sslmode=verify-full&sslrootcert=FILE` for TLS. */
  url: string
  log?: Log
}

/** Of this process. A replica needs few: one writes, readers are pages and the API. */
const MOST_CONNECTIONS = 10
/** A server that does not answer is away, milliseconds. */
const CONNECT_WITHIN = 5_000
const ANSWER_WITHIN = 10_000
/** A process that was stopped in the middle of a transaction must not hold its locks for ever, milliseconds. */
const IDLE_IN_TRANSACTION = 30_000

/** `bigint` of PostgreSQL: our times and counts are far below 2^53. */
const INT8 = 20

/** Connects when it is asked something first. Errors of what is asked: HistoryError with the address. */
export function openPostgres({ url, log }: PostgresOptions): Store {
  const place = placeOf(url)
  const pool = new Pool({
    connectionString: url,
    application_name: 'ringcheck',
    max: MOST_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_WITHIN,
    query_timeout: ANSWER_WITHIN,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION,
    keepAlive: true,
    types: { getTypeParser: (id, format) => (id === INT8 ? Number : types.getTypeParser(id, format)) },
  })
  // Connections that nobody uses end with the server; the next question opens another.
  pool.on('error', (error) => log?.debug({ place, error }, 'a connection to the history store has ended'))
  // One that is in use tells whoever uses it; without a listener its event would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: adapted(pool, place) }) })
  return {
    database,
    place,
    columns: { id: { type: 'bigserial', build: (column) => column.primaryKey() }, bytes: 'bytea' },
    async lock(transaction, name) {
      await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction)
    },
    [Symbol.asyncDispose]: () => database.destroy(),
  }
}

/** Host, port and database: user and password are nobody's business. */
function placeOf(url: string): string {
  if (!URL.canParse(url)) throw new HistoryError('HistoryUnavailable', 'the URL of the history store is not valid')
  const { protocol, host, pathname } = new URL(url)
  if (protocol !== 'postgres:' && protocol !== 'postgresql:')
    throw new HistoryError(
      'HistoryUnavailable',
      `the URL of the history store begins with ${protocol}// and not postgres://`,
    )
  return `postgres://${host}${pathname}`
}

/** The part of `pg` that kysely's driver calls. */
function adapted(pool: Pool, place: string): PostgresPool {
  return {
    connect: async () => guarded(await pool.connect().catch((error: unknown) => fail(error, place)), place),
    end: () => pool.end(),
  }
}

function guarded(client: PoolClient, place: string): PostgresPoolClient {
  const plain: PostgresPoolClient = client
  let broken = false

  async function ask<Row>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>> {
    // The transaction ended with its connection; kysely's rollback would hide the reason.
    if (broken && text === 'rollback') return { command: 'SELECT', rowCount: 0, rows: [] }
    try {
      return await plain.query<Row>(text, parameters)
    } catch (error) {
      broken ||= !(error instanceof DatabaseError) || error.severity === 'FATAL'
      return fail(error, place)
    }
  }

  function query<Row>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>>
  function query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>
  function query<Row>(question: string | PostgresCursor<Row>, parameters: readonly unknown[] = []) {
    return typeof question === 'string' ? ask<Row>(question, parameters) : plain.query(question)
  }

  return { query, release: () => client.release(broken) }
}

/** Codes of PostgreSQL (https://www.postgresql.org/docs/15/errcodes-appendix.html), or classes of them, that say something about the database or about a record. */
const told: Readonly<Record<string, { code: HistoryErrorCode; what: string }>> = {
  '08': { code: 'HistoryUnavailable', what: 'cannot be reached' },
  '22': { code: 'HistoryConflict', what: 'cannot hold this record' },
  '23': { code: 'HistoryConflict', what: 'has another record in this place' },
  '25006': { code: 'HistoryUnavailable', what: 'may not be written' },
  '28': { code: 'HistoryUnavailable', what: 'does not let us in' },
  '3D000': { code: 'HistoryUnavailable', what: 'does not exist' },
  '40': { code: 'HistoryLocked', what: 'was changed by another process meanwhile' },
  '42501': { code: 'HistoryUnavailable', what: 'may not be written' },
  '53': { code: 'HistoryUnavailable', what: 'has no room for us now' },
  '53100': { code: 'HistoryFull', what: 'cannot grow: the disk is full' },
  '55P03': { code: 'HistoryLocked', what: 'is locked by another process' },
  '57': { code: 'HistoryUnavailable', what: 'has ended our connection' },
  '58': { code: 'HistoryUnavailable', what: 'cannot be read or written' },
  XX001: { code: 'HistoryCorrupt', what: 'is damaged; restore a backup' },
  XX002: { code: 'HistoryCorrupt', what: 'is damaged; restore a backup' },
}

/** With the place in it; a fault of the question itself comes as it is. */
function fail(error: unknown, place: string): never {
  if (!(error instanceof Error)) throw error
  if (error instanceof DatabaseError) {
    const { code = '' } = error
    const entry = told[code] ?? told[code.slice(0, 2)]
    if (!entry) throw error
    throw new HistoryError(entry.code, `history ${place} ${entry.what} (${error.message})`, error)
  }
  // Several addresses were tried: the reasons are inside.
  const reason = error instanceof AggregateError ? error.errors.map(String).join(', ') : error.message
  throw new HistoryError('HistoryUnavailable', `history ${place} cannot be reached (${reason})`, error)
}
