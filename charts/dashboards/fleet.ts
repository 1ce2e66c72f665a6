/** The dashboard of all probes: how many are well, which are not, and what fails. */
import {
  coloured,
  dashboard,
  stat,
  stateColours,
  stateMappings,
  stateOf,
  stateTimeline,
  table,
  timeseries,
  variable,
} from './grafana.ts'
import { byProbe, upOverRange } from './queries.ts'

const OF = 'namespace=~"$namespace"'

/** Of a measured value, over all probes: the median, and what the worst have. */
function spread(series: string, worst: 'min' | 'max') {
  const [name, share] = worst === 'min' ? ['lowest 5 %', 0.05] : ['highest 5 %', 0.95]
  return [
    { expr: `quantile(0.5, ${series}{${OF}})`, legend: 'median' },
    { expr: `quantile(${share}, ${series}{${OF}})`, legend: name },
    { expr: `${worst}(${series}{${OF}})`, legend: 'worst' },
  ]
}

const PROBE =
  '/d/ringcheck-probe?${datasource:queryparam}&var-namespace=${__data.fields.namespace}&var-probe=${__data.fields.probe}&${__url_time_range}'

/** How the columns of the table are shown that are no plain numbers. */
const columns = [
  { title: 'probe', properties: [{ id: 'links', value: [{ title: 'Show this probe', url: PROBE }] }] },
  {
    title: 'State',
    properties: [
      { id: 'mappings', value: stateMappings },
      { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
    ],
  },
  { title: 'Up', properties: [{ id: 'unit', value: 'percentunit' }] },
  { title: 'MOS', properties: [{ id: 'decimals', value: 2 }] },
  { title: 'Packet loss', properties: [{ id: 'unit', value: 'percentunit' }] },
  ...['Jitter', 'Setup time', 'Last call ended', 'Certificate expires'].map((title) => ({
    ...{ title, properties: [{ id: 'unit', value: 's' }] },
  })),
].map(({ title, properties }) => ({ matcher: { id: 'byName', options: title }, properties }))

export const fleet = dashboard({
  uid: 'ringcheck-fleet',
  title: 'Ringcheck / All probes',
  description: 'How many probes are well, which are not, and what fails.',
  variables: [variable('namespace', 'Namespace', 'ringcheck_probe_health', { several: true })],
  rows: [
    {
      height: 4,
      panels: [
        stat({
          title: 'Probes by state',
          unit: 'short',
          queries: [
            {
              expr: `sum by (state) (max by (namespace, probe, state) (ringcheck_probe_health{${OF}}))`,
              legend: '{{state}}',
            },
          ],
          overrides: stateColours,
        }),
        stat({
          title: 'Up',
          description:
            'Share of the time shown in which probes were not Unhealthy, on average; time of Unknown counts neither way.',
          ...{ unit: 'percentunit', decimals: 3 },
          queries: [{ expr: `avg(${upOverRange(OF)})`, legend: 'Up' }],
        }),
        stat({
          title: 'Executions a minute',
          ...{ unit: 'short', decimals: 1 },
          queries: [
            { expr: `60 * sum(rate(ringcheck_probe_executions_total{${OF}}[$__rate_interval]))`, legend: 'a minute' },
          ],
        }),
      ],
    },
    {
      height: 11,
      panels: [
        table({
          title: 'Probes, the worst first',
          description: 'Of several locations the worst.',
          unit: 'short',
          queries: [
            { expr: stateOf(OF), legend: 'State' },
            { expr: upOverRange(OF), legend: 'Up' },
            { expr: byProbe('min', `ringcheck_probe_mos{${OF}}`), legend: 'MOS' },
            { expr: byProbe('max', `ringcheck_probe_packet_loss_ratio{${OF}}`), legend: 'Packet loss' },
            { expr: byProbe('max', `ringcheck_probe_jitter_seconds{${OF}}`), legend: 'Jitter' },
            { expr: byProbe('max', `ringcheck_probe_setup_seconds{${OF}}`), legend: 'Setup time' },
            {
              expr: `time() - ${byProbe('max', `ringcheck_probe_last_execution_timestamp_seconds{${OF}}`)}`,
              legend: 'Last call ended',
            },
            {
              expr: `${byProbe('min', `ringcheck_probe_tls_certificate_expiry_timestamp_seconds{${OF}}`)} - time()`,
              legend: 'Certificate expires',
            },
          ],
          sortBy: 'State',
          overrides: columns,
        }),
      ],
    },
    {
      height: 8,
      panels: [
        stateTimeline({
          title: 'When probes were not Healthy',
          unit: 'short',
          mappings: stateMappings,
          queries: [{ expr: `${stateOf(OF)} > 0`, legend: '{{namespace}}/{{probe}}' }],
        }),
      ],
    },
    {
      height: 8,
      panels: [
        timeseries({
          title: 'Failed executions by class',
          style: 'Bars',
          ...{ unit: 'short', min: 0, decimals: 0 },
          queries: [
            {
              expr: `sum by (class) (increase(ringcheck_probe_failures_total{${OF}}[$__rate_interval])) > 0`,
              legend: '{{class}}',
            },
          ],
        }),
        timeseries({
          title: 'Executions a minute by outcome',
          ...{ unit: 'short', min: 0 },
          queries: [
            {
              expr: `60 * sum by (outcome) (rate(ringcheck_probe_executions_total{${OF}}[$__rate_interval]))`,
              legend: '{{outcome}}',
            },
          ],
          overrides: [coloured({ id: 'byName', options: 'Success' }, 'green')],
        }),
      ],
    },
    {
      height: 8,
      panels: [
        timeseries({ title: 'MOS', unit: 'none', min: 1, max: 5, queries: spread('ringcheck_probe_mos', 'min') }),
        timeseries({
          title: 'Packet loss',
          ...{ unit: 'percentunit', min: 0 },
          queries: spread('ringcheck_probe_packet_loss_ratio', 'max'),
        }),
        timeseries({ title: 'Setup time', unit: 's', min: 0, queries: spread('ringcheck_probe_setup_seconds', 'max') }),
      ],
    },
  ],
})
