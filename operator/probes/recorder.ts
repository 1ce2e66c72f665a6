/** Writes results to history in the order they came, and keeps them while the store is away; bounded, and what is dropped is counted. */
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { HistoryError } from '../history/index.ts'
import type { Entry, History, ProbeIdentity } from '../history/index.ts'

/** Results that wait while the store is away: some hours of a large installation, some MB. */
const MOST_WAITING = 10_000
const RETRY_DELAY = 2_000

export interface RecorderOptions {
  history: History
  clock: Clock
  log: Log
  /** Called after an entry is in the store: its deliveries are due, and agents need not keep its results. */
  onRecorded: (entry: Entry) => void
  /** What this process remembers of the probe is not what the store knows: read it again. */
  onConflict: (probe: ProbeIdentity) => void
}

interface Waiting {
  entry: Entry
  /** It is stored, or the store failed once. */
  attempted: () => void
}

export class Recorder implements AsyncDisposable {
  readonly #options: RecorderOptions
  readonly #waiting: Waiting[] = []
  readonly #stopping = new AbortController()
  #writing: Promise<void> | undefined
  #dropped = 0
  #errors = 0

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Resolves when it is stored, or when the store failed once: then it is kept and tried again. */
  record(entry: Entry): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push({ entry, attempted: resolve })
    if (this.#waiting.length > MOST_WAITING) {
      this.#waiting.shift()?.attempted()
      this.#dropped++
    }
    this.#writing ??= this.#drain()
    return promise
  }

  /** For metrics: failed writes, results lost because too many waited, results that wait now. */
  get counters(): Readonly<{ errors: number; dropped: number; waiting: number }> {
    return { errors: this.#errors, dropped: this.#dropped, waiting: this.#waiting.length }
  }

  /** Tries once more to store what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#writing
  }

  async #drain(): Promise<void> {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const stored = await this.#write(first.entry)
      if (stored) {
        if (this.#waiting[0] === first) this.#waiting.shift()
        first.attempted()
        continue
      }
      for (const { attempted } of this.#waiting) attempted()
      if (this.#stopping.signal.aborted) break
      await sleep(this.#options.clock, RETRY_DELAY, this.#stopping.signal)
    }
    // In the same turn as the last look at what waits: whoever comes next starts a new drain.
    this.#writing = undefined
  }

  async #write(entry: Entry): Promise<boolean> {
    try {
      await this.#options.history.record(entry)
    } catch (error) {
      this.#errors++
      if (error instanceof HistoryError && error.code === 'HistoryConflict') {
        // It will never fit: trying again would hold up everything behind it.
        this.#dropped++
        this.#options.log.error({ error, probe: entry.probe }, 'a result contradicts history and is dropped')
        this.#options.onConflict(entry.probe)
        return true
      }
      this.#options.log.error({ error, waiting: this.#waiting.length }, 'history cannot be written, trying again')
      return false
    }
    this.#options.onRecorded(entry)
    return true
  }
}
