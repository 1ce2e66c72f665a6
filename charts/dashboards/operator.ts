/** The dashboard of the operator itself: who leads, what waits, and what fails on our side. */
import { coloured, dashboard, stat, stateTimeline, timeseries } from './grafana.ts'
import type { Query } from './grafana.ts'

const yesAndNo = (yes: string, no: string, bad: string) => [
  {
    type: 'value',
    options: { '0': { text: no, color: bad, index: 0 }, '1': { text: yes, color: 'green', index: 1 } },
  },
]

const perSecond = (series: string, label: string): Query => ({
  ...{ expr: `sum by (${label}) (rate(${series}[$__rate_interval]))`, legend: `{{${label}}}` },
})

const counted = (series: string, legend: string, by = ''): Query => ({
  ...{ expr: `sum${by} (increase(${series}[$__rate_interval]))`, legend },
})

/** Median and 99th percentile of a histogram. @param label kept apart by it */
const durations = (series: string, label?: string): Query[] =>
  [0.5, 0.99].map((share) => ({
    expr: `histogram_quantile(${share}, sum by (le${label === undefined ? '' : `, ${label}`}) (rate(${series}_bucket[$__rate_interval])))`,
    legend: `${label === undefined ? '' : `{{${label}}} `}p${share * 100}`,
  }))

const bad = (name: string) => coloured({ id: 'byRegexp', options: name }, 'red')

export const operator = dashboard({
  uid: 'ringcheck-operator',
  title: 'Ringcheck / Operator',
  description: 'Who leads, what waits, and what fails on our side.',
  variables: [],
  rows: [
    {
      height: 4,
      panels: [
        stat({
          ...{ title: 'Leader', unit: 'short', mappings: yesAndNo('there is one', 'nobody leads', 'red') },
          queries: [{ expr: 'max(ringcheck_operator_leader)', legend: 'Leader' }],
        }),
        stat({
          ...{ title: 'History store', unit: 'short', mappings: yesAndNo('available', 'away', 'red') },
          queries: [{ expr: 'min(ringcheck_operator_history_available)', legend: 'History store' }],
        }),
        stat({
          ...{ title: 'Webhooks that wait', unit: 'short' },
          queries: [{ expr: 'max(ringcheck_webhook_queue_depth)', legend: 'Webhooks' }],
        }),
        stat({
          ...{ title: 'Resources that are not Ready', unit: 'short' },
          queries: [
            { expr: 'sum(max by (kind) (ringcheck_operator_resources{state="NotReady"}))', legend: 'Not Ready' },
          ],
        }),
      ],
    },
    {
      height: 4,
      panels: [
        stateTimeline({
          ...{ title: 'Who leads', unit: 'short', mappings: yesAndNo('leads', 'waits', 'gray') },
          queries: [{ expr: 'max by (instance) (ringcheck_operator_leader)', legend: '{{instance}}' }],
        }),
      ],
    },
    {
      height: 8,
      panels: [
        timeseries({
          ...{ title: 'Resources by their condition Ready', unit: 'short', min: 0 },
          queries: [{ expr: 'max by (kind, state) (ringcheck_operator_resources) > 0', legend: '{{kind}} {{state}}' }],
          overrides: [bad('NotReady$')],
        }),
        timeseries({
          ...{ title: 'From the slot to the start of a round', unit: 's', min: 0 },
          queries: [
            { expr: 'quantile(0.5, ringcheck_probe_schedule_lag_seconds)', legend: 'median' },
            { expr: 'quantile(0.99, ringcheck_probe_schedule_lag_seconds)', legend: 'p99' },
            { expr: 'max(ringcheck_probe_schedule_lag_seconds)', legend: 'longest' },
          ],
        }),
        timeseries({
          ...{ title: 'Slots without a round of their own', style: 'Bars', unit: 'short', min: 0, decimals: 0 },
          queries: [counted('ringcheck_probe_skipped_total', '{{reason}}', ' by (reason)')],
        }),
      ],
    },
    {
      height: 8,
      panels: [
        timeseries({
          ...{ title: 'Agents', unit: 'short', min: 0, decimals: 0 },
          queries: [{ expr: 'max by (location, state) (ringcheck_operator_agents)', legend: '{{location}} {{state}}' }],
          overrides: [bad('NotReady$')],
        }),
        timeseries({
          ...{ title: 'From the order to call to the first word of the agent', unit: 's', min: 0 },
          queries: durations('ringcheck_operator_dispatch_duration_seconds'),
        }),
      ],
    },
    {
      height: 8,
      panels: [
        timeseries({
          ...{ title: 'Looks at resources a second', unit: 'short', min: 0 },
          queries: [
            {
              expr: 'sum by (kind, result) (rate(ringcheck_operator_reconcile_total[$__rate_interval]))',
              legend: '{{kind}} {{result}}',
            },
          ],
          overrides: [bad('Error$')],
        }),
        timeseries({
          ...{ title: 'How long a look takes', unit: 's', min: 0 },
          queries: durations('ringcheck_operator_reconcile_duration_seconds', 'kind'),
        }),
        timeseries({
          ...{ title: 'Resources that wait for a look', unit: 'short', min: 0 },
          queries: [{ expr: 'max by (kind) (ringcheck_operator_queue_depth)', legend: '{{kind}}' }],
        }),
      ],
    },
    {
      height: 8,
      panels: [
        timeseries({
          ...{ title: 'How long the history store takes', unit: 's', min: 0 },
          queries: durations('ringcheck_operator_history_write_duration_seconds'),
        }),
        timeseries({
          title: 'Trouble with the history store',
          ...{ unit: 'short', min: 0 },
          queries: [
            { expr: 'max(ringcheck_operator_history_waiting)', legend: 'results that wait' },
            counted('ringcheck_operator_history_errors_total', 'writes that failed'),
            counted('ringcheck_operator_history_dropped_total', 'results lost'),
          ],
          overrides: [bad('lost$')],
        }),
        timeseries({
          ...{ title: 'Watches of the API server that broke', style: 'Bars', unit: 'short', min: 0, decimals: 0 },
          queries: [counted('ringcheck_operator_watch_restarts_total', '{{kind}}', ' by (kind)')],
        }),
      ],
    },
    {
      height: 8,
      panels: [
        timeseries({
          ...{ title: 'Webhook deliveries a second', unit: 'short', min: 0 },
          queries: [perSecond('ringcheck_webhook_deliveries_total', 'result')],
          overrides: [bad('failed')],
        }),
        timeseries({
          ...{ title: 'Age of the oldest webhook that waits', unit: 's', min: 0 },
          queries: [{ expr: 'max(ringcheck_webhook_oldest_seconds)', legend: 'oldest' }],
        }),
      ],
    },
  ],
})
