/** The runs of one agent and what they said, kept until the operator has it; bounded, and without HTTP. It carries nothing out itself. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Run } from '../run/index.ts'
import type { RunEvent, RunPlan, RunSummary } from './protocol.ts'

export interface RunLimits {
  /** So many at once; the next one is told to come back. */
  running: number
  /** Finished ones that wait to be acknowledged; the oldest goes first. */
  finished: number
  /** Events of one run; over it, the oldest samples are dropped. */
  events: number
  /** Milliseconds that results are kept without an acknowledgement. */
  keptFor: number
  /** Milliseconds without an event until a follower gets a sign of life. */
  idle: number
}

const LIMITS: RunLimits = { running: 100, finished: 500, events: 2000, keptFor: 600_000, idle: 5000 }

export interface RunsOptions {
  start(plan: RunPlan, emit: (event: RunEvent) => void): Run
  clock: Clock
  log: Log
  limits?: Partial<RunLimits>
}

export type StartOutcome =
  | { kind: 'Started' }
  /** The very same plan again: a retry of somebody who did not hear the answer, or of the next leader. */
  | { kind: 'Known' }
  | Conflict
  | { kind: 'Busy'; code: 'Draining' | 'Full'; message: string }

export interface Conflict {
  kind: 'Conflict'
  code: 'OtherPlan' | 'OldEpoch'
  message: string
}

interface Kept {
  summary: RunSummary
  /** Instead of the plan, which holds a password. */
  fingerprint: string
  events: RunEvent[]
  dropped: number
  run: Run
  /** Those who wait for the next event. */
  waiting: Set<() => void>
  expiry?: Disposable
}

export class Runs implements Disposable {
  readonly #options: RunsOptions
  readonly #limits: RunLimits
  readonly #runs = new Map<string, Kept>()
  #epoch = 0
  #draining = false
  /** Plans that were not taken, by the code of the answer. */
  readonly refused = { Draining: 0, Full: 0, OldEpoch: 0, OtherPlan: 0 }
  #emptied = Promise.withResolvers<void>()

  constructor(options: RunsOptions) {
    this.#options = options
    this.#limits = { ...LIMITS, ...options.limits }
  }

