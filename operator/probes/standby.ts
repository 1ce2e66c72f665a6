/** The outbox as the deliverer sees it while the store comes and goes: with the store away it answers from memory and keeps what came of it. It sends nothing and writes no round. */
import type { Clock } from '../../lib/clock.ts'
import type { Delivery, DeliveryKey, Entry, History, Outbox, Untold } from '../history/index.ts'
import type { QueuedOutbox } from '../webhooks/index.ts'
import type { StoreState } from './store-state.ts'

/** Above every number of a store. */
const FIRST_ID = 2 ** 52
/** How often a store that is away is asked, milliseconds. */
const ASK_EVERY = 2_000

/** An entry that waits for the store, and what came of its deliveries meanwhile. */
export interface Standing {
  /** As it is to be stored now. */
  entry(): Entry
  /** What is told of its deliveries waits until this has ended; true: it is stored. */
  writing(write: Promise<boolean>): void
  /** It waits no longer. */
  end(): void
}

interface Item {
  delivery: Delivery
  untold: Untold
  written: Promise<unknown>
}

type Settlement = Parameters<Outbox['settle']>[1]
type Postponement = Parameters<Outbox['postpone']>[1]

export class StandbyOutbox implements QueuedOutbox, AsyncDisposable {
  readonly #store: History['outbox']
  readonly #state: StoreState
  readonly #clock: Clock
  /** Deliveries of entries that wait for the store, in the order they came. */
  readonly #items = new Map<string, Item>()
  /** What the store has not been told of its own deliveries, in order. */
  readonly #notes: Array<() => Promise<void>> = []
  /** Webhooks of a probe whose oldest delivery is in the store and failed: what is in memory waits behind it. */
  readonly #behind = new Set<string>()
  /** By webhook of a probe: the endpoint that wanted no more. */
  readonly #disabled = new Map<string, string>()
  /** Entries that wait: while there are any, whoever writes them finds out when the store is back. */
  readonly #standing = new Set<Entry>()
  #flushing: Promise<boolean> | undefined
  #nextId = FIRST_ID

  constructor({ store, state, clock }: { store: History['outbox']; state: StoreState; clock: Clock }) {
    this.#store = store
    this.#state = state
    this.#clock = clock
  }

