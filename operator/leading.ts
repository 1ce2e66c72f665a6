/** What one replica alone may run, from the beginning of its term to the end: agents, schedules, status, webhooks. It elects nobody. */
import { Registry } from 'prom-client'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Agents } from './agents/agents.ts'
import { stopped } from './agents/execution.ts'
import type { Cluster, Key, Term } from './cluster/cluster.ts'
import type { History } from './history/index.ts'
import { observeDispatches, observeHistoryWrites, registerAgentsMetrics, registerOperatorMetrics } from './metrics.ts'
import type { ReplicaMetrics } from './metrics.ts'
import { resolveTarget } from './probes/endpoints.ts'
import { linksOf } from './probes/links.ts'
import type { PublicAddresses } from './probes/links.ts'
import { ProbeMetrics } from './probes/metrics.ts'
import { Probes } from './probes/probes.ts'
import { Recorder } from './probes/recorder.ts'
import { StandbyOutbox } from './probes/standby.ts'
import { StoreState, storeUnavailable } from './probes/store-state.ts'
import type { StoreCondition } from './probes/store-state.ts'
import { startRegistrars } from './registrars/registrars.ts'
import type { AddressCheck } from './webhooks/index.ts'
import { Deliverer } from './webhooks/index.ts'

export interface LeadingOptions {
  term: Term
  cluster: Cluster
  history: History
  startAgents: (term: Term) => Promise<Agents>
  /** Where webhooks may go. */
  check: AddressCheck
  addresses: PublicAddresses
  /** False: nothing runs by its schedule. */
  scheduled: boolean
  minInterval?: number
  onStatus: (probe: Key) => void
  queue: ReplicaMetrics['queue']
  clock: Clock
  random: Random
  log: Log
}

export interface Leading extends AsyncDisposable {
  readonly agents: Agents
  readonly probes: Probes
  readonly deliverer: Deliverer
  /** The Prometheus text of probes and webhooks, in pieces. */
  metrics(): AsyncIterable<string>
}

const PRUNE_EVERY = 3_600_000

/** Resolves when agents were started and every probe is looked after. */
export async function startLeading(options: LeadingOptions): Promise<Leading> {
  const { term, cluster, history, clock, random, log } = options
  await using stack = new AsyncDisposableStack()
  const registry = new Registry()
  const metrics = new ProbeMetrics()
  const agents = fenced(await options.startAgents(term), { term, clock, onDispatched: observeDispatches(registry) })
  registerAgentsMetrics(registry, agents)
  /** What comes last. */
  const state: { probes?: Probes } = {}
  const show = (condition: StoreCondition) => term.show?.([storeUnavailable(condition, clock.now())])
  show({ available: true })
  const store = new StoreState((condition) => {
    show(condition)
    if (condition.available) log.info({}, 'the history store is back')
    else log.error({}, `the history store is away, results wait in memory: ${condition.message}`)
  })
  const outbox = stack.use(new StandbyOutbox({ store: history.outbox, state: store, clock }))
  const deliverer = new Deliverer({
    outbox,
    resolve: (delivery) => resolveTarget(cluster, delivery),
    holds: () => term.holds(),
    check: options.check,
    clock,
    random,
    log,
    onSettled: (delivery, result) => state.probes?.webhookSettled(delivery, result),
  })
  const recorder = new Recorder({
    history,
    outbox,
    state: store,
    clock,
    log,
    onRecorded: ({ executions }) => {
      deliverer.wake()
      agents.stored(executions.map(({ id }) => id))
    },
    onDropped: ({ executions }) => agents.stored(executions.map(({ id }) => id)),
    onAttempted: observeHistoryWrites(registry),
    onStanding: () => deliverer.wake(),
    onConflict: (probe) => state.probes?.repair(probe) ?? Promise.resolve(),
  })
  registerOperatorMetrics(registry, { deliverer, recorder, store })
  // What was recorded last still goes out before the deliverer stops; it is recorded after the last call was hung up.
  stack.use(deliverer)
  stack.use(recorder)
  stack.use(agents)
  stack.use(startRegistrars({ cluster, clock, random, log, observer: options.queue('SipRegistrar') }))
  const probes = stack.use(
    new Probes({
      cluster,
      holds: () => term.holds(),
      history,
      recorder,
      state: store,
      agents,
      metrics,
      clock,
      random,
      log,
      scheduled: options.scheduled,
      ...(options.minInterval !== undefined && { minInterval: options.minInterval }),
      links: (key) => linksOf(key, cluster.list('StatusPage'), options.addresses),
      onReleased: () => deliverer.wake(),
      onStatus: options.onStatus,
      observer: options.queue('SipProbe'),
    }),
  )
  state.probes = probes
  stack.use(pruneRegularly(history, clock, log))
  const owned = stack.move()
  return {
    agents,
    probes,
    deliverer,
    metrics: async function* () {
      yield await registry.metrics()
      yield* metrics.text()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

interface Fence {
  term: Term
  clock: Clock
  /** Milliseconds from the order to the first word of the agent that took it. */
  onDispatched: (milliseconds: number) => void
}

/** The same agents, which take no plan any more once the term is over: somebody else may lead, and may have begun the same one. */
function fenced(agents: Agents, { term, clock, onDispatched }: Fence): Agents {
  return {
    lasting: agents.lasting,
    async execute(plan, signal, onEvent) {
      if (!term.holds()) return stopped(clock)
      const ordered = clock.monotonic()
      // What a leader before us ordered is only fetched.
      let isTold = agents.begun(plan).some(({ id }) => id === plan.id)
      return agents.execute(plan, signal, (event) => {
        if (!isTold) onDispatched(clock.monotonic() - ordered)
        isTold = true
        onEvent?.(event)
      })
    },
    stored: (ids) => agents.stored(ids),
    begun: (probe) => agents.begun(probe),
    readiness: (group) => agents.readiness(group),
    onChange: (handler) => agents.onChange(handler),
    ready: () => agents.ready(),
    strength: () => agents.strength(),
    [Symbol.asyncDispose]: () => agents[Symbol.asyncDispose](),
  }
}

function pruneRegularly(history: History, clock: Clock, log: Log): Disposable {
  let timer: Disposable
  const prune = () => {
    history.prune(clock.now()).catch((error: unknown) => log.error({ error }, 'old history cannot be deleted'))
    timer = clock.timer(PRUNE_EVERY, prune)
  }
  timer = clock.timer(PRUNE_EVERY, prune)
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
