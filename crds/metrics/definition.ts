/** What the registry says about one measured value; the values themselves are nowhere here. */

/** Units as people write them; the ones of Prometheus follow from `prometheus.factor`. */
export type Unit =
  | 'MOS'
  | 'R'
  | 'ms'
  | '%'
  | 'dB'
  | 'dBov'
  | 'ppm'
  | 'days'
  | 'packets'
  | 'bytes'
  | 'packets/s'
  | 'bit/s'
  | 'frames/s'
  | 'pixels'
  | 'calls/s'
  | 'count'
  | 'code'

export interface MetricDefinition {
  readonly title: string
  readonly unit: Unit
  /** Which way is better. `None`: neither, it only describes. */
  readonly direction: 'Higher' | 'Lower' | 'None'
  readonly definition: string
  /** RFC section, Recommendation, or `own` with what it rests on. */
  readonly source: string
  readonly absentWhen: string
  /** What it says nothing of, where one might think it did. */
  readonly cannotSee: string
  /** Whether thresholds may be set for it. */
  readonly judged: boolean
  /** What a gate may ask of it over the calls of a run; empty for a figure that is one number per run. */
  readonly statistics: readonly Statistic[]
  /** The smallest and the largest value a threshold may have; there for what is judged. */
  readonly range?: readonly [number, number]
  /** The gauge of a probe, in base units: value x factor. */
  readonly prometheus?: { readonly name: string; readonly factor: number }
}

export const statistics = ['avg', 'min', 'max', 'p5', 'p50', 'p95', 'p99'] as const
export type Statistic = (typeof statistics)[number]

/** What the metrics of a group have in common, written once. */
export const ofACall = { judged: false, direction: 'None', statistics } as const
export const judged = { judged: true, statistics } as const
export const counted = { ...ofACall, unit: 'count', direction: 'Lower' } as const
export const withoutMedia = 'no packet was received'
export const neverAbsent = 'there was no media session'
