/** The reconciler of SipProbe: keeps each probe's schedule, starts its rounds, and hands what came out to the settlement. It decides by pure functions only. */
import { effectiveThresholds } from '../../crds/index.ts'
import type { UnknownReason } from '../../crds/index.ts'
import { sleep } from '../../lib/clock.ts'
import { WorkQueue } from '../../lib/work-queue.ts'
import type { Agents } from '../agents/agents.ts'
import type { Key, Stored } from '../cluster/cluster.ts'
import { AccountLeases } from './accounts.ts'
import { concludeRound, concludeUnknown } from './conclude.ts'
import { openUntil } from './maintenance.ts'
import type { Prepared } from './plan.ts'
import { longestExecution, prepare } from './plan.ts'
import { carryOut } from './round.ts'
import { decideSlot, executionId, nextSlot, staleAt } from './schedule.ts'
import type { SettlementOptions, Tracked } from './settlement.ts'
import { Settlement } from './settlement.ts'

export interface ProbesOptions extends SettlementOptions {
  agents: Agents
  /** False: nothing runs by its schedule, only by `runNow`. */
  scheduled: boolean
}

const RETRY_DELAY = 1_000
/** Secrets are not watched: a probe that waits for one looks again after this long. */
const POLL_UNREADY = 5_000
/** Probes that become ready together start this far apart, or all within SPREAD where they are many. */
const STAGGER = 20
const SPREAD = 30_000
/** Before the first look at a probe whose slot is not known (cron without a next time). */
const IDLE = 60_000

const textOf = ({ namespace, name }: Key): string => `${namespace}/${name}`

function keyOf(text: string): Key {
  const [namespace = '', name = ''] = text.split('/')
  return { namespace, name }
}

export class Probes implements AsyncDisposable {
  readonly #options: ProbesOptions
  readonly #tracked = new Map<string, Tracked>()
  readonly #settlement: Settlement
  readonly #leases: AccountLeases
  readonly #queue: WorkQueue
  readonly #subscription: Disposable
  #stopping = false
  #nextFirst = 0

