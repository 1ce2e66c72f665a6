/** The schema of `thresholds`: an optional pair of bounds for every metric that can be judged, made from the registry. */
import { z } from 'zod'
import { judgedMetrics, metrics } from './metrics.ts'
import type { JudgedMetric } from './metrics.ts'
import { hasRightShape, ruled, SHARED } from './rules.ts'

/** The sentence of the rule about the order of the two bounds. */
export function orderOf(higherIsBetter: boolean): string {
  return higherIsBetter
    ? 'critical must not be above warning: a higher value is better'
    : 'critical must not be below warning: a lower value is better'
}

function threshold(key: JudgedMetric) {
  const { title, unit, direction, range } = metrics[key]
  const higher = direction === 'Higher'
  const bound = z.number().min(range[0]).max(range[1])
  const pair = z.strictObject({
    warning: bound.meta({ description: `Degraded from here on, ${unit}.` }),
    critical: bound.meta({ description: `Unhealthy from here on, ${unit}.` }),
  })
  return ruled(pair, {
    path: 'critical',
    message: orderOf(higher),
    cel: higher ? 'self.critical <= self.warning' : 'self.critical >= self.warning',
    holds: ({ warning, critical }) => (higher ? critical <= warning : critical >= warning),
  })
    .exactOptional()
    .meta({ description: `Bounds of ${title}, ${unit}; at the bound is a breach.` })
}

// The entries are exactly the judged metrics; fromEntries forgets the keys' type.
const shape = Object.fromEntries(judgedMetrics.map((key) => [key, threshold(key)])) as Record<
  JudgedMetric,
  ReturnType<typeof threshold>
>

const atLeastOne = 'must list at least one metric'

export const thresholds = z
  .strictObject(shape)
  .refine((value) => Object.keys(value).length > 0, { message: atLeastOne, when: hasRightShape })
  .meta({ description: 'Bounds per metric.', minProperties: 1, [SHARED]: 'Thresholds' })
