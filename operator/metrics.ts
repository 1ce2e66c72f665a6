/** The Prometheus series of the operator itself: webhooks and the store. Those of probes are in probes/metrics.ts. */
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'
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

export interface ReplicaMetrics {
  readonly watchRestarted: (kind: string) => void
}

/** Series that every replica has, whether it leads or not. */
export function registerReplicaMetrics(registry: Registry, { leads }: { leads: () => boolean }): ReplicaMetrics {
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
  return { watchRestarted: (kind) => restarts.inc({ kind }) }
}
