/** The exit codes of every command, as documented; `validate` alone has 0 valid, 1 invalid. */
import type { Health } from '../crds/index.ts'

export const USAGE = 3

/** 0 Healthy, 1 Unhealthy, 2 Unknown, 3 usage or API error, 4 Degraded. */
export const exitCodes: Readonly<Record<Health, number>> = { Healthy: 0, Unhealthy: 1, Unknown: 2, Degraded: 4 }

/** For a script the worst is what failed for certain, then what is not known, then what is not good. */
const WORST_FIRST: readonly Health[] = ['Unhealthy', 'Unknown', 'Degraded', 'Healthy']

export function worst(healths: readonly Health[]): Health {
  return WORST_FIRST.find((health) => healths.includes(health)) ?? 'Unknown'
}