  /**
   * Whoever says so leads from now on: nothing of an older epoch is taken any more. Undefined: it leads. A leader asks for `list` then,
   * so that it starts nothing which another one has started.
   */
  lead(epoch: number): Conflict | undefined {
    if (epoch < this.#epoch)
      return conflict('OldEpoch', `This is of epoch ${epoch}, and there was a leader of ${this.#epoch}.`)
    this.#epoch = epoch
    return undefined
  }

  /** The newest that it heard of; 0: none. */
  get epoch(): number {
    return this.#epoch
  }

  /** So many run at once. */
  get limit(): number {
    return this.#limits.running
  }

  start(plan: RunPlan): StartOutcome {
    const outcome = this.#take(plan)
    if ('code' in outcome) this.refused[outcome.code]++
    return outcome
  }

  #take(plan: RunPlan): StartOutcome {
    const fingerprint = createHash('sha256')
      .update(JSON.stringify({ ...plan, epoch: 0 }))
      .digest('base64')
    const known = this.#runs.get(plan.id)
    if (known?.fingerprint === fingerprint) return { kind: 'Known' }
    if (known) return conflict('OtherPlan', `Another plan has the id ${plan.id}.`)
    const refused = this.lead(plan.epoch)
    if (refused) return refused
    if (this.#draining) return { kind: 'Busy', code: 'Draining', message: 'The agent is going away.' }
    if (this.running >= this.#limits.running)
      return { kind: 'Busy', code: 'Full', message: `${this.#limits.running} runs are under way.` }
    this.#begin(plan, fingerprint)
    return { kind: 'Started' }
  }

  /**
   * Events after number `after`, then those that come, up to End. `Idle`: nothing happened for a while, and the run is there.
   * Undefined: there is no such run. Ends early when the signal aborts or the run is forgotten.
   */
  follow(id: string, after: number, signal: AbortSignal): AsyncGenerator<RunEvent | 'Idle', void> | undefined {
    const kept = this.#runs.get(id)
    return kept && this.#follow(kept, after, signal)
  }

  /** False: there is no such run. */
  stop(id: string): boolean {
    const kept = this.#runs.get(id)
    kept?.run.stop()
    return kept !== undefined
  }

  /** Forgets a finished run. One that nobody knows is forgotten already: a retry is safe. */
  acknowledge(id: string): 'Forgotten' | 'Running' {
    const kept = this.#runs.get(id)
    if (kept?.summary.state === 'Running') return 'Running'
    if (kept) this.#forget(kept)
    return 'Forgotten'
  }

  list(): RunSummary[] {
    return [...this.#runs.values()].map(({ summary }) => ({ ...summary }))
  }

  get running(): number {
    return this.list().filter(({ state }) => state === 'Running').length
  }

  /** New runs are refused from now on. */
  refuse(): void {
    this.#draining = true
  }

  /** Resolves when all that are under way are over. */
  async over(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ run }) => run.finished))
  }

  /** Refuses new runs, hangs up all that are under way, and resolves when they are over. */
  async drain(): Promise<void> {
    this.refuse()
    for (const { run } of this.#runs.values()) run.stop()
    await this.over()
  }

  /** Resolves when every result was acknowledged; after `drain`, that nothing is left to tell. */
  async told(): Promise<void> {
    if (this.#runs.size > 0) await this.#emptied.promise
  }

  [Symbol.dispose](): void {
    for (const kept of this.#runs.values()) this.#forget(kept)
  }

  #begin(plan: RunPlan, fingerprint: string): void {
    const { id, epoch, namespace, name, generation, location, slot, thresholds } = plan
    const events: RunEvent[] = []
    const kept: Kept = {
      summary: { id, epoch, namespace, name, generation, location, slot, thresholds, state: 'Running' },
      fingerprint,
      events,
      dropped: 0,
      run: this.#options.start(plan, (event) => this.#keep(kept, event)),
      waiting: new Set(),
    }
    this.#runs.set(id, kept)
    void kept.run.finished.then(() => this.#finished(kept))
  }

  #keep(kept: Kept, event: RunEvent): void {
    kept.events.push(event)
    if (kept.events.length > this.#limits.events) {
      const oldest = kept.events.findIndex(({ type }) => type === 'Sample')
      if (oldest >= 0) kept.dropped += kept.events.splice(oldest, 1).length
    }
    wake(kept)
  }

  #finished(kept: Kept): void {
    const { clock, log } = this.#options
    const { id } = kept.summary
    kept.summary.state = 'Finished'
    if (kept.dropped > 0) log.warn({ run: id, dropped: kept.dropped }, 'samples were dropped, the run was too long')
    wake(kept)
    if (this.#runs.get(id) !== kept) return
    kept.expiry = clock.timer(this.#limits.keptFor, () => {
      log.warn({ run: id }, 'nobody asked for the result, it is forgotten')
      this.#forget(kept)
    })
    const finished = [...this.#runs.values()].filter(({ summary }) => summary.state === 'Finished')
    const [oldest] = finished
    if (oldest && finished.length > this.#limits.finished) {
      log.warn({ run: oldest.summary.id }, 'too many results wait, the oldest is forgotten')
      this.#forget(oldest)
    }
  }

  #forget(kept: Kept): void {
    kept.expiry?.[Symbol.dispose]()
    this.#runs.delete(kept.summary.id)
    wake(kept)
    if (this.#runs.size > 0) return
    this.#emptied.resolve()
    this.#emptied = Promise.withResolvers()
  }

  async *#follow(kept: Kept, after: number, signal: AbortSignal): AsyncGenerator<RunEvent | 'Idle', void> {
    let seq = after
    while (!signal.aborted) {
      const next = kept.events.find((event) => event.seq > seq)
      if (next) {
        seq = next.seq
        yield next
        continue
      }
      if (kept.summary.state === 'Finished') return
      if (!(await this.#happens(kept, signal))) yield 'Idle'
    }
  }

  /** False: nothing happened for a while. */
  async #happens(kept: Kept, signal: AbortSignal): Promise<boolean> {
    const happened = Promise.withResolvers<boolean>()
    const onChange = () => happened.resolve(true)
    using _ = this.#options.clock.timer(this.#limits.idle, () => happened.resolve(false))
    kept.waiting.add(onChange)
    signal.addEventListener('abort', onChange, { once: true })
    try {
      return await happened.promise
    } finally {
      kept.waiting.delete(onChange)
      signal.removeEventListener('abort', onChange)
    }
  }
}

function wake({ waiting }: Kept): void {
  for (const each of [...waiting]) each()
}

function conflict(code: Conflict['code'], message: string): Conflict {
  return { kind: 'Conflict', code, message }
}
