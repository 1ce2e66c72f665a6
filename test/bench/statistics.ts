/** Median, range and percentiles of a few numbers; it knows no unit. */

export interface Spread {
  readonly median: number
  readonly lowest: number
  readonly highest: number
  /** How many. */
  readonly samples: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length >> 1
  const [low = NaN, high = NaN] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]]
  return { median: (low + high) / 2, lowest: sorted[0] ?? NaN, highest: sorted.at(-1) ?? NaN, samples: sorted.length }
}

/** @param sorted ascending  @param part 0 to 1 */
export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}
