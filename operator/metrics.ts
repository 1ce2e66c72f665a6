/** The Prometheus series of the operator itself: what it reconciles, webhooks and the store. Those of probes are in probes/metrics.ts. */
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import { kinds } from '../crds/index.ts'
import type { QueueObserver } from '../lib/work-queue.ts'
import type { Agents } from './agents/agents.ts'
import type { Cluster, Kind } from './cluster/cluster.ts'
import type { Recorder } from './probes/recorder.ts'
import type { StoreState } from './probes/store-state.ts'
import type { Deliverer } from './webhooks/index.ts'
import { deliveryResults } from './webhooks/index.ts'

export interface Sources {
  deliverer: Pick<Deliverer, 'snapshot'>
  recorder: Pick<Recorder, 'counters'>
  store: Pick<StoreState, 'available'>
}

/** Registers series that are read from their sources at each scrape. */
export function registerOperatorMetrics(registry: Registry, { deliverer, recorder, store }: Sources): void {
  const registers = [registry]
  // While the store is away these three are absent; everything else is still told.
  const snapshot = () => deliverer.snapshot().catch(() => undefined)
  new Counter({
    name: 'ringcheck_webhook_deliveries_total',
    help: 'Deliveries by how they ended; failed counts attempts.',
    labelNames: ['result'],
    registers,
    async collect() {
      const now = await snapshot()
      this.reset()
      if (now) for (const result of deliveryResults) this.inc({ result }, now.results[result])
    },
  })
  new Gauge({
    name: 'ringcheck_webhook_queue_depth',
    help: 'Deliveries that wait.',
    registers,
    async collect() {
      const now = await snapshot()
      if (now) this.set(now.queueDepth)
      else this.remove()
    },
  })
  new Gauge({
    name: 'ringcheck_webhook_oldest_seconds',
    help: 'Age of the oldest delivery that waits; 0 when none does.',
    registers,
    async collect() {
      const now = await snapshot()
      if (now) this.set((now.oldestAge ?? 0) / 1000)
      else this.remove()
    },
  })
  new Gauge({
    name: 'ringcheck_operator_history_available',
    help: '1 while the history store can be used, 0 while results wait for it in memory.',
    registers,
    collect() {
      this.set(store.available ? 1 : 0)
    },
  })
  new Gauge({
    name: 'ringcheck_operator_history_waiting',
    help: 'Results that wait for the history store.',
    registers,
    collect() {
      this.set(recorder.counters.waiting)
    },
  })
  new Counter({
    name: 'ringcheck_operator_history_errors_total',
    help: 'Writes to the history store that failed and were tried again.',
    registers,
    collect() {
      this.reset()
      this.inc(recorder.counters.errors)
    },
  })
  new Counter({
    name: 'ringcheck_operator_history_dropped_total',
    help: 'Results lost because too many waited for the store.',
    registers,
    collect() {
      this.reset()
      this.inc(recorder.counters.dropped)
    },
  })
}

/** Told how long each write of a result took, in milliseconds. */
export function observeHistoryWrites(registry: Registry): (milliseconds: number) => void {
  const writes = new Histogram({
    name: 'ringcheck_operator_history_write_duration_seconds',
    help: 'How long the history store took for the results of a round, also where it failed.',
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  })
  return (milliseconds) => writes.observe(milliseconds / 1000)
}

/** Told how long each order to an agent took, in milliseconds. */
export function observeDispatches(registry: Registry): (milliseconds: number) => void {
  const dispatches = new Histogram({
    name: 'ringcheck_operator_dispatch_duration_seconds',
    help: 'From the order to make a call to the first word of the agent that makes it, with the wait for one that is ready.',
    buckets: [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10],
    registers: [registry],
  })
  return (milliseconds) => dispatches.observe(milliseconds / 1000)
}

