/**
 * The reconciler of SipProbe: keeps each probe's schedule, starts its rounds, and hands what came out to the settlement.
 * Everything that is known of a probe changes in `#reconcile` alone, which never runs twice at once for one probe; rounds and callers
 * only leave a note and ask for a look.
 */
import { effectiveThresholds } from '../../crds/index.ts'
import type { UnknownReason } from '../../crds/index.ts'
import type { Random } from '../../lib/random.ts'
import { WorkQueue } from '../../lib/work-queue.ts'
import type { QueueObserver } from '../../lib/work-queue.ts'
import type { Agents } from '../agents/agents.ts'
import type { Key, Stored } from '../cluster/cluster.ts'
import { withoutDetail } from '../history/index.ts'
import type { Delivery, ProbeIdentity } from '../history/index.ts'
import { AccountLeases } from './accounts.ts'
import { concludeRound, concludeUnknown } from './conclude.ts'
import { openUntil } from './maintenance.ts'
import type { NotPrepared, Prepared } from './plan.ts'
import { longestExecution, prepare } from './plan.ts'
import { goneWebhooks, recall } from './recall.ts'
import type { RoundOutcome } from './round.ts'
import { carryOut } from './round.ts'
import { decideSlot, executionId, nextSlot, refuseOften, slotsBetween, staleAt } from './schedule.ts'
import type { SettlementOptions, Tracked } from './settlement.ts'
import { Settlement } from './settlement.ts'
import { Stagger } from './stagger.ts'

export interface ProbesOptions extends SettlementOptions {
  agents: Agents
  random: Random
  /** False: nothing runs by its schedule, only by `runNow`. */
  scheduled: boolean
  /** Milliseconds between two rounds: a probe that asks for less is refused. Absent: as the kind says. */
  minInterval?: number
  observer?: QueueObserver
}

