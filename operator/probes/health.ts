/** From measured values to a level, from levels to a state, from a change of state to a severity. Pure: no I/O, no clock. */
import { failureClasses, metrics } from '../../crds/index.ts'
import type { Health, JudgedMetric, KnownHealth, Severity, Thresholds, UnknownReason } from '../../crds/index.ts'
import type { CallResult } from '../../agent/index.ts'
import type { Breach } from '../history/history.ts'

/** What one execution says. `reason` is PascalCase and from a closed set: a metric, a failure class, or a reason for not knowing. */
export interface Judgement {
  level: Health
  reason: string
  message: string
  /** The metrics at or past a bound, worst level first. */
  breaches: readonly Breach[]
  /** Judged, but not measured. */
  notMeasured: readonly JudgedMetric[]
}

const RANK: Readonly<Record<KnownHealth, number>> = { Healthy: 0, Degraded: 1, Unhealthy: 2 }

/** The reason of a level that needs none. */
export const WITHIN_THRESHOLDS = 'WithinThresholds'

type Judged = Pick<CallResult, 'failureClass' | 'message' | 'metrics' | 'noCall' | 'attempts'>

/** One execution against the thresholds that were in force when it started. */
export function judge(result: Judged, thresholds: Thresholds): Judgement {
  const { breaches, notMeasured, judged } = compare(result.metrics, thresholds)
  const measured = { breaches, notMeasured }
  const { failureClass } = result
  if (failureClass !== undefined && failureClass !== 'TeardownFailed') {
    const level = failureClasses[failureClass].whose === 'Theirs' ? 'Unhealthy' : 'Unknown'
    return { level, reason: failureClass, message: result.message, ...measured }
  }
  if (result.noCall) return unknown('NoCall', result.message, measured)
  if (judged === 0) return unknown('NoThresholds', 'Nothing is judged: there are no thresholds.', measured)
  if (notMeasured.length === judged)
    return unknown('NothingMeasured', `Not measured: ${notMeasured.join(', ')}.`, measured)
  const worst = breaches[0]
  if (!worst) {
    const message =
      failureClass || result.attempts ? result.message : 'Every judged metric is inside its warning bound.'
    return { level: 'Healthy', reason: WITHIN_THRESHOLDS, message, ...measured }
  }
  return {
    level: worst.level,
    reason: pascalCase(worst.metric),
    message: `${breaches.map((breach) => describe(breach)).join('; ')}.`,
    ...measured,
  }
}

function unknown(
  reason: UnknownReason,
  message: string,
  measured: Pick<Judgement, 'breaches' | 'notMeasured'>,
): Judgement {
  return { level: 'Unknown', reason, message, ...measured }
}

function compare(values: CallResult['metrics'], thresholds: Thresholds) {
  const breaches: Breach[] = []
  const notMeasured: JudgedMetric[] = []
  const keys = Object.keys(thresholds) as JudgedMetric[]
  for (const metric of keys) {
    const bounds = thresholds[metric]
    const value = values[metric]
    if (!bounds) continue
    if (value === undefined) {
      notMeasured.push(metric)
      continue
    }
    const reached = (bound: number) => (metrics[metric].direction === 'Higher' ? value <= bound : value >= bound)
    if (reached(bounds.critical)) breaches.push({ metric, value, level: 'Unhealthy', threshold: bounds.critical })
    else if (reached(bounds.warning)) breaches.push({ metric, value, level: 'Degraded', threshold: bounds.warning })
  }
  breaches.sort((left, right) => RANK[right.level] - RANK[left.level])
  return { breaches, notMeasured, judged: keys.length }
}

function describe({ metric, value, level, threshold }: Breach): string {
  const bound = level === 'Unhealthy' ? 'critical' : 'warning'
  const { unit } = metrics[metric]
  const rounded = Number(value.toFixed(2))
  return `${metric} ${rounded}${unit ? ` ${unit}` : ''} reached its ${bound} bound ${threshold}`
}

const pascalCase = (key: string): string => key.charAt(0).toUpperCase() + key.slice(1)

export interface Damping {
  state: Health
  /** Levels of the last rounds, oldest first, the present one included. At least the last max(N, M) are needed. */
  recentLevels: readonly Health[]
  /** N: so many rounds must agree that it is worse. 1..10. */
  failureThreshold: number
  /** M: so many rounds must agree that it is better. 1..10. */
  successThreshold: number
}

/** The state after a round. With N = M = 1 it is the level of the round. */
export function damp({ state, recentLevels, failureThreshold, successThreshold }: Damping): Health {
  const latest = recentLevels.at(-1)
  if (latest === undefined) return state
  if (state === 'Unknown') return latest

  const ranksOfLast = (count: number): number[] | undefined => {
    const last = recentLevels.slice(-count)
    if (last.length < count) return undefined
    const ranks = last.flatMap((level) => (level === 'Unknown' ? [] : [RANK[level]]))
    return ranks.length === count ? ranks : undefined
  }
  const here = RANK[state]
  const failing = ranksOfLast(failureThreshold)
  if (failing?.every((rank) => rank > here)) return ofRank(Math.min(...failing))
  const recovering = ranksOfLast(successThreshold)
  if (recovering?.every((rank) => rank < here)) return ofRank(Math.max(...recovering))
  const last = recentLevels.slice(-failureThreshold)
  if (last.length === failureThreshold && last.every((level) => level === 'Unknown')) return 'Unknown'
  return state
}

function ofRank(rank: number): KnownHealth {
  return rank === 0 ? 'Healthy' : rank === 1 ? 'Degraded' : 'Unhealthy'
}

/** M where the spec does not say: one good round is enough only where one bad round is. */
export function successThreshold(spec: { failureThreshold: number; successThreshold?: number }): number {
  return spec.successThreshold ?? (spec.failureThreshold === 1 ? 1 : 2)
}

/** The level of a round over its locations, and the index of the location that decided it. */
export function roundLevel(levels: readonly Health[], quorum: number): { level: Health; decidedBy: number } {
  const known = levels.flatMap((level, index) => (level === 'Unknown' ? [] : [{ level, index }]))
  const needed = Math.min(quorum, known.length)
  const worstFirst = known.toSorted((left, right) => RANK[right.level] - RANK[left.level])
  // The worst level that `needed` locations share or exceed is that of the needed-th worst one.
  const deciding = needed > 0 ? worstFirst[needed - 1] : undefined
  return deciding ? { level: deciding.level, decidedBy: deciding.index } : { level: 'Unknown', decidedBy: 0 }
}

/** How a change of state is announced; undefined: it is none. */
export function severityOf(from: Health, to: Health): Severity | undefined {
  if (from === to) return undefined
  if (to === 'Unknown') return 'DataIssue'
  if (from === 'Unknown') return to === 'Healthy' ? 'Resolution' : to === 'Degraded' ? 'Warning' : 'Critical'
  if (RANK[to] > RANK[from]) return to === 'Degraded' ? 'Warning' : 'Critical'
  return to === 'Healthy' ? 'Recovery' : 'PartialRecovery'
}
