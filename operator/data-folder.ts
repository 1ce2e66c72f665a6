/** The folder that one operator has to itself: made when it is not there, private to its user, and locked while the process lives. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const LOCK_FILE = 'lock'

/**
 * Two operators on one folder would call twice and contradict each other's history. The lock is the file system's, held through
 * SQLite: it goes with the process however that ends. Throws an Error that names the folder and the flag.
 */
export function claimDataFolder(folder: string): Disposable {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new Error(`the data folder ${folder} cannot be made (${code}): choose another with --data FOLDER`, { cause })
  }
  const lock = openLock(folder)
  return { [Symbol.dispose]: () => lock.close() }
}

function openLock(folder: string): DatabaseSync {
  const database = new DatabaseSync(join(folder, LOCK_FILE))
  try {
    database.exec('PRAGMA busy_timeout = 0')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (cause) {
    database.close()
    throw new Error(
      `the data folder ${folder} is in use by another ringcheck serve: stop it, or choose another with --data FOLDER`,
      { cause },
    )
  }
}
