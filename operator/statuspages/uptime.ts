/** Uptime from the states of a probe: seconds in state by calendar day, not counts of calls. Pure; it reads no store and draws nothing. */
import type { Health } from '../../crds/index.ts'
import type { Day } from './days.ts'
import { isOpen } from './windows.ts'
import type { Interval } from './windows.ts'

/** From this time on the probe was in this state. */
export interface StateChange {
  /** Milliseconds since 1970. */
  at: number
  health: Health
}

/** Milliseconds, all of them. `up` + `down` + `leftOut` is the length of what was looked at. */
export interface Tally {
  /** Healthy or Degraded. */
  up: number
  /** Unhealthy. */
  down: number
  /** Unknown, or in maintenance whatever the state was: not in the denominator of the uptime. */
  leftOut: number
  /** The part of `up` that was Degraded. */
  degraded: number
  /** The part of `leftOut` that was maintenance. */
  maintenance: number
}

export interface DayTally extends Tally {
  /** `2026-03-29`, in the page's zone. */
  date: string
}

export interface UptimeQuestion {
  /** Oldest first. Before the first one the state is Unknown. */
  states: readonly StateChange[]
  /** Oldest first, none touches the next: see `windows.ts`. */
  maintenance: readonly Interval[]
  /** Oldest first, each beginning where the one before ends. */
  days: readonly Day[]
  /** Nothing after it counts: the last day is as long as it is old. Milliseconds since 1970. */
  now: number
}

export interface Uptime extends Tally {
  days: readonly DayTally[]
  /** 0 to 100, of all days together. Absent: there was no second that counts. */
  percent?: number
}

const nothing = (): Tally => ({ up: 0, down: 0, leftOut: 0, degraded: 0, maintenance: 0 })

export function uptime(question: UptimeQuestion): Uptime {
  const days = question.days.map(({ date }) => ({ date, ...nothing() }))
  let day = 0
  let state = -1
  for (const [start, end] of spans(question)) {
    while ((question.days[day]?.end ?? Infinity) <= start) day++
    while ((question.states[state + 1]?.at ?? Infinity) <= start) state++
    const tally = days[day]
    if (tally) count(tally, end - start, { health: question.states[state]?.health ?? 'Unknown', start, question })
  }
  const total = days.reduce<Tally>(sum, nothing())
  const percent = percentOf(total)
  return { ...total, days, ...(percent !== undefined && { percent }) }
}

/** 0 to 100; undefined: there was no second that counts. */
export function percentOf({ up, down }: Pick<Tally, 'up' | 'down'>): number | undefined {
  return up + down === 0 ? undefined : (up / (up + down)) * 100
}

/** Stretches of time in which nothing changes: no state, no day, no maintenance. */
function* spans({ states, maintenance, days, now }: UptimeQuestion): Generator<readonly [start: number, end: number]> {
  const from = days[0]?.start ?? now
  const to = Math.min(now, days.at(-1)?.end ?? now)
  const edges = [
    ...states.map(({ at }) => at),
    ...maintenance.flatMap(({ start, end }) => [start, end]),
    ...days.map(({ start }) => start),
  ].filter((edge) => edge > from && edge < to)
  let start = from
  for (const end of [...edges.toSorted((left, right) => left - right), to]) {
    if (end > start) yield [start, end]
    start = Math.max(start, end)
  }
}

function count(
  tally: Tally,
  length: number,
  { health, start, question }: { health: Health; start: number; question: UptimeQuestion },
): void {
  if (isOpen(question.maintenance, start)) {
    tally.leftOut += length
    tally.maintenance += length
    return
  }
  switch (health) {
    case 'Healthy':
      tally.up += length
      return
    case 'Degraded':
      tally.up += length
      tally.degraded += length
      return
    case 'Unhealthy':
      tally.down += length
      return
    case 'Unknown':
      tally.leftOut += length
  }
}

function sum(total: Tally, day: Tally): Tally {
  return {
    up: total.up + day.up,
    down: total.down + day.down,
    leftOut: total.leftOut + day.leftOut,
    degraded: total.degraded + day.degraded,
    maintenance: total.maintenance + day.maintenance,
  }
}
