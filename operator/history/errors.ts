/** What can be wrong with the store as a whole, said with its place and what to do. Not what can be wrong with one record. */

/**
 * - `HistoryLocked`: another process holds it; trying again helps.
 * - `HistoryFull`: no room; trying again helps once there is some.
 * - `HistoryCorrupt`: it is damaged or no database of ours.
 * - `HistoryNewer`: a newer version of Ringcheck has written it.
 * - `HistoryUnavailable`: it cannot be reached, opened, read or written.
 * - `HistoryConflict`: a record contradicts what is stored, or cannot be stored at all; a broken caller.
 */
export type HistoryErrorCode =
  'HistoryLocked' | 'HistoryFull' | 'HistoryCorrupt' | 'HistoryNewer' | 'HistoryUnavailable' | 'HistoryConflict'

export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  readonly code: HistoryErrorCode

  constructor(code: HistoryErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
