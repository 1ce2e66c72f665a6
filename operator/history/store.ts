/** A database behind the history, whichever it is: what the two say differently is said here, once. It knows no row. */
import type { ColumnDataType, ColumnDefinitionBuilder, Kysely, Transaction } from 'kysely'
import type { Tables } from './tables.ts'

export interface Store extends AsyncDisposable {
  readonly database: Kysely<Tables>
  /** For messages: the path of a file, or the address of a database, without user and password. */
  readonly place: string
  readonly columns: {
    /** A number that rises with each row. */
    readonly id: {
      readonly type: ColumnDataType
      readonly build: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
    }
    readonly bytes: ColumnDataType
  }
  /** Until the transaction ends nobody else has the lock of this name: what was read in between still holds. */
  lock(transaction: Transaction<Tables>, name: string): Promise<void>
}
