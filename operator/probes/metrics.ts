/** The Prometheus series of probes, one recorder per operator; series of a deleted probe go away. It is told results, it decides nothing. */
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import {
  failureClasses,
  healths,
  judgedMetrics,
  metricKeys,
  metrics,
  milliseconds,
  outcomes,
} from '../../crds/index.ts'
import type { MetricDefinition, MetricKey, SipProbeSpec, Thresholds } from '../../crds/index.ts'
import type { Key, Stored } from '../cluster/cluster.ts'
import type { ExecutionRecord, ProbeMemory } from '../history/history.ts'

/** Why a due slot got no round of its own. */
export const skipReasons = ['Running', 'AccountInUse', 'Missed', 'Internal'] as const
export type SkipReason = (typeof skipReasons)[number]

type Labels = Record<string, string>
type Series = Gauge | Counter | Histogram

/** Buckets in base units, by the unit at the end of the series' name. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 10, 30]
const RATIO = [0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1]
const MOS = [1, 1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4, 4.5]
const R_FACTOR = [0, 20, 40, 50, 60, 70, 80, 85, 90, 93, 100]

function bucketsOf(name: string): number[] {
  if (name.endsWith('_seconds')) return SECONDS
  if (name.endsWith('_ratio')) return RATIO
  return name.endsWith('_mos') ? MOS : R_FACTOR
}

const PROBE = ['namespace', 'probe'] as const
const AT = [...PROBE, 'location'] as const

export class ProbeMetrics {
  readonly #registry: Registry
  readonly #measured = new Map<MetricKey, { gauge: Gauge; histogram: Histogram; factor: number }>()
  readonly #health: Gauge
  readonly #success: Gauge
  readonly #blackboxSuccess: Gauge
  readonly #blackboxDuration: Gauge
  readonly #executions: Counter
  readonly #failures: Counter
  readonly #threshold: Gauge
  readonly #lastExecution: Gauge
  readonly #lastSuccess: Gauge
  readonly #certificateExpiry: Gauge
  readonly #interval: Gauge
  readonly #scheduleLag: Gauge
  readonly #skipped: Counter
  readonly #transitions: Counter
  /** Every label set that was written, by probe, so that all of them can be removed. */
  readonly #written = new Map<string, Map<Series, Map<string, Labels>>>()

  constructor(registry: Registry) {
    this.#registry = registry
    const gauge = (name: string, help: string, labels: readonly string[]) =>
      new Gauge({ name, help, labelNames: [...labels], registers: [registry] })
    const counter = (name: string, help: string, labels: readonly string[]) =>
      new Counter({ name, help, labelNames: [...labels], registers: [registry] })
    for (const key of metricKeys) {
      const { prometheus, title }: MetricDefinition = metrics[key]
      if (!prometheus) continue
      const { name, factor } = prometheus
      this.#measured.set(key, {
        factor,
        gauge: gauge(name, `${title} of the last execution; absent when it was not measured.`, AT),
        histogram: new Histogram({
          name: `${name}_distribution`,
          help: `${title} of all executions.`,
          labelNames: [...AT],
          buckets: bucketsOf(name),
          registers: [registry],
        }),
      })
    }
    this.#health = gauge('ringcheck_probe_health', '1 for the state the probe is in, 0 for the others.', [
      ...PROBE,
      'state',
    ])
    this.#success = gauge('ringcheck_probe_success', '1 while Healthy or Degraded, 0 otherwise.', PROBE)
    this.#blackboxSuccess = gauge(
      'probe_success',
      'The same under the name dashboards for blackbox_exporter use.',
      PROBE,
    )
    this.#blackboxDuration = gauge('probe_duration_seconds', 'How long the last execution took.', PROBE)
    this.#executions = counter('ringcheck_probe_executions_total', 'Executions by outcome.', [...AT, 'outcome'])
    this.#failures = counter('ringcheck_probe_failures_total', 'Executions that failed, by class.', [...AT, 'class'])
    this.#threshold = gauge('ringcheck_probe_threshold', 'Bounds in force, in the unit of the metric.', [
      ...AT,
      'metric',
      'level',
    ])
    this.#lastExecution = gauge(
      'ringcheck_probe_last_execution_timestamp_seconds',
      'When the last execution ended.',
      PROBE,
    )
    this.#lastSuccess = gauge(
      'ringcheck_probe_last_success_timestamp_seconds',
      'When the last execution ended that was Healthy or Degraded.',
      PROBE,
    )
    this.#certificateExpiry = gauge(
      'ringcheck_probe_tls_certificate_expiry_timestamp_seconds',
      'When the certificate of the SIP server expires, as the last execution saw it; absent without TLS.',
      AT,
    )
    this.#interval = gauge(
      'ringcheck_probe_interval_seconds',
      'The interval in force; absent with cron, and while the probe is suspended.',
      PROBE,
    )
    this.#scheduleLag = gauge(
      'ringcheck_probe_schedule_lag_seconds',
      'From the slot to the start of the last round.',
      PROBE,
    )
    this.#skipped = counter('ringcheck_probe_skipped_total', 'Due slots without a round of their own.', [
      ...PROBE,
      'reason',
    ])
    this.#transitions = counter('ringcheck_probe_transitions_total', 'Changes of state.', [...PROBE, 'from', 'to'])
  }

  /** What the spec alone tells, and every counter of the probe at 0. */
  declare(probe: Stored<'SipProbe'>, thresholdsAt: (spec: SipProbeSpec, location: string) => Thresholds): void {
    const labels = labelsOf(probe.metadata)
    const { interval } = probe.spec.schedule
    if (interval === undefined || probe.spec.suspend) this.#interval.remove(labels)
    else this.#set(this.#interval, labels, milliseconds(interval) / 1000)
    for (const reason of skipReasons) this.#add(this.#skipped, { ...labels, reason }, 0)
    for (const from of healths)
      for (const to of healths) if (from !== to) this.#add(this.#transitions, { ...labels, from, to }, 0)
    for (const { name: location } of probe.spec.locations) {
      for (const outcome of outcomes) this.#add(this.#executions, { ...labels, location, outcome }, 0)
      for (const name of Object.keys(failureClasses)) this.#add(this.#failures, { ...labels, location, class: name }, 0)
      this.#thresholds({ ...labels, location }, thresholdsAt(probe.spec, location))
    }
  }

  state(key: Key, memory: ProbeMemory): void {
    const labels = labelsOf(key)
    for (const state of healths) this.#set(this.#health, { ...labels, state }, state === memory.health ? 1 : 0)
    const success = memory.health === 'Healthy' || memory.health === 'Degraded' ? 1 : 0
    this.#set(this.#success, labels, success)
    this.#set(this.#blackboxSuccess, labels, success)
  }

  execution(key: Key, execution: ExecutionRecord): void {
    const probe = labelsOf(key)
    const labels = { ...probe, location: execution.location }
    const { result, level } = execution
    this.#add(this.#executions, { ...labels, outcome: result.outcome }, 1)
    if (result.failureClass) this.#add(this.#failures, { ...labels, class: result.failureClass }, 1)
    this.#set(this.#lastExecution, probe, result.finishedAt / 1000)
    if (level === 'Healthy' || level === 'Degraded') this.#set(this.#lastSuccess, probe, result.finishedAt / 1000)
    this.#set(this.#blackboxDuration, probe, (result.finishedAt - result.startedAt) / 1000)
    // Of an execution that saw none, it says nothing; the certificate is the one that was seen last.
    if (result.certificate) this.#set(this.#certificateExpiry, labels, result.certificate.validTo / 1000)
    else if (result.failureClass === undefined) this.#certificateExpiry.remove(labels)
    // What we measured while the fault was ours says nothing of the target.
    const ours = result.failureClass !== undefined && failureClasses[result.failureClass].whose === 'Ours'
    for (const [metric, { gauge, histogram, factor }] of this.#measured) {
      const value = ours ? undefined : result.metrics[metric]
      if (value === undefined) {
        gauge.remove(labels)
        continue
      }
      this.#set(gauge, labels, value * factor)
      this.#remember(histogram, labels)
      histogram.observe(labels, value * factor)
    }
  }

  transition(key: Key, from: string, to: string): void {
    this.#add(this.#transitions, { ...labelsOf(key), from, to }, 1)
  }

  skipped(key: Key, reason: SkipReason, count: number): void {
    this.#add(this.#skipped, { ...labelsOf(key), reason }, count)
  }

  /** @param milliseconds from the slot to the dispatch */
  started(key: Key, milliseconds: number): void {
    this.#set(this.#scheduleLag, labelsOf(key), milliseconds / 1000)
  }

  forget(key: Key): void {
    for (const [series, sets] of this.#written.get(keyOf(labelsOf(key))) ?? [])
      for (const labels of sets.values()) series.remove(labels)
    this.#written.delete(keyOf(labelsOf(key)))
  }

  /** The text of `/metrics`. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #thresholds(labels: Labels, thresholds: Thresholds): void {
    for (const metric of judgedMetrics) {
      const bounds = thresholds[metric]
      const factor = this.#measured.get(metric)?.factor ?? 1
      for (const level of ['warning', 'critical'] as const) {
        if (bounds) this.#set(this.#threshold, { ...labels, metric, level }, bounds[level] * factor)
        else this.#threshold.remove({ ...labels, metric, level })
      }
    }
  }

  #set(gauge: Gauge, labels: Labels, value: number): void {
    this.#remember(gauge, labels)
    gauge.set(labels, value)
  }

  #add(counter: Counter, labels: Labels, count: number): void {
    this.#remember(counter, labels)
    counter.inc(labels, count)
  }

  #remember(series: Series, labels: Labels): void {
    const ofProbe = getOrMake(this.#written, keyOf(labels), () => new Map<Series, Map<string, Labels>>())
    const sets = getOrMake(ofProbe, series, () => new Map<string, Labels>())
    sets.set(JSON.stringify(labels), labels)
  }
}

function getOrMake<Name, Value>(map: Map<Name, Value>, name: Name, make: () => Value): Value {
  const there = map.get(name)
  if (there !== undefined) return there
  const made = make()
  map.set(name, made)
  return made
}

function labelsOf({ namespace, name }: Key): Labels {
  return { namespace, probe: name }
}

const keyOf = ({ namespace, probe }: Labels): string => `${namespace}/${probe}`
