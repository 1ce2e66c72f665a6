/** The one registry of everything measured; no other place spells a metric's name, unit or meaning. */
import { callMetrics, runMetrics } from './metrics/call.ts'
import { jitterBufferMetrics } from './metrics/jitter-buffer.ts'
import { networkMetrics } from './metrics/network.ts'
import { qualityMetrics } from './metrics/quality.ts'
import { audioMetrics, videoMetrics } from './metrics/sound.ts'

export { statistics } from './metrics/definition.ts'
export type { MetricDefinition, Statistic, Unit } from './metrics/definition.ts'
export { runMetrics }

/** The groups in the order people read them. */
export const metricGroups = {
  Quality: qualityMetrics,
  Network: networkMetrics,
  'Jitter buffer': jitterBufferMetrics,
  Audio: audioMetrics,
  Video: videoMetrics,
  Call: callMetrics,
} as const

/** What a call can measure. What was not measured is absent: never 0. */
export const metrics = {
  ...qualityMetrics,
  ...networkMetrics,
  ...jitterBufferMetrics,
  ...audioMetrics,
  ...videoMetrics,
  ...callMetrics,
} as const
export type MetricKey = keyof typeof metrics
export type RunMetricKey = keyof typeof runMetrics

/** Measured values of one call, each in the unit of its definition. */
export type Metrics = Partial<Record<MetricKey, number>>

/** The metrics that thresholds may be set for. */
export type JudgedMetric = {
  [Key in MetricKey]: (typeof metrics)[Key]['judged'] extends true ? Key : never
}[MetricKey]

export const metricKeys = Object.keys(metrics) as readonly MetricKey[]
export const judgedMetrics: readonly JudgedMetric[] = metricKeys.filter(isJudged)

export function isJudged(key: MetricKey): key is JudgedMetric {
  return metrics[key].judged
}
