/** Runs one handler over keys, each key at most once at a time and never queued twice; it knows nothing of what a key means. */
import type { Clock } from './clock.ts'

export interface WorkQueueOptions {
  clock: Clock
  /** Looks at the world and makes it so. A key added while it runs is handled once more afterwards. */
  handle: (key: string) => Promise<void>
  /** A handler that threw is tried again after `retryDelay` milliseconds times the number of failures in a row, at most 60 s. */
  onError: (key: string, error: unknown) => void
  retryDelay: number
}

const LONGEST_RETRY = 60_000

export class WorkQueue implements AsyncDisposable {
  readonly #options: WorkQueueOptions
  /** Running keys, and whether they were added again meanwhile. */
  readonly #running = new Map<string, { again: boolean; done: Promise<void> }>()
  readonly #timers = new Map<string, Disposable>()
  readonly #failures = new Map<string, number>()
  #disposed = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  add(key: string): void {
    if (this.#disposed) return
    this.#cancel(key)
    const running = this.#running.get(key)
    if (running) running.again = true
    else this.#start(key)
  }

  /** Handles the key after `milliseconds`, unless it is added before: the earlier one counts, so each handling sets its own. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#disposed) return
    this.#cancel(key)
    this.#timers.set(
      key,
      this.#options.clock.timer(milliseconds, () => {
        this.#timers.delete(key)
        this.add(key)
      }),
    )
  }

  /** Nothing is started any more; resolves when what runs is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    for (const key of [...this.#timers.keys()]) this.#cancel(key)
    await Promise.all([...this.#running.values()].map(({ done }) => done))
  }

  #start(key: string): void {
    const entry = { again: false, done: Promise.resolve() }
    this.#running.set(key, entry)
    entry.done = this.#run(key).then((failed) => {
      this.#running.delete(key)
      if (entry.again) this.add(key)
      else if (failed > 0) this.addAfter(key, Math.min(this.#options.retryDelay * failed, LONGEST_RETRY))
    })
  }

  /** How many times in a row it failed; 0: it did not. */
  async #run(key: string): Promise<number> {
    try {
      await this.#options.handle(key)
      this.#failures.delete(key)
      return 0
    } catch (error) {
      this.#options.onError(key, error)
      const failed = (this.#failures.get(key) ?? 0) + 1
      this.#failures.set(key, failed)
      return failed
    }
  }

  #cancel(key: string): void {
    this.#timers.get(key)?.[Symbol.dispose]()
    this.#timers.delete(key)
  }
}
