/** Calendar days of a time zone as intervals of real time. Pure; it knows nothing of what happened in them. */

/** A calendar day. It is not always 24 h long: clocks change. */
export interface Day {
  /** `2026-03-29`, in the zone. */
  date: string
  /** Milliseconds since 1970; the first of the day. */
  start: number
  /** The first of the next day. */
  end: number
}

const SECOND = 1_000
const HOUR = 3_600_000
/** Clocks change by up to 3 h within a day, so that a day ends between these two times after its start. */
const SHORTEST = 20 * HOUR
const LONGEST = 28 * HOUR

/** Function that gives the date (`YYYY-MM-DD`) in an IANA zone at a time in milliseconds since 1970. */
export function dateIn(timeZone: string): (at: number) => string {
  // The Swedish way of writing a date is the one of ISO 8601.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  return (at) => format.format(at)
}

/**
 * The last `count` calendar days, oldest first; the last one holds `now`, and mostly ends after it.
 * A date that a zone left out (Samoa, 2011-12-30) is no day. Whole seconds: no zone of our time has finer offsets.
 */
export function calendarDays(timeZone: string, now: number, count: number): readonly Day[] {
  const dateAt = dateIn(timeZone)
  const days: Day[] = []
  const before = Math.floor(now / SECOND) * SECOND - (count + 1) * LONGEST
  let start = nextStart(dateAt, before)
  while (start <= now) {
    const end = nextStart(dateAt, start)
    days.push({ date: dateAt(start), start, end })
    start = end
  }
  return days.slice(-count)
}

/** The start of the day after the one that holds `at`, a whole second. */
function nextStart(dateAt: (at: number) => string, at: number): number {
  const date = dateAt(at)
  const isLater = (later: number) => dateAt(later) !== date
  const usual = at + 24 * HOUR
  if (isLater(usual) && !isLater(usual - SECOND)) return usual
  let before = at
  let after = before + LONGEST
  // From the start of a day this saves the search most of its way; from the middle of one it is already too far.
  if (!isLater(at + SHORTEST)) before += SHORTEST
  while (after - before > SECOND) {
    const middle = before + Math.floor((after - before) / 2 / SECOND) * SECOND
    if (isLater(middle)) after = middle
    else before = middle
  }
  return after
}
