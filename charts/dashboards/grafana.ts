/** The few kinds of panels that our dashboards are made of, in Grafana's JSON (schema 39, Grafana 11 and newer). What they ask Prometheus for is in the files beside this one. */

export interface Query {
  expr: string
  /** A name, or `{{label}}`s. */
  legend: string
}

interface Field {
  /** As Grafana names units: `s`, `percentunit`, `short`. */
  unit: string
  min?: number
  max?: number
  /** Names of values. */
  mappings?: readonly object[]
  decimals?: number
}

interface PanelOptions extends Field {
  title: string
  /** What the title does not say. */
  description?: string
  queries: readonly Query[]
  overrides?: readonly object[]
}

export type Panel = Readonly<Record<string, unknown>>

/** Of the same height, which is in units of 30 pixels, and of the same width: 1, 2, 3, 4 or 6 of them. */
export interface Row {
  height: number
  panels: readonly Panel[]
}

interface DashboardOptions {
  /** Part of its address: others link to it. */
  uid: string
  title: string
  description: string
  variables: readonly object[]
  rows: readonly Row[]
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
const COLUMNS = 24

/** What is red, yellow or green, by its name. */
const COLOURS = {
  Healthy: 'green',
  Degraded: 'yellow',
  Unhealthy: 'red',
  Unknown: 'gray',
} as const
type State = keyof typeof COLOURS

/** States as numbers: the worse, the higher. */
const NUMBERS: Readonly<Record<State, number>> = { Healthy: 0, Unknown: 1, Degraded: 2, Unhealthy: 3 }
const states = Object.keys(COLOURS) as State[]

/** The state of each probe as its number. @param matchers of the series, as PromQL has them */
export function stateOf(matchers: string): string {
  const numbered = states
    .filter((state) => NUMBERS[state] > 0)
    .map((state) => `${NUMBERS[state]} * ringcheck_probe_health{${matchers}, state="${state}"}`)
  return `max by (namespace, probe) (${numbered.join(' or ')})`
}

/** Shows the number of a state as its name, in its colour. */
export const stateMappings = [
  {
    type: 'value',
    options: Object.fromEntries(
      states.map((state) => [String(NUMBERS[state]), { text: state, color: COLOURS[state], index: NUMBERS[state] }]),
    ),
  },
]

/** Series that are called like states have their colours. */
export const stateColours = states.map((state) => coloured({ id: 'byName', options: state }, COLOURS[state]))

export function coloured(matcher: object, colour: string, ...more: readonly object[]): object {
  return { matcher, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }, ...more] }
}

/** The last value of each query, large. */
export const stat = (options: PanelOptions): Panel => ({
  ...panel('stat', options, { color: { mode: 'fixed', fixedColor: 'text' } }),
  options: {
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    ...{ colorMode: 'value', graphMode: 'none', justifyMode: 'auto', orientation: 'auto', textMode: 'auto' },
  },
})

/** @param style `Bars`: one upon the other */
export function timeseries(options: PanelOptions & { style?: 'Lines' | 'Bars' }): Panel {
  const drawn =
    options.style === 'Bars'
      ? { drawStyle: 'bars', fillOpacity: 80, lineWidth: 0, stacking: { group: 'A', mode: 'normal' } }
      : { drawStyle: 'line', fillOpacity: 0, lineWidth: 1, showPoints: 'auto', spanNulls: false }
  return {
    ...panel('timeseries', options, { custom: drawn }),
    options: {
      legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  }
}

/** When each series had which of the mapped values. */
export const stateTimeline = (options: PanelOptions): Panel => ({
  ...panel('state-timeline', options, { custom: { fillOpacity: 80, lineWidth: 0 } }),
  options: {
    ...{ alignValue: 'left', mergeValues: true, rowHeight: 0.8, showValue: 'never' },
    legend: { calcs: [], displayMode: 'list', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'single', sort: 'none' },
  },
})

/** A row for each set of labels, a column for each query under its legend. @param sortBy the column whose highest values come first */
export function table(options: PanelOptions & { sortBy: string }): Panel {
  const { queries, sortBy } = options
  const titles = queries.map(({ legend }, index) => [`Value #${refIdOf(index)}`, legend])
  return {
    ...panel('table', options, { custom: { align: 'auto', filterable: true } }),
    targets: queries.map((query, index) => ({ ...target(query, index), range: false, instant: true, format: 'table' })),
    transformations: [
      { id: 'merge', options: {} },
      { id: 'organize', options: { excludeByName: { Time: true }, renameByName: Object.fromEntries(titles) } },
    ],
    options: { cellHeight: 'sm', showHeader: true, sortBy: [{ displayName: sortBy, desc: true }] },
  }
}

function panel(type: string, { title, description, queries, overrides = [], ...field }: PanelOptions, more: object) {
  const { unit, min, max, mappings = [], decimals } = field
  return {
    ...{ type, title, datasource: DATASOURCE, targets: queries.map(target) },
    ...(description !== undefined && { description }),
    fieldConfig: {
      defaults: {
        ...{ unit, mappings, thresholds: { mode: 'absolute', steps: [{ color: 'green', value: null }] } },
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        ...(decimals !== undefined && { decimals }),
        ...more,
      },
      overrides,
    },
  }
}

const refIdOf = (index: number): string => String.fromCodePoint('A'.charCodeAt(0) + index)

const target = ({ expr, legend }: Query, index: number) => ({
  ...{ refId: refIdOf(index), datasource: DATASOURCE, editorMode: 'code' },
  ...{ expr, legendFormat: legend, range: true, instant: false, format: 'time_series' },
})

const datasource = {
  ...{ type: 'datasource', name: 'datasource', label: 'Data source', query: 'prometheus', regex: '' },
  ...{ options: [], hide: 0, refresh: 1, multi: false, includeAll: false, skipUrlSync: false },
}

/** What one chooses at the top: values of a label. @param several several of them at once, or all */
export function variable(name: string, title: string, ofSeries: string, { several = false } = {}): object {
  const query = `label_values(${ofSeries}, ${name})`
  return {
    ...{ type: 'query', name, label: title, datasource: DATASOURCE, definition: query },
    query: { qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
    ...{ options: [], hide: 0, refresh: 2, regex: '', sort: 1, skipUrlSync: false },
    ...{ multi: several, includeAll: several, ...(several && { allValue: '.*' }) },
  }
}

export function dashboard({ rows, variables, ...named }: DashboardOptions): object {
  let y = 0
  const placed = rows.flatMap(({ height, panels }) => {
    const w = COLUMNS / panels.length
    const row = panels.map((each, index) => ({ ...each, gridPos: { h: height, w, x: index * w, y } }))
    y += height
    return row
  })
  return {
    ...named,
    ...{ tags: ['ringcheck'], schemaVersion: 39, editable: true, graphTooltip: 1, timezone: '' },
    ...{ refresh: '30s', time: { from: 'now-6h', to: 'now' }, annotations: { list: [] } },
    links: [{ type: 'dashboards', title: 'Ringcheck', tags: ['ringcheck'], asDropdown: true, ...LINKED }],
    templating: { list: [datasource, ...variables] },
    panels: placed.map((each, index) => ({ id: index + 1, ...each })),
  }
}

const LINKED = { icon: 'external link', includeVars: true, keepTime: true, targetBlank: false, tooltip: '', url: '' }