export function registerAgentsMetrics(registry: Registry, agents: Pick<Agents, 'strength'>): void {
  new Gauge({
    name: 'ringcheck_operator_agents',
    help: 'Agents of a location: Ready to make calls, or wanted there and NotReady.',
    labelNames: ['location', 'state'],
    registers: [registry],
    collect() {
      for (const { location, wanted, ready } of agents.strength()) {
        this.set({ location, state: 'Ready' }, ready)
        this.set({ location, state: 'NotReady' }, Math.max(0, wanted - ready))
      }
    },
  })
}

/** What has a queue of its own. */
const reconciled = ['SipProbe', 'SipRegistrar', 'StatusPage'] as const satisfies readonly Kind[]

/** What is watched on Kubernetes. */
const watched = [...Object.values(kinds).map(({ kind }) => kind), 'Namespace', 'Deployment', 'Pod'] as const

export interface ReplicaMetrics {
  readonly watchRestarted: (kind: (typeof watched)[number]) => void
  /** For the queue of a kind. */
  readonly queue: (kind: (typeof reconciled)[number]) => QueueObserver
}

/** Series that every replica has, whether it leads or not. */
export function registerReplicaMetrics(
  registry: Registry,
  { leads, cluster }: { leads: () => boolean; cluster: Pick<Cluster, 'list'> },
): ReplicaMetrics {
  const registers = [registry]
  new Gauge({
    name: 'ringcheck_operator_leader',
    help: '1 while this replica leads, 0 otherwise.',
    registers,
    collect() {
      this.set(leads() ? 1 : 0)
    },
  })
  const restarts = new Counter({
    name: 'ringcheck_operator_watch_restarts_total',
    help: 'Watches of the API server that broke or were refused; what they missed was listed again.',
    labelNames: ['kind'],
    registers,
  })
  for (const kind of watched) restarts.inc({ kind }, 0)
  new Gauge({
    name: 'ringcheck_operator_resources',
    help: 'Resources by their condition Ready: Ready, NotReady, or Unknown where nobody has looked yet.',
    labelNames: ['kind', 'state'],
    registers,
    collect() {
      for (const { kind } of Object.values(kinds)) {
        const count = { Ready: 0, NotReady: 0, Unknown: 0 }
        for (const resource of cluster.list(kind)) count[readinessOf(resource)]++
        for (const [state, number] of Object.entries(count)) this.set({ kind, state }, number)
      }
    },
  })
  return { watchRestarted: (kind) => restarts.inc({ kind }), queue: registerQueues(registry) }
}

function readinessOf({ status }: ReturnType<Cluster['list']>[number]): 'Ready' | 'NotReady' | 'Unknown' {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status
  if (ready === 'True') return 'Ready'
  return ready === 'False' ? 'NotReady' : 'Unknown'
}

function registerQueues(registry: Registry): ReplicaMetrics['queue'] {
  const registers = [registry]
  const total = new Counter({
    name: 'ringcheck_operator_reconcile_total',
    help: 'Looks at a resource; one that ended in an Error is tried again.',
    labelNames: ['kind', 'result'],
    registers,
  })
  const duration = new Histogram({
    name: 'ringcheck_operator_reconcile_duration_seconds',
    help: 'How long a look at a resource took; a call is none of it.',
    labelNames: ['kind'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  })
  const depths = new Map<string, () => number>()
  new Gauge({
    name: 'ringcheck_operator_queue_depth',
    help: 'Resources that are due to be looked at and wait for their turn.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const kind of reconciled) this.set({ kind }, depths.get(kind)?.() ?? 0)
    },
  })
  for (const kind of reconciled) {
    duration.zero({ kind })
    for (const result of ['Success', 'Error']) total.inc({ kind, result }, 0)
  }
  return (kind) => ({
    // Of a queue that has ended, or of the one that took its place.
    watch: (depth) => void depths.set(kind, depth),
    handled(result, milliseconds) {
      total.inc({ kind, result })
      duration.observe({ kind }, milliseconds / 1000)
    },
  })
}
