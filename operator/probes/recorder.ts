/** Writes results to history in the order they came, and keeps them while the store is away; bounded, and what is dropped is counted. */
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { HistoryError, withoutDetail } from '../history/index.ts'
import type { Entry, History, ProbeIdentity } from '../history/index.ts'
import type { Standing, StandbyOutbox } from './standby.ts'
import type { StoreState } from './store-state.ts'

/** Results that wait while the store is away: some hours of a large installation, some 20 MB without what the bound below takes from them. */
const MOST_WAITING = 10_000
/** So many of them wait with their samples and traces, tens of kB each; those that come after leave these behind. */
const MOST_DETAILED = 1_000
const RETRY_DELAY = 2_000

export interface RecorderOptions {
  history: History
  /** Sends what waits here from memory. */
  outbox: Pick<StandbyOutbox, 'stand'>
  state: StoreState
  clock: Clock
  log: Log
  /** Called after an entry is in the store: its deliveries are due, and agents need not keep its results. */
  onRecorded: (entry: Entry) => void
  /** Called when an entry will never be in the store. */
  onDropped: (entry: Entry) => void
  /** Called after each write, also one that failed. @param milliseconds that it took */
  onAttempted?: (milliseconds: number) => void
  /** Called after deliveries of an entry that is not stored have become due. */
  onStanding: () => void
  /** What this process remembers of the probe is not what the store knows: mend what can be mended; the entry is tried once more. */
  onConflict: (probe: ProbeIdentity) => Promise<void>
}

interface Waiting {
  entry: Entry
  /** It is stored, or the store failed once. */
  attempted: () => void
  standing?: Standing
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
    const isDetailed = this.#options.state.available || this.#waiting.length < MOST_DETAILED
    const waiting: Waiting = {
      entry: isDetailed ? entry : { ...entry, executions: entry.executions.map(withoutDetail) },
      attempted: resolve,
    }
    this.#waiting.push(waiting)
    if (this.#waiting.length > MOST_WAITING) this.#dropOldest()
    // Nobody waits for a store that is known to be away.
    if (!this.#options.state.available) this.#stand(waiting)
    this.#writing ??= this.#drain()
    return promise
  }

  /** For metrics: failed writes, results lost because too many waited, results that wait now. */
  get counters(): Readonly<{ errors: number; dropped: number; waiting: number }> {
    return { errors: this.#errors, dropped: this.#dropped, waiting: this.#waiting.length }
  }

  /** Whether something of this probe is not stored yet. */
  waitsFor({ namespace, name }: Pick<ProbeIdentity, 'namespace' | 'name'>): boolean {
    return this.#waiting.some(({ entry: { probe } }) => probe.namespace === namespace && probe.name === name)
  }

  /** Tries once more to store what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#writing
  }

  async #drain(): Promise<void> {
    for (let first = this.#waiting[0]; first; first = this.#waiting[0]) {
      const stored = await this.#write(first)
      if (stored) {
        if (this.#waiting[0] === first) this.#waiting.shift()
        first.attempted()
        continue
      }
      for (const waiting of this.#waiting) this.#stand(waiting)
      if (this.#stopping.signal.aborted) break
      await sleep(this.#options.clock, RETRY_DELAY, this.#stopping.signal)
    }
    // In the same turn as the last look at what waits: whoever comes next starts a new drain.
    this.#writing = undefined
  }

  #dropOldest(): void {
    const oldest = this.#waiting.shift()
    if (!oldest) return
    oldest.standing?.end()
    oldest.attempted()
    this.#drop(oldest.entry)
  }

  #drop(entry: Entry): void {
    this.#dropped++
    this.#options.onDropped(entry)
  }

  #stand(waiting: Waiting): void {
    waiting.attempted()
    if (waiting.standing) return
    waiting.standing = this.#options.outbox.stand(waiting.entry)
    this.#options.onStanding()
  }

  /** True: it is stored, or never will be. */
  #write({ entry, standing }: Waiting): Promise<boolean> {
    const write = this.#attempt(standing?.entry() ?? entry).then((done) => {
      if (done) standing?.end()
      return done
    })
    standing?.writing(write)
    return write
  }

  async #attempt(entry: Entry): Promise<boolean> {
    const { history, state, clock, log, onAttempted, onConflict } = this.#options
    const began = clock.monotonic()
    try {
      await history.record(entry).catch(async (error: unknown) => {
        if (!isConflict(error)) throw error
        await onConflict(entry.probe)
        await history.record(entry)
      })
    } catch (error) {
      this.#errors++
      if (isConflict(error)) {
        // It will never fit: trying again would hold up everything behind it.
        this.#drop(entry)
        log.error({ error, probe: entry.probe }, 'a result contradicts history and is dropped')
        return true
      }
      state.failed(error)
      log.error({ error, waiting: this.#waiting.length }, 'history cannot be written, trying again')
      return false
    } finally {
      onAttempted?.(clock.monotonic() - began)
    }
    state.worked()
    this.#options.onRecorded(entry)
    return true
  }
}

const isConflict = (error: unknown): boolean => error instanceof HistoryError && error.code === 'HistoryConflict'
