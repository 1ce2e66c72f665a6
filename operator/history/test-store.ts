/** An empty store for a test, that can be closed and opened again. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { openHistory } from './index.ts'
import type { History } from './index.ts'

export interface TestStore extends AsyncDisposable {
  /** With all that was written before. */
  open(clock: Clock): Promise<History>
}

/** A file in a folder that goes with it. */
export async function sqliteStore(): Promise<TestStore> {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'history-'))
  return {
    open: (clock) => openHistory({ file: join(folder.path, 'history.db'), clock }),
    [Symbol.asyncDispose]: async () => folder[Symbol.dispose](),
  }
}
