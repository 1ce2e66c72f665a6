/** The dashboard of one probe: its state, and each of its figures with its thresholds. */
import { judgedMetrics, metricKeys, metrics } from '../../crds/index.ts'
import type { MetricDefinition, MetricKey } from '../../crds/index.ts'
import {
  coloured,
  dashboard,
  stat,
  stateColours,
  stateMappings,
  stateOf,
  stateTimeline,
  timeseries,
  variable,
} from './grafana.ts'
import type { Panel, Query } from './grafana.ts'
import { byProbe, upOverRange } from './queries.ts'

const OF = 'namespace="$namespace", probe="$probe"'
const AT = `${OF}, location=~"$location"`

const dashed = { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } }
const bounds = [
  coloured({ id: 'byRegexp', options: '^warning' }, 'yellow', dashed),
  coloured({ id: 'byRegexp', options: '^critical' }, 'red', dashed),
]

/** Unit and lower end of a scale, by the unit at the end of a series' name. */
function scaleOf(series: string): { unit: string; min: number } {
  if (series.endsWith('_seconds')) return { unit: 's', min: 0 }
  if (series.endsWith('_ratio')) return { unit: 'percentunit', min: 0 }
  return { unit: 'none', min: series.endsWith('_mos') ? 1 : 0 }
}

/** A figure of each location, and the thresholds that it is judged by. */
function figure(key: MetricKey): Panel[] {
  const { title, prometheus }: MetricDefinition = metrics[key]
  if (!prometheus) return []
  const { name } = prometheus
  const measured = { expr: `max by (location) (${name}{${AT}})`, legend: '{{location}}' }
  const threshold = {
    expr: `max by (level, location) (ringcheck_probe_threshold{${AT}, metric="${key}"})`,
    legend: '{{level}} {{location}}',
  }
  const isJudged = judgedMetrics.some((each) => each === key)
  const queries = isJudged ? [measured, threshold] : [measured]
  return [timeseries({ title, ...scaleOf(name), queries, overrides: bounds })]
}

const figures = metricKeys.flatMap(figure)

/** What has happened since the last point, by a label. */
const counted = (title: string, series: string, labels: string, legend: string): Panel =>
  timeseries({
    ...{ title, style: 'Bars', unit: 'short', min: 0, decimals: 0, overrides: stateColours },
    queries: [{ expr: `sum by (${labels}) (increase(${series}[$__rate_interval])) > 0`, legend }],
  })

const single = (title: string, unit: string, expr: string, description?: string): Panel =>
  stat({ title, unit, queries: [{ expr, legend: title }], ...(description !== undefined && { description }) })

const last = (title: string, series: string): Query => ({ expr: byProbe('max', `${series}{${OF}}`), legend: title })

export const probe = dashboard({
  uid: 'ringcheck-probe',
  title: 'Ringcheck / One probe',
  description: 'The state of a probe, and each of its figures with its thresholds.',
  variables: [
    variable('namespace', 'Namespace', 'ringcheck_probe_health'),
    variable('probe', 'Probe', 'ringcheck_probe_health{namespace="$namespace"}'),
    variable('location', 'Location', `ringcheck_probe_executions_total{${OF}}`, { several: true }),
  ],
  rows: [
    {
      height: 4,
      panels: [
        stat({
          ...{ title: 'State', unit: 'short', mappings: stateMappings },
          queries: [{ expr: stateOf(OF), legend: 'State' }],
        }),
        stat({
          title: 'Up',
          description: 'Share of the time shown in which it was not Unhealthy; time of Unknown counts neither way.',
          ...{ unit: 'percentunit', decimals: 3 },
          queries: [{ expr: upOverRange(OF), legend: 'Up' }],
        }),
        single(
          'Last call ended',
          's',
          `time() - ${byProbe('max', `ringcheck_probe_last_execution_timestamp_seconds{${OF}}`)}`,
          'So long ago.',
        ),
        single(
          'Last good call ended',
          's',
          `time() - ${byProbe('max', `ringcheck_probe_last_success_timestamp_seconds{${OF}}`)}`,
          'So long ago.',
        ),
        single(
          'Interval',
          's',
          byProbe('max', `ringcheck_probe_interval_seconds{${OF}}`),
          'Empty with cron, and while the probe is suspended.',
        ),
        single(
          'Certificate expires',
          's',
          `${byProbe('min', `ringcheck_probe_tls_certificate_expiry_timestamp_seconds{${AT}}`)} - time()`,
          'Of the SIP server, in so long; empty without TLS.',
        ),
      ],
    },
    {
      height: 4,
      panels: [
        stateTimeline({
          ...{ title: 'State', unit: 'short', mappings: stateMappings },
          queries: [{ expr: stateOf(OF), legend: '{{probe}}' }],
        }),
      ],
    },
    ...Array.from({ length: Math.ceil(figures.length / 3) }, (_, row) => ({
      height: 8,
      panels: figures.slice(3 * row, 3 * row + 3),
    })),
    {
      height: 8,
      panels: [
        counted('Failed executions by class', `ringcheck_probe_failures_total{${AT}}`, 'class', '{{class}}'),
        counted('Executions by outcome', `ringcheck_probe_executions_total{${AT}}`, 'outcome', '{{outcome}}'),
        counted('Changes of state', `ringcheck_probe_transitions_total{${OF}}`, 'from, to', '{{from}} to {{to}}'),
      ],
    },
    {
      height: 8,
      panels: [
        timeseries({
          title: 'Duration of executions',
          unit: 's',
          min: 0,
          queries: [last('duration', 'probe_duration_seconds')],
        }),
        timeseries({
          ...{ title: 'From the slot to the start', unit: 's', min: 0 },
          queries: [last('lag', 'ringcheck_probe_schedule_lag_seconds')],
        }),
        counted('Slots without a round of their own', `ringcheck_probe_skipped_total{${OF}}`, 'reason', '{{reason}}'),
      ],
    },
  ],
})
