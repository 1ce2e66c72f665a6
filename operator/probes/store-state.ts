/** Whether the history store can be used, as those who use it found out last; it asks nobody itself. */

import { HistoryError } from '../history/index.ts'

/** `reason` is a word and `message` a sentence, as a condition has them; neither holds a password. */
export type StoreCondition = { available: true } | { available: false; reason: string; message: string }

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
