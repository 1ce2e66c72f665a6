/** A gate of a load test: one figure, one bound. What a run measured against it is not decided here. */
import { z } from 'zod'
import { metricKeys, runMetrics, statistics } from './metrics.ts'
import type { RunMetricKey } from './metrics.ts'
import { ruled, SHARED } from './rules.ts'

// Object.keys forgets that the table is closed.
export const runMetricKeys = Object.keys(runMetrics) as RunMetricKey[]

const bound = z.number().min(-1e9).max(1e9)
const withoutStatistic: readonly string[] = [...runMetricKeys, 'statusCode']
const quoted = withoutStatistic.map((key) => `'${key}'`).join(', ')

export const gate = ruled(
  z.strictObject({
    metric: z.enum([...metricKeys.filter((key) => key !== 'statusCode'), ...runMetricKeys]).meta({
      description: 'Key of a metric of a call, or of a figure of the run.',
    }),
    stat: z.enum(statistics).exactOptional().meta({
      description: 'Over the calls of the steady window. Absent: avg. Figures of the run have none.',
    }),
    atLeast: bound.exactOptional().meta({ description: 'Holds when the figure is this or more.' }),
    atMost: bound.exactOptional().meta({ description: 'Holds when the figure is this or less.' }),
  }),
  {
    message: 'must have exactly one of atLeast and atMost',
    cel: 'has(self.atLeast) != has(self.atMost)',
    holds: (value) => (value.atLeast === undefined) !== (value.atMost === undefined),
  },
  {
    path: 'stat',
    message: 'stat must not be set for a figure that a run has once',
    cel: `!has(self.stat) || !(self.metric in [${quoted}])`,
    holds: (value) => value.stat === undefined || !withoutStatistic.includes(value.metric),
  },
).meta({ [SHARED]: 'Gate' })