  /** Its deliveries go out from memory from now on, those apart that a maintenance window holds back. */
  stand(entry: Entry): Standing {
    const now = this.#clock.now()
    const items = new Map(
      entry.deliveries
        .filter(({ held }) => !held)
        .map((delivery) => [keyOf(delivery), this.#itemOf(entry, delivery, now)]),
    )
    for (const [key, item] of items) this.#items.set(key, item)
    this.#standing.add(entry)
    return {
      entry: () => ({
        ...entry,
        deliveries: entry.deliveries.map((delivery) => {
          const item = items.get(keyOf(delivery))
          return item ? { ...delivery, untold: item.untold } : delivery
        }),
      }),
      writing: (write) => {
        for (const item of items.values()) item.written = write
      },
      end: () => {
        if (!this.#standing.delete(entry)) return
        for (const key of items.keys()) this.#items.delete(key)
      },
    }
  }

  async due(now: number, limit: number, after = 0): Promise<readonly Delivery[]> {
    if (await this.#isThere()) {
      const found = await this.#asked(() => this.#store.due(now, limit, after))
      if (found) return found
    }
    return this.#heads()
      .filter(({ id, nextAttemptAt }) => id > after && nextAttemptAt <= now)
      .slice(0, limit)
  }

  async nextDue(now: number): Promise<number | undefined> {
    if (this.#state.available) {
      const next = await this.#asked(async () => ({ at: await this.#store.nextDue(now) }))
      if (next) return next.at
    }
    const times = this.#heads().map(({ nextAttemptAt }) => nextAttemptAt)
    return Math.min(now + ASK_EVERY, ...times.filter((at) => at > now))
  }

  async settle(delivery: Delivery, result: Settlement): Promise<void> {
    const lane = laneOf(delivery)
    this.#behind.delete(lane)
    if (result.state === 'Disabled') this.#disabled.set(lane, result.endpoint)
    else this.#disabled.delete(lane)
    const item = await this.#waiting(delivery)
    if (!item) return this.#tell(() => this.#store.settle(delivery, result))
    const { state, endpoint, at, responseCode, error } = result
    const attempt = { at, ...(responseCode !== undefined && { responseCode }), ...(error !== undefined && { error }) }
    const attempts = responseCode === undefined ? item.untold.attempts : [...item.untold.attempts, attempt]
    item.untold = { ...item.untold, state, endpoint, attempts }
    item.delivery = { ...item.delivery, state }
  }

  async postpone(delivery: Delivery, attempt: Postponement): Promise<void> {
    const item = await this.#waiting(delivery)
    if (!item) {
      this.#behind.add(laneOf(delivery))
      return this.#tell(() => this.#store.postpone(delivery, attempt))
    }
    const { nextAttemptAt, ...made } = attempt
    const attempts = [...item.untold.attempts, made]
    item.untold = { ...item.untold, nextAttemptAt, attempts }
    item.delivery = { ...item.delivery, nextAttemptAt, attempts: attempts.length }
  }

  async supersede(now: number): Promise<{ superseded: number; expired: number }> {
    const told = (await this.#isThere()) && (await this.#asked(() => this.#store.supersede(now)))
    return told || { superseded: 0, expired: 0 }
  }

  async disabledEndpoint(delivery: Pick<Delivery, 'probe' | 'webhook'>): Promise<string | undefined> {
    if (this.#state.available) {
      const found = await this.#asked(async () => ({ endpoint: await this.#store.disabledEndpoint(delivery) }))
      if (found) return found.endpoint
    }
    return this.#disabled.get(laneOf(delivery))
  }

  /** With the store away: of what is in memory. */
  async counts(): ReturnType<Outbox['counts']> {
    const stored = this.#state.available && (await this.#asked(() => this.#store.counts()))
    if (stored) return stored
    const pending = [...this.#items.values()].filter(({ delivery }) => delivery.state === 'Pending')
    const [oldest] = pending
    return { pending: pending.length, ...(oldest && { oldestCreatedAt: oldest.delivery.createdAt }) }
  }

  /** Tells the store once more what it does not know. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flush()
  }

  /** Whether the store can be asked; it is told first what it does not know. */
  async #isThere(): Promise<boolean> {
    if (this.#state.available) return this.#notes.length === 0 || this.#flush()
    if (this.#standing.size > 0) return false
    if (!(await this.#flush())) return false
    return (await this.#asked(() => this.#store.supersede(this.#clock.now()))) !== undefined
  }

  /** One at a time: a note that was told twice would be two attempts in the log. */
  #flush(): Promise<boolean> {
    this.#flushing ??= this.#tellAll().finally(() => (this.#flushing = undefined))
    return this.#flushing
  }

  async #tellAll(): Promise<boolean> {
    for (let [note] = this.#notes; note; [note] = this.#notes) {
      const tell = note
      if (!(await this.#asked(() => tell().then(() => true)))) return false
      this.#notes.shift()
    }
    return true
  }

  async #tell(note: () => Promise<void>): Promise<void> {
    this.#notes.push(note)
    if (this.#state.available) await this.#flush()
  }

  /** Undefined: the store did not answer. */
  async #asked<Answer>(question: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      const answer = await question()
      this.#state.worked()
      return answer
    } catch (error) {
      this.#state.failed(error)
      return undefined
    }
  }

  /** The item of a delivery that is not stored; one that is being written is waited for. */
  async #waiting(delivery: DeliveryKey): Promise<Item | undefined> {
    await this.#items.get(keyOf(delivery))?.written
    return this.#items.get(keyOf(delivery))
  }

  /** The oldest that is not settled, of each webhook of a probe. */
  #heads(): Delivery[] {
    const heads = new Map<string, Delivery>()
    for (const { delivery } of this.#items.values()) {
      const lane = laneOf(delivery)
      if (delivery.state === 'Pending' && !heads.has(lane) && !this.#behind.has(lane)) heads.set(lane, delivery)
    }
    return [...heads.values()]
  }

  #itemOf({ probe }: Entry, delivery: Entry['deliveries'][number], now: number): Item {
    const untold: Untold = { state: 'Pending', createdAt: now, nextAttemptAt: now, attempts: [] }
    return {
      untold,
      written: Promise.resolve(),
      delivery: { ...delivery, ...untold, id: ++this.#nextId, probe, attempts: 0 },
    }
  }
}

const keyOf = ({ webhookId, webhook }: DeliveryKey): string => `${webhookId} ${webhook}`

const laneOf = ({ probe, webhook }: Pick<Delivery, 'probe' | 'webhook'>): string =>
  `${probe.namespace}/${probe.name}/${webhook}`