/** Secrets are not watched: a probe that waits for one looks again after this long. */
const POLL_UNREADY = 5_000
/** Probes that become ready together, or were missed together, start this far apart, or all within SPREAD where they are many. */
const STAGGER = 20
const SPREAD = 30_000
/** Characters of an annotation: the status remembers no more. */
const LONGEST_WISH = 256
/** The longest time between two looks: clocks jump. */
const LONGEST_REST = 60_000

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
  readonly #subscriptions = new DisposableStack()
  readonly #stagger: Stagger

  constructor(options: ProbesOptions) {
    this.#options = options
    this.#settlement = new Settlement(options)
    this.#leases = new AccountLeases(options.clock)
    // Those that we have seen, and those whose turn has not come.
    const step = () => Math.min(STAGGER, SPREAD / (this.#tracked.size + this.#queue.depth))
    this.#stagger = new Stagger({ clock: options.clock, step })
    this.#queue = new WorkQueue({
      clock: options.clock,
      random: options.random,
      handle: (key) => this.#reconcile(keyOf(key)),
      onError: (key, error) => options.log.error({ error, probe: key }, 'probe cannot be reconciled, trying again'),
      ...(options.observer && { observer: options.observer }),
    })
    const { cluster, agents } = options
    this.#subscriptions.use(
      cluster.onChange(({ kind, key }) => {
        if (kind === 'SipProbe') this.#queue.add(textOf(key))
        else if (kind !== 'StatusPage') this.#addNamespace(key.namespace)
      }),
    )
    this.#subscriptions.use(agents.onChange(({ namespace, location }) => this.#addNamespace(namespace, location)))
    for (const probe of options.cluster.list('SipProbe')) this.#queue.add(textOf(probe.metadata))
  }

  /**
   * Executes the probe at once, or right after the round that is running; who asks while one is waited for already gets that one.
   * `finished` resolves when the round is settled; undefined: it is not there or cannot run, its status says why.
   */
  async runNow(key: Key): Promise<{ executionId: string; finished: Promise<void> } | undefined> {
    const probe = this.#options.cluster.get('SipProbe', key)
    if (!probe || (await this.#prepare(probe)).kind === 'NotPrepared') return undefined
    const tracked = await this.#track(probe)
    const { promise, resolve } = Promise.withResolvers<void>()
    tracked.wanted ??= { slot: this.#options.clock.now(), settled: [] }
    tracked.wanted.settled.push(resolve)
    this.#queue.add(textOf(key))
    const location = probe.spec.locations[0]?.name ?? 'default'
    return { executionId: executionId(probe.metadata.uid, location, tracked.wanted.slot), finished: promise }
  }

  /** What is remembered of the probe is not what history knows: history gets what it lacks, and is read before the next round. */
  async repair(probe: ProbeIdentity): Promise<void> {
    const tracked = this.#tracked.get(textOf(probe))
    if (!tracked) return
    tracked.outdated = true
    await this.#options.history.restore(probe, tracked.memory.transitions)
    this.#queue.add(textOf(probe))
  }

  /** A webhook of the probe was answered: the status says which endpoints want no more. */
  webhookSettled({ probe, webhook }: Pick<Delivery, 'probe' | 'webhook'>, state: 'Delivered' | 'Disabled'): void {
    const webhooks = this.#tracked.get(textOf(probe))?.gone.webhooks
    if (!webhooks || webhooks.has(webhook) === (state === 'Disabled')) return
    if (state === 'Disabled') webhooks.add(webhook)
    else webhooks.delete(webhook)
    this.#queue.add(textOf(probe))
  }

  /** Hangs up what runs and resolves when it is recorded. Where agents go on without us, all of it is left to whoever leads next. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscriptions.dispose()
    if (this.#options.agents.lasting) return this.#queue[Symbol.asyncDispose]()
    for (const { running } of this.#tracked.values()) running?.abort.abort()
    await this.#queue[Symbol.asyncDispose]()
    for (const tracked of this.#tracked.values()) {
      tracked.running?.abort.abort()
      await tracked.running?.ended
      await this.#settleRound(tracked)
    }
  }

  /** All its probes, or those that call from there. */
  #addNamespace(namespace: string, location?: string): void {
    const { cluster } = this.#options
    const isThere = ({ name }: { name: string }) => location === undefined || name === location
    for (const { metadata, spec } of cluster.list('SipProbe'))
      if (metadata.namespace === namespace && spec.locations.some(isThere)) this.#queue.add(textOf(metadata))
  }

  async #reconcile(key: Key): Promise<void> {
    const { cluster, recorder, metrics, clock, scheduled } = this.#options
    const probe = cluster.get('SipProbe', key)
    if (!probe) return this.#forget(key)
    const tracked = await this.#track(probe)
    await this.#settleRound(tracked)
    if (tracked.outdated && !tracked.running && !recorder.waitsFor(key)) await this.#remember(probe, tracked)
    const { generation } = probe.metadata
    // Another declaration may have another endpoint: the next event shows.
    if (tracked.gone.generation !== generation) tracked.gone = { generation, webhooks: new Set() }
    // A clock that was set back must not make us wait for it to come round again.
    tracked.watchedSince = Math.min(tracked.watchedSince, clock.now())
    metrics.declare(probe, effectiveThresholds)
    await this.#settlement.endMaintenance(probe, tracked)

    const prepared = await this.#prepareToCall(probe, tracked)
    if (prepared.kind === 'NotPrepared') return this.#cannotRun(probe, tracked, prepared)
    if (tracked.declared && tracked.declared.reason !== 'Stale') {
      delete tracked.declared
      tracked.watchedSince = clock.now()
      tracked.resumed = true
    }
    this.#wantByAnnotation(probe, tracked)
    if (scheduled) await this.#lookForStale(probe, tracked)
    // A slot that comes while we look is not passed over.
    const lookedAt = clock.now()
    if (!tracked.running) this.#startNext(probe, tracked, prepared)
    await this.#settlement.publish(probe, tracked)
    if (scheduled) this.#queue.addAfter(textOf(key), this.#nextLook(probe, lookedAt) - clock.now())
  }

  /** The probe is gone: a round that still runs ends as it would, and its result goes to history only. */
  async #forget(key: Key): Promise<void> {
    const tracked = this.#tracked.get(textOf(key))
    if (tracked) {
      await this.#settleRound(tracked)
      for (const settled of tracked.wanted?.settled ?? []) settled()
      delete tracked.wanted
      if (tracked.running) return
    }
    this.#tracked.delete(textOf(key))
    this.#options.metrics.forget(key)
  }

  async #track(probe: Stored<'SipProbe'>): Promise<Tracked> {
    const text = textOf(probe.metadata)
    const there = this.#tracked.get(text)
    if (there) return there
    const status = this.#options.cluster.status('SipProbe', probe.metadata)
    const [recalled, webhooks] = await Promise.all([
      recall(this.#options, probe.metadata, { status }),
      goneWebhooks(this.#options, probe.metadata, status),
    ])
    const meanwhile = this.#tracked.get(text)
    if (meanwhile) return meanwhile
    const lastRunNow = status?.lastRunNow
    const tracked: Tracked = {
      ...recalled,
      watchedSince: this.#options.clock.now(),
      executions: [],
      resumed: false,
      maintained: true,
      gone: { generation: probe.metadata.generation, webhooks },
      ...(lastRunNow !== undefined && { lastRunNow }),
    }
    this.#tracked.set(text, tracked)
    return tracked
  }

  async #remember(probe: Stored<'SipProbe'>, tracked: Tracked): Promise<void> {
    const status = this.#options.cluster.status('SipProbe', probe.metadata)
    Object.assign(tracked, await recall(this.#options, probe.metadata, { known: tracked.memory, status }))
  }

  async #prepare(probe: Stored<'SipProbe'>): Promise<Prepared | NotPrepared> {
    const { cluster, clock, minInterval = 0 } = this.#options
    const { namespace } = probe.metadata
    if (probe.spec.suspend) return { kind: 'NotPrepared', reason: 'Suspended', message: 'The probe is suspended.' }
    if (cluster.isPaused(namespace))
      return { kind: 'NotPrepared', reason: 'Suspended', message: `The namespace ${namespace} is paused.` }
    const tooOften = refuseOften(probe.spec.schedule, { minInterval, now: clock.now() })
    if (tooOften !== undefined) return { kind: 'NotPrepared', reason: 'Policy', message: tooOften }
    return prepare(probe, cluster, clock.now())
  }

  /** A new probe calls as soon as somebody can; one that has called says in its rounds that nobody can any more. */
  async #prepareToCall(probe: Stored<'SipProbe'>, tracked: Tracked): Promise<Prepared | NotPrepared> {
    const prepared = await this.#prepare(probe)
    if (prepared.kind === 'NotPrepared') return prepared
    const missing = this.#lookForAgents(probe, tracked)
    return missing && !tracked.memory.lastRound && !tracked.running ? missing : prepared
  }

  /** Notes where agents are missing. Undefined: somewhere there are some. */
  #lookForAgents({ metadata, spec }: Stored<'SipProbe'>, tracked: Tracked): NotPrepared | undefined {
    const { namespace } = metadata
    const missing = spec.locations.flatMap(({ name }) => {
      const readiness = this.#options.agents.readiness({ namespace, location: name })
      return readiness.kind === 'NotReady' ? [readiness.message] : []
    })
    delete tracked.withoutAgents
    if (missing.length === 0) return undefined
    const message = missing.join(' ')
    tracked.withoutAgents = message
    return missing.length === spec.locations.length ? { kind: 'NotPrepared', reason: 'NoAgent', message } : undefined
  }

  async #cannotRun(probe: Stored<'SipProbe'>, tracked: Tracked, why: NotPrepared): Promise<void> {
    tracked.running?.abort.abort()
    for (const settled of tracked.wanted?.settled ?? []) settled()
    delete tracked.wanted
    await this.#declare(probe, tracked, why)
    if (why.reason !== 'Suspended') this.#queue.addAfter(textOf(probe.metadata), POLL_UNREADY)
  }

  /** `ringcheck.dev/run-now`: any new value asks for one execution, and is asked anew by the next leader until that has begun. */
  #wantByAnnotation({ metadata }: Stored<'SipProbe'>, tracked: Tracked): void {
    const asked = metadata.annotations?.['ringcheck.dev/run-now']?.slice(0, LONGEST_WISH)
    if (!asked || asked === tracked.lastRunNow) return
    tracked.wanted ??= { slot: this.#options.clock.now(), settled: [] }
    tracked.wanted.asked = asked
  }

  #startNext(probe: Stored<'SipProbe'>, tracked: Tracked, prepared: Prepared): void {
    const { wanted } = tracked
    const begun = this.#begun(probe, tracked)
    if (begun !== undefined) {
      this.#start(probe, tracked, { prepared, slot: begun, settled: [], isAlone: true })
      return
    }
    if (wanted) {
      delete tracked.wanted
      if (wanted.asked !== undefined) tracked.lastRunNow = wanted.asked
      this.#start(probe, tracked, { prepared, slot: wanted.slot, settled: wanted.settled, isAlone: true })
      return
    }
    if (!this.#options.scheduled) return
    const { clock, metrics } = this.#options
    const { lastRound } = tracked.memory
    const served = [lastRound?.slot, lastRound?.finishedAt, tracked.startedSlot].filter((slot) => slot !== undefined)
    const decision = decideSlot({
      schedule: probe.spec.schedule,
      uid: probe.metadata.uid,
      now: clock.now(),
      watchedSince: tracked.watchedSince,
      ...(served.length > 0 && !tracked.resumed && { lastSlot: Math.max(...served) }),
    })
    tracked.resumed = false
    if (decision.kind !== 'Now') return
    if (decision.missed > 0) metrics.skipped(probe.metadata, 'Missed', decision.missed)
    this.#start(probe, tracked, { prepared, slot: decision.slot, settled: [], isAlone: decision.reason === 'Due' })
  }

  /** The slot of the round that a leader before us began and did not bring to its end. */
  #begun({ metadata }: Stored<'SipProbe'>, { memory, startedSlot }: Tracked): number | undefined {
    const { agents } = this.#options
    const last = memory.lastRound?.slot ?? Number.NEGATIVE_INFINITY
    // Whose account was not free for it: it was looked after once.
    const tried = startedSlot ?? Number.NEGATIVE_INFINITY
    const { open = [], closed = [] } = Object.groupBy(agents.begun(metadata), ({ slot }) =>
      slot > last ? 'open' : 'closed',
    )
    agents.stored(closed.map(({ id }) => id))
    const untried = open.map(({ slot }) => slot).filter((slot) => slot > tried)
    return untried.length === 0 ? undefined : Math.min(...untried)
  }

  async #lookForStale(probe: Stored<'SipProbe'>, tracked: Tracked): Promise<void> {
    const { schedule } = probe.spec
    const now = this.#options.clock.now()
    const last = tracked.memory.lastRound?.finishedAt
    const finishedAt = last !== undefined && last <= now ? last : tracked.watchedSince
    const at = staleAt({ schedule, uid: probe.metadata.uid, finishedAt, longest: longestExecution(probe.spec) })
    if (at === undefined || at > now || tracked.declared) return
    await this.#declare(probe, tracked, { reason: 'Stale', message: 'No execution finished in three due slots.' })
  }

  /** Milliseconds since 1970. */
  #nextLook(probe: Stored<'SipProbe'>, now: number): number {
    const { schedule, maintenance } = probe.spec
    const next = nextSlot({ schedule, uid: probe.metadata.uid, now }) ?? Number.POSITIVE_INFINITY
    const windowEnds = openUntil(maintenance, now) ?? Number.POSITIVE_INFINITY
    return Math.min(next, windowEnds, now + LONGEST_REST)
  }

  /** Starts a round. What comes of it waits in `running.outcome` for the next look. */
  #start(
    probe: Stored<'SipProbe'>,
    tracked: Tracked,
    round: { prepared: Prepared; slot: number; settled: Array<() => void>; isAlone: boolean },
  ): void {
    const { clock, metrics, agents, cluster, log } = this.#options
    const { prepared, slot, settled, isAlone } = round
    const abort = new AbortController()
    const carried = async (): Promise<RoundOutcome> => {
      if (!isAlone) await this.#stagger.turn(abort.signal)
      metrics.started(probe.metadata, Math.max(0, clock.now() - slot))
      const { signal } = abort
      return carryOut({ probe, prepared, slot, signal, agents, clock, leases: this.#leases, epoch: cluster.epoch })
    }
    const running: NonNullable<Tracked['running']> = { probe, slot, abort, settled, ended: Promise.resolve() }
    running.ended = carried()
      .then(
        (outcome) => void (running.outcome = outcome),
        (error: unknown) => {
          log.error({ error, probe: textOf(probe.metadata) }, 'a round failed by a fault of ours')
          running.outcome = { kind: 'Skipped', reason: 'Internal' }
        },
      )
      .then(() => this.#queue.add(textOf(probe.metadata)))
    tracked.running = running
  }

  /** Puts away the round that has ended, if one has. */
  async #settleRound(tracked: Tracked): Promise<void> {
    const { running } = tracked
    if (!running?.outcome) return
    const { probe, slot, abort, outcome } = running
    const { clock, metrics } = this.#options
    delete tracked.running
    tracked.startedSlot = slot
    const { schedule } = probe.spec
    const during = slotsBetween({ schedule, uid: probe.metadata.uid, after: slot, upTo: clock.now() })
    if (during > 0) metrics.skipped(probe.metadata, 'Running', during)
    if (outcome.kind === 'Skipped') {
      // A round that we cut before it began is owed again after the next start.
      if (!abort.signal.aborted) metrics.skipped(probe.metadata, outcome.reason, 1)
    } else {
      for (const execution of outcome.executions) metrics.execution(probe.metadata, execution)
      const conclusion = concludeRound(probe.spec, tracked.memory, { ...outcome, cut: abort.signal.aborted })
      if (conclusion.round) {
        delete tracked.declared
        tracked.executions = outcome.executions.map(withoutDetail)
      }
      await this.#settlement.settle(probe, tracked, conclusion)
    }
    for (const settled of running.settled) settled()
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
