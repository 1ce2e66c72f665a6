/** Whether the history store can be used, as those who use it found out last; it asks nobody itself. */
import type { Condition } from '../../crds/index.ts'
import { HistoryError } from '../history/index.ts'

/** `reason` is a word and `message` a sentence, as a condition has them; neither holds a password. */
export type StoreCondition = { available: true } | { available: false; reason: string; message: string }

/** @param now when it became so, milliseconds since 1970 */
export function storeUnavailable(store: StoreCondition, now: number): Condition {
  const { reason, message } = store.available ? { reason: 'StoreAvailable', message: '' } : store
  const status = store.available ? 'False' : 'True'
  return { type: 'StoreUnavailable', status, reason, message, lastTransitionTime: new Date(now).toISOString() }
}

export class StoreState {
  readonly #changed: (condition: StoreCondition) => void
  #available = true

  /** `changed` is called with each change, for a condition that people see. */
  constructor(changed: (condition: StoreCondition) => void) {
    this.#changed = changed
  }

  get available(): boolean {
    return this.#available
  }

  worked(): void {
    if (this.#available) return
    this.#available = true
    this.#changed({ available: true })
  }

  failed(error: unknown): void {
    if (!this.#available) return
    this.#available = false
    const reason = error instanceof HistoryError ? error.code : 'HistoryFailed'
    this.#changed({ available: false, reason, message: error instanceof Error ? error.message : String(error) })
  }
}
