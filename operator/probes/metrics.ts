/** The Prometheus series of probes, one recorder per operator; series of a deleted probe go away. It is told results, it decides nothing. */
import { setImmediate } from 'node:timers/promises'
import {
  failureClasses,
  healths,
  judgedMetrics,
  metricKeys,
  metrics,
  milliseconds,
  outcomes,
} from '../../crds/index.ts'
import type {
  FailureClass,
  Health,
  JudgedMetric,
  MetricDefinition,
  MetricKey,
  SipProbeSpec,
  Thresholds,
} from '../../crds/index.ts'
import { ALONE, by, Histograms, Numbers, textOf } from '../../lib/series.ts'
import type { Labels, SeriesFamily } from '../../lib/series.ts'
import type { Key, Stored } from '../cluster/cluster.ts'
import type { ExecutionRecord, ProbeMemory } from '../history/history.ts'

/** Why a due slot got no round of its own. */
export const skipReasons = ['Running', 'AccountInUse', 'Missed', 'Internal'] as const
export type SkipReason = (typeof skipReasons)[number]

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

type Change = `${Health} ${Health}`
type Bound = `${JudgedMetric} ${'warning' | 'critical'}`

/** What a probe's series are about: the probe, and the probe at each of its locations. */
interface Subjects {
  readonly probe: Labels
  readonly at: Map<string, Labels>
}

