/** What can be wrong with the store as a whole, said with its place and what to do. Not what can be wrong with one record. */

/**
 * - `HistoryLocked`: another process holds the file; trying again helps.
 * - `HistoryFull`: no room; trying again helps once there is some.
 * - `HistoryCorrupt`: the file is damaged or no SQLite file.
 * - `HistoryNewer`: a newer version of Ringcheck has written it.
 * - `HistoryUnavailable`: it cannot be opened, read or written.
 * - `HistoryConflict`: a record contradicts what is stored; a broken caller.
 */
type HistoryErrorCode =
  'HistoryLocked' | 'HistoryFull' | 'HistoryCorrupt' | 'HistoryNewer' | 'HistoryUnavailable' | 'HistoryConflict'

export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  readonly code: HistoryErrorCode

  constructor(code: HistoryErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
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
export function explained(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  // An extended code carries the primary one in its low byte.
  const entry = told[error.errcode & 0xff]
  if (!entry) return error
  return new HistoryError(entry.code, `history ${file} ${entry.what} (${error.message})`, error)
}