  constructor(options: ProbesOptions) {
    this.#options = options
    this.#settlement = new Settlement(options)
    this.#leases = new AccountLeases(options.clock)
    this.#queue = new WorkQueue({
      clock: options.clock,
      retryDelay: RETRY_DELAY,
      handle: (key) => this.#reconcile(keyOf(key)),
      onError: (key, error) => options.log.error({ error, probe: key }, 'probe cannot be reconciled, trying again'),
    })
    this.#subscription = options.cluster.onChange(({ kind, key }) => {
      if (kind === 'SipProbe') this.#queue.add(textOf(key))
      else if (kind !== 'StatusPage') this.#addNamespace(key.namespace)
    })
    for (const probe of options.cluster.list('SipProbe')) this.#queue.add(textOf(probe.metadata))
  }

  /**
   * Executes the probe at once, or right after the round that is running.
   * `finished` resolves when the round is recorded; undefined: it is not there or cannot run, its status says why.
   */
  async runNow(key: Key): Promise<{ executionId: string; finished: Promise<void> } | undefined> {
    const probe = this.#options.cluster.get('SipProbe', key)
    if (!probe || this.#stopping) return undefined
    const tracked = await this.#track(probe)
    const prepared = await this.#prepare(probe)
    if (prepared.kind !== 'Prepared') return undefined
    const slot = this.#options.clock.now()
    const id = executionId(probe.metadata.uid, probe.spec.locations[0]?.name ?? 'default', slot)
    if (!tracked.running) return { executionId: id, finished: this.#start(probe, prepared, slot) }
    const { promise, resolve } = Promise.withResolvers<void>()
    const earlier = tracked.queued
    tracked.queued = { slot, finished: resolve }
    earlier?.finished()
    return { executionId: id, finished: promise }
  }

  /** Forgets what was remembered of a probe that does not run now: the next look reads it from history. */
  reload(key: Key): void {
    if (!this.#tracked.get(textOf(key))?.running) this.#tracked.delete(textOf(key))
    this.#queue.add(textOf(key))
  }

  /** Hangs up what runs and waits until it is recorded. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    this.#subscription[Symbol.dispose]()
    for (const { running } of this.#tracked.values()) running?.abort.abort()
    await Promise.all([...this.#tracked.values()].flatMap(({ running }) => (running ? [running.done] : [])))
    await this.#queue[Symbol.asyncDispose]()
  }

  #addNamespace(namespace: string): void {
    for (const { metadata } of this.#options.cluster.list('SipProbe'))
      if (metadata.namespace === namespace) this.#queue.add(textOf(metadata))
  }

  async #reconcile(key: Key): Promise<void> {
    const { cluster, metrics, clock } = this.#options
    const probe = cluster.get('SipProbe', key)
    if (!probe) {
      this.#tracked.delete(textOf(key))
      metrics.forget(key)
      return
    }
    const tracked = await this.#track(probe)
    metrics.declare(probe, effectiveThresholds)
    await this.#settlement.endMaintenance(probe, tracked)
    const prepared = await this.#prepare(probe)
    if (prepared.kind === 'NotPrepared') {
      tracked.running?.abort.abort()
      await this.#declare(probe, tracked, prepared)
      if (prepared.reason !== 'Suspended') this.#queue.addAfter(textOf(key), POLL_UNREADY)
      return
    }
    if (tracked.declared && tracked.declared.reason !== 'Stale') {
      delete tracked.declared
      tracked.watchedSince = clock.now()
      tracked.resumed = true
    }
    if (tracked.running) return this.#settlement.publish(probe, tracked)
    if (await this.#runByAnnotation(probe, tracked, prepared)) return
    if (this.#options.scheduled) await this.#schedule(probe, tracked, prepared)
    await this.#settlement.publish(probe, tracked)
    if (tracked.running || !this.#options.scheduled) return
    this.#queue.addAfter(textOf(key), this.#nextLook(probe) - clock.now())
  }

  async #track(probe: Stored<'SipProbe'>): Promise<Tracked> {
    const text = textOf(probe.metadata)
    const there = this.#tracked.get(text)
    if (there) return there
    const memory = await this.#options.history.memory(probe.metadata)
    const status = this.#options.cluster.status('SipProbe', probe.metadata)
    const tracked: Tracked = {
      memory,
      watchedSince: this.#options.clock.now(),
      executions: [],
      resumed: false,
      maintained: true,
      ...(status?.lastRunNow !== undefined && { lastRunNow: status.lastRunNow }),
    }
    this.#tracked.set(text, tracked)
    return tracked
  }

  async #prepare(probe: Stored<'SipProbe'>) {
    if (probe.spec.suspend)
      return { kind: 'NotPrepared', reason: 'Suspended', message: 'The probe is suspended.' } as const
    const prepared = await prepare(probe, this.#options.cluster)
    if (prepared.kind === 'Prepared' && this.#options.agents.ready() === 0)
      return { kind: 'NotPrepared', reason: 'NoAgent', message: 'No agent is ready.' } as const
    return prepared
  }

  /** `ringcheck.dev/run-now`: any new value asks for one execution. */
  async #runByAnnotation(probe: Stored<'SipProbe'>, tracked: Tracked, prepared: Prepared): Promise<boolean> {
    const asked = probe.metadata.annotations?.['ringcheck.dev/run-now']
    if (asked === undefined || asked === tracked.lastRunNow) return false
    tracked.lastRunNow = asked
    await this.#settlement.publish(probe, tracked)
    void this.#start(probe, prepared, this.#options.clock.now())
    return true
  }

  async #schedule(probe: Stored<'SipProbe'>, tracked: Tracked, prepared: Prepared): Promise<void> {
    const { clock, metrics } = this.#options
    const { lastRound } = tracked.memory
    const decision = decideSlot({
      schedule: probe.spec.schedule,
      uid: probe.metadata.uid,
      now: clock.now(),
      watchedSince: tracked.watchedSince,
      // A slot that passed while the last round ran was not missed: it is counted when that round ends.
      ...(lastRound && !tracked.resumed && { lastSlot: Math.max(lastRound.slot, lastRound.finishedAt) }),
    })
    tracked.resumed = false
    if (decision.kind === 'Now') {
      if (decision.missed > 0) metrics.skipped(probe.metadata, 'Missed', decision.missed)
      const delay = decision.reason === 'First' ? this.#staggered() : 0
      void this.#start(probe, prepared, decision.slot, delay)
      return
    }
    await this.#lookForStale(probe, tracked)
  }

  /** The k-th of n probes that become ready together starts k times this later. */
  #staggered(): number {
    const { clock, cluster } = this.#options
    const step = Math.min(STAGGER, SPREAD / cluster.list('SipProbe').length)
    this.#nextFirst = Math.max(this.#nextFirst + step, clock.monotonic())
    return this.#nextFirst - clock.monotonic()
  }

  #staleAt(probe: Stored<'SipProbe'>, { memory, watchedSince }: Tracked): number | undefined {
    return staleAt({
      schedule: probe.spec.schedule,
      uid: probe.metadata.uid,
      watchedSince,
      finishedAt: memory.lastRound?.finishedAt ?? watchedSince,
      longest: longestExecution(probe.spec),
    })
  }

  async #lookForStale(probe: Stored<'SipProbe'>, tracked: Tracked): Promise<void> {
    const at = this.#staleAt(probe, tracked)
    if (at === undefined || at > this.#options.clock.now() || tracked.declared) return
    await this.#declare(probe, tracked, { reason: 'Stale', message: 'No execution finished in three due slots.' })
  }

  /** Milliseconds since 1970. */
  #nextLook(probe: Stored<'SipProbe'>): number {
    const now = this.#options.clock.now()
    const { schedule, maintenance } = probe.spec
    const next = nextSlot({ schedule, uid: probe.metadata.uid, now }) ?? now + IDLE
    const windowEnds = openUntil(maintenance, now) ?? Number.POSITIVE_INFINITY
    return Math.min(next, windowEnds, now + Math.max(IDLE, longestExecution(probe.spec)))
  }

  /** Starts a round; the promise resolves when it is recorded. */
  #start(probe: Stored<'SipProbe'>, prepared: Prepared, slot: number, delay = 0): Promise<void> {
    const tracked = this.#tracked.get(textOf(probe.metadata))
    if (!tracked || this.#stopping) return Promise.resolve()
    const abort = new AbortController()
    const done = this.#run({ probe, prepared, slot, tracked, signal: abort.signal, delay })
      .catch((error: unknown) => this.#options.log.error({ error, probe: textOf(probe.metadata) }, 'round failed'))
      .finally(() => this.#finish(probe, tracked, slot))
    tracked.running = { slot, abort, done }
    return done
  }

  async #run(round: {
    probe: Stored<'SipProbe'>
    prepared: Prepared
    slot: number
    tracked: Tracked
    signal: AbortSignal
    delay: number
  }): Promise<void> {
    const { probe, tracked, slot, signal, delay } = round
    const { clock, metrics, agents, cluster } = this.#options
    if (delay > 0) await sleep(clock, delay, signal)
    metrics.started(probe.metadata, Math.max(0, clock.now() - slot))
    const outcome = await carryOut({ ...round, signal, agents, clock, leases: this.#leases, epoch: cluster.epoch })
    if (outcome.kind === 'Skipped') {
      if (!signal.aborted) metrics.skipped(probe.metadata, outcome.reason, 1)
      return
    }
    for (const execution of outcome.executions) metrics.execution(probe.metadata, execution)
    delete tracked.declared
    const conclusion = concludeRound(probe.spec, tracked.memory, outcome)
    if (conclusion.round) tracked.executions = outcome.executions
    await this.#settlement.settle(probe, tracked, conclusion)
  }

  #finish(probe: Stored<'SipProbe'>, tracked: Tracked, slot: number): void {
    const { clock, metrics } = this.#options
    delete tracked.running
    const { schedule } = probe.spec
    const next = nextSlot({ schedule, uid: probe.metadata.uid, now: slot })
    if (next !== undefined && next <= clock.now()) metrics.skipped(probe.metadata, 'Running', 1)
    const { queued } = tracked
    delete tracked.queued
    if (queued) void this.#runQueued(probe.metadata, queued)
    else this.#queue.add(textOf(probe.metadata))
  }

  async #runQueued(key: Key, queued: NonNullable<Tracked['queued']>): Promise<void> {
    const probe = this.#options.cluster.get('SipProbe', key)
    const prepared = probe && (await this.#prepare(probe))
    if (probe && prepared?.kind === 'Prepared') await this.#start(probe, prepared, queued.slot)
    queued.finished()
  }

  async #declare(
    probe: Stored<'SipProbe'>,
    tracked: Tracked,
    { reason, message }: { reason: UnknownReason; message: string },
  ): Promise<void> {
    tracked.declared = { reason, message }
    const conclusion = concludeUnknown(tracked.memory, { at: this.#options.clock.now(), reason, message })
    await this.#settlement.settle(probe, tracked, conclusion)
  }
}
