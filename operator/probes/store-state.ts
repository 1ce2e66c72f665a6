/** Whether the history store can be used, as those who use it found out last; it asks nobody itself. */

export type StoreCondition = { available: true } | { available: false; /** A sentence. */ message: string }

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
    this.#changed({ available: false, message: error instanceof Error ? error.message : String(error) })
  }
}
