/** Runs one handler over keys, each key at most once at a time and never queued twice; it knows nothing of what a key means. */
import { setImmediate } from 'node:timers/promises'
import type { BackoffLimits } from './backoff.ts'
import { backoff } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

/** Counts what a queue does, for metrics. */
export interface QueueObserver {
  /** Called once: `depth` tells at any time how many keys wait for their turn. */
  watch(depth: () => number): void
  /** @param milliseconds that the handler took */
  handled(result: 'Success' | 'Error', milliseconds: number): void
}

export interface WorkQueueOptions {
  clock: Clock
  random: Random
  /** Looks at the world and makes it so. A key added while it runs is handled once more afterwards. */
  handle: (key: string) => Promise<void>
  /** A handler that threw is tried again later, each time later up to a bound; see `backoff`. */
  onError: (key: string, error: unknown) => void
  observer?: QueueObserver
}

const RETRY: BackoffLimits = { first: 1_000, longest: 60_000 }
/** Thousands of keys that come at once must not all ask the store and the API server at once. They give way to timers and answers after each so many. */
const MOST_AT_ONCE = 32

export class WorkQueue implements AsyncDisposable {
  readonly #options: WorkQueueOptions
  /** Due, in the order they came, while as many run as may. */
  readonly #due = new Set<string>()
  /** Running keys, and whether they were added again meanwhile. */
  readonly #running = new Map<string, { again: boolean; done: Promise<void> }>()
  readonly #timers = new Map<string, Disposable>()
  readonly #failures = new Map<string, number>()
  #isNextTurnAsked = false
  #disposed = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
    options.observer?.watch(() => this.depth)
  }

  /** How many keys are due and wait for their turn. */
  get depth(): number {
    return this.#due.size
  }

  add(key: string): void {
    if (this.#disposed) return
    this.#cancel(key)
    const running = this.#running.get(key)
    if (running) running.again = true
    else {
      this.#due.add(key)
      this.#startNext()
    }
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
    this.#due.clear()
    for (const key of [...this.#timers.keys()]) this.#cancel(key)
    await Promise.all([...this.#running.values()].map(({ done }) => done))
  }

  #startNext(): void {
    for (const key of this.#due) {
      if (this.#running.size >= MOST_AT_ONCE) return
      this.#due.delete(key)
      this.#start(key)
    }
  }

  #start(key: string): void {
    const entry = { again: false, done: Promise.resolve() }
    this.#running.set(key, entry)
    entry.done = this.#run(key).then((failed) => {
      this.#running.delete(key)
      if (entry.again) this.add(key)
      else if (failed > 0) this.addAfter(key, backoff(failed, RETRY, this.#options.random))
      this.#startInNextTurn()
    })
  }

  /** A handler that never waits for anything outside of the process would keep the event loop until no key is left. */
  #startInNextTurn(): void {
    if (this.#due.size === 0 || this.#isNextTurnAsked) return
    this.#isNextTurnAsked = true
    void setImmediate().then(() => {
      this.#isNextTurnAsked = false
      this.#startNext()
    })
  }

  /** How many times in a row it failed; 0: it did not. */
  async #run(key: string): Promise<number> {
    const { handle, onError, clock, observer } = this.#options
    const began = clock.monotonic()
    try {
      await handle(key)
      observer?.handled('Success', clock.monotonic() - began)
      this.#failures.delete(key)
      return 0
    } catch (error) {
      observer?.handled('Error', clock.monotonic() - began)
      onError(key, error)
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
