/** Durations as the resources spell them (`30s`, `1h30m`, `250ms`); not calendar arithmetic: a day is not a unit. */

/** What a duration looks like: hours, minutes, seconds, milliseconds, each at most once and in this order. RE2 and JavaScript agree on it. */
export const DURATION_PATTERN = /^([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?([0-9]{1,7}ms)?$/

const UNITS = [3_600_000, 60_000, 1000, 1]

/**
 * The length of a duration in milliseconds.
 * @throws RangeError for text that is not one; the schemas refuse such text before, so it is a broken program that gets here.
 */
export function milliseconds(duration: string): number {
  const found = parseDuration(duration)
  if (found === undefined) throw new RangeError(`not a duration: ${JSON.stringify(duration)}`)
  return found
}

/** The same for text that nobody has checked yet: milliseconds, or nothing. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION_PATTERN.exec(text)
  if (!match || text === '') return undefined
  let total = 0
  for (const [index, unit] of UNITS.entries()) total += Number.parseInt(match[index + 1] ?? '0', 10) * unit
  return total
}
