/** How long to wait before something that failed is tried again; pure, it waits for nothing itself. */
import type { Random } from './random.ts'

export interface BackoffLimits {
  /** After the first failure, milliseconds. */
  readonly first: number
  /** However many failures there were, milliseconds. */
  readonly longest: number
}

/** Doublings past this make no difference to any sensible `longest`, and none overflows. */
const MOST_DOUBLINGS = 40

/**
 * Milliseconds after `failures` failures in a row (1 or more). The bound doubles with each, from `first` to `longest`; the delay lies
 * between half of the bound and the bound, so that many who failed together do not come back together.
 */
export function backoff(failures: number, { first, longest }: BackoffLimits, random: Random): number {
  const doublings = Math.min(Math.max(0, failures - 1), MOST_DOUBLINGS)
  const bound = Math.min(longest, first * 2 ** doublings)
  return bound / 2 + (bound / 2) * random()
}
