/** Reads the dashboards as Grafana does: their panels, what these ask Prometheus for, and what people choose at the top. It asks nobody. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const ROOT = join(import.meta.dirname, '../..')

const Datasource = z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') })

/** The parts of Grafana's schema that ours must keep to. */
const Dashboard = z.looseObject({
  uid: z.string().regex(/^[-_a-zA-Z0-9]{1,40}$/),
  title: z.string().min(1),
  schemaVersion: z.literal(39),
  templating: z.object({
    list: z.array(
      z.discriminatedUnion('type', [
        z.looseObject({ type: z.literal('datasource'), name: z.string(), query: z.literal('prometheus') }),
        z.looseObject({
          ...{ type: z.literal('query'), name: z.string(), datasource: Datasource },
          query: z.object({ qryType: z.literal(1), query: z.string(), refId: z.string() }),
        }),
      ]),
    ),
  }),
  panels: z.array(
    z.looseObject({
      id: z.int().min(1),
      type: z.enum(['stat', 'timeseries', 'state-timeline', 'table']),
      title: z.string().min(1),
      gridPos: z.object({ h: z.int().min(1), w: z.int().min(1), x: z.int().min(0), y: z.int().min(0) }),
      datasource: Datasource,
      targets: z
        .array(
          z.looseObject({
            ...{ refId: z.string(), datasource: Datasource, expr: z.string().min(1), legendFormat: z.string().min(1) },
            ...{ range: z.boolean(), instant: z.boolean(), format: z.enum(['time_series', 'table']) },
          }),
        )
        .min(1),
      fieldConfig: z.object({ defaults: z.looseObject({ unit: z.string() }), overrides: z.array(z.looseObject({})) }),
      options: z.looseObject({}),
    }),
  ),
})
export type Dashboard = z.output<typeof Dashboard>

/** All of them, those that Grafana would not take named by the error. */
export function readDashboards(): Dashboard[] {
  const files = globSync('config/dashboards/*.json', { cwd: ROOT }).toSorted()
  return files.map((file) => Dashboard.parse(JSON.parse(readFileSync(join(ROOT, file), 'utf8'))))
}

/** All that a dashboard asks, with the title of its panel. */
export const queriesOf = ({ title, panels }: Dashboard) =>
  panels.flatMap((panel) =>
    panel.targets.map(({ expr, legendFormat }) => ({ of: `${title}: ${panel.title}`, expr, legend: legendFormat })),
  )

/** `label_values(SERIES, LABEL)` of each variable that people choose. */
export const choicesOf = ({ templating }: Dashboard) =>
  templating.list.flatMap((each) => {
    if (each.type !== 'query') return []
    const [, series = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(each.query.query) ?? []
    return [{ name: each.name, series, label }]
  })