export class ProbeMetrics {
  readonly families: readonly SeriesFamily[]
  readonly #measured = new Map<MetricKey, { gauge: Numbers<''>; histogram: Histograms; factor: number }>()
  readonly #health = gauge(
    'ringcheck_probe_health',
    '1 for the state the probe is in, 0 for the others.',
    by('state', healths),
  )
  readonly #success = gauge('ringcheck_probe_success', '1 while Healthy or Degraded, 0 otherwise.')
  readonly #blackboxSuccess = gauge('probe_success', 'The same under the name dashboards for blackbox_exporter use.')
  readonly #blackboxDuration = gauge('probe_duration_seconds', 'How long the last execution took.')
  readonly #executions = counter('ringcheck_probe_executions_total', 'Executions by outcome.', by('outcome', outcomes))
  readonly #failures = counter(
    'ringcheck_probe_failures_total',
    'Executions that failed, by class.',
    by('class', classes),
  )
  readonly #threshold = gauge('ringcheck_probe_threshold', 'Bounds in force, in the unit of the metric.', bounds)
  readonly #lastExecution = gauge('ringcheck_probe_last_execution_timestamp_seconds', 'When the last execution ended.')
  readonly #lastSuccess = gauge(
    'ringcheck_probe_last_success_timestamp_seconds',
    'When the last execution ended that was Healthy or Degraded.',
  )
  readonly #certificateExpiry = gauge(
    'ringcheck_probe_tls_certificate_expiry_timestamp_seconds',
    'When the certificate of the SIP server expires, as the last execution saw it; absent without TLS.',
  )
  readonly #interval = gauge(
    'ringcheck_probe_interval_seconds',
    'The interval in force; absent with cron, and while the probe is suspended.',
  )
  readonly #scheduleLag = gauge('ringcheck_probe_schedule_lag_seconds', 'From the slot to the start of the last round.')
  readonly #skipped = counter(
    'ringcheck_probe_skipped_total',
    'Due slots without a round of their own.',
    by('reason', skipReasons),
  )
  readonly #transitions = counter('ringcheck_probe_transitions_total', 'Changes of state.', changes)
  readonly #subjects = new Map<string, Subjects>()

  constructor() {
    for (const key of metricKeys) {
      const { prometheus, title }: MetricDefinition = metrics[key]
      if (!prometheus) continue
      const { name, factor } = prometheus
      const histogram = { name: `${name}_distribution`, help: `${title} of all executions.`, bounds: bucketsOf(name) }
      this.#measured.set(key, {
        factor,
        gauge: gauge(name, `${title} of the last execution; absent when it was not measured.`),
        histogram: new Histograms(histogram),
      })
    }
    this.families = [
      ...[...this.#measured.values()].flatMap((each) => [each.gauge, each.histogram]),
      ...[this.#health, this.#success, this.#blackboxSuccess, this.#blackboxDuration, this.#executions],
      ...[this.#failures, this.#threshold, this.#lastExecution, this.#lastSuccess, this.#certificateExpiry],
      ...[this.#interval, this.#scheduleLag, this.#skipped, this.#transitions],
    ]
  }

  /** What the spec alone tells, and every counter of the probe at 0. */
  declare(probe: Stored<'SipProbe'>, thresholdsAt: (spec: SipProbeSpec, location: string) => Thresholds): void {
    const subject = this.#of(probe.metadata)
    const { interval } = probe.spec.schedule
    if (interval === undefined || probe.spec.suspend) this.#interval.remove(subject, '')
    else this.#interval.set(subject, '', milliseconds(interval) / 1000)
    this.#skipped.begin(subject)
    this.#transitions.begin(subject)
    for (const { name: location } of probe.spec.locations) {
      const at = this.#at(probe.metadata, location)
      this.#executions.begin(at)
      this.#failures.begin(at)
      this.#thresholds(at, thresholdsAt(probe.spec, location))
    }
  }

  state(key: Key, memory: ProbeMemory): void {
    const subject = this.#of(key)
    for (const state of healths) this.#health.set(subject, state, state === memory.health ? 1 : 0)
    const success = memory.health === 'Healthy' || memory.health === 'Degraded' ? 1 : 0
    this.#success.set(subject, '', success)
    this.#blackboxSuccess.set(subject, '', success)
  }

  execution(key: Key, execution: ExecutionRecord): void {
    const probe = this.#of(key)
    const at = this.#at(key, execution.location)
    const { result, level } = execution
    this.#executions.add(at, result.outcome, 1)
    if (result.failureClass) this.#failures.add(at, result.failureClass, 1)
    this.#lastExecution.set(probe, '', result.finishedAt / 1000)
    if (level === 'Healthy' || level === 'Degraded') this.#lastSuccess.set(probe, '', result.finishedAt / 1000)
    this.#blackboxDuration.set(probe, '', (result.finishedAt - result.startedAt) / 1000)
    // Of an execution that saw none, it says nothing; the certificate is the one that was seen last.
    if (result.certificate) this.#certificateExpiry.set(at, '', result.certificate.validTo / 1000)
    else if (result.failureClass === undefined) this.#certificateExpiry.remove(at, '')
    // What we measured while the fault was ours says nothing of the target.
    const ours = result.failureClass !== undefined && failureClasses[result.failureClass].whose === 'Ours'
    for (const [metric, { gauge: last, histogram, factor }] of this.#measured) {
      const value = ours ? undefined : result.metrics[metric]
      if (value === undefined) {
        last.remove(at, '')
        continue
      }
      last.set(at, '', value * factor)
      histogram.observe(at, value * factor)
    }
  }

  transition(key: Key, from: Health, to: Health): void {
    this.#transitions.add(this.#of(key), `${from} ${to}`, 1)
  }

  skipped(key: Key, reason: SkipReason, count: number): void {
    this.#skipped.add(this.#of(key), reason, count)
  }

  /** @param milliseconds from the slot to the dispatch */
  started(key: Key, milliseconds: number): void {
    this.#scheduleLag.set(this.#of(key), '', milliseconds / 1000)
  }

  forget(key: Key): void {
    const subjects = this.#subjects.get(textOfKey(key))
    if (!subjects) return
    this.#subjects.delete(textOfKey(key))
    for (const family of this.families)
      for (const subject of [subjects.probe, ...subjects.at.values()]) family.forget(subject)
  }

  /** The text of `/metrics`, in pieces: of ten thousand probes it is a hundred megabytes, and calls go on meanwhile. */
  async *text(): AsyncGenerator<string> {
    for (const piece of textOf(this.families)) {
      yield piece
      await setImmediate()
    }
  }

  #of(key: Key): Labels {
    return this.#subjectsOf(key).probe
  }

  #at(key: Key, location: string): Labels {
    const { probe, at } = this.#subjectsOf(key)
    const there = at.get(location)
    if (there !== undefined) return there
    const made = `${probe},location="${location}"`
    at.set(location, made)
    return made
  }

  #subjectsOf(key: Key): Subjects {
    const there = this.#subjects.get(textOfKey(key))
    if (there) return there
    const made = { probe: `namespace="${key.namespace}",probe="${key.name}"`, at: new Map<string, Labels>() }
    this.#subjects.set(textOfKey(key), made)
    return made
  }

  #thresholds(at: Labels, thresholds: Thresholds): void {
    for (const metric of judgedMetrics) {
      const found = thresholds[metric]
      const factor = this.#measured.get(metric)?.factor ?? 1
      for (const level of ['warning', 'critical'] as const) {
        if (found) this.#threshold.set(at, `${metric} ${level}`, found[level] * factor)
        else this.#threshold.remove(at, `${metric} ${level}`)
      }
    }
  }
}

// Object.keys forgets that the table is closed.
const classes = Object.keys(failureClasses) as FailureClass[]

const changes = healths.flatMap((from) =>
  healths.filter((to) => to !== from).map((to): [Change, Labels] => [`${from} ${to}`, `from="${from}",to="${to}"`]),
)

const bounds = judgedMetrics.flatMap((metric) =>
  (['warning', 'critical'] as const).map((level): [Bound, Labels] => [
    `${metric} ${level}`,
    `metric="${metric}",level="${level}"`,
  ]),
)

function gauge(name: string, help: string): Numbers<''>
function gauge<Member extends string>(name: string, help: string, members: Members<Member>): Numbers<Member>
function gauge(name: string, help: string, members: Members<string> = ALONE): Numbers<string> {
  return new Numbers('gauge', { name, help, members })
}

function counter<Member extends string>(name: string, help: string, members: Members<Member>): Numbers<Member> {
  return new Numbers('counter', { name, help, members })
}

type Members<Member extends string> = Iterable<readonly [Member, Labels]>

const textOfKey = ({ namespace, name }: Key): string => `${namespace}/${name}`
