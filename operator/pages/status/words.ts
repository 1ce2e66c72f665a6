/** States, times and lengths as readers of a status page see them. Pure; the page is in English. */
import type { ComponentState } from '../../statuspages/status.ts'
import type { DayModel, DayState } from '../../statuspages/model.ts'

const STATES: Readonly<Record<DayState, string>> = {
  Operational: 'Operational',
  DegradedPerformance: 'Degraded Performance',
  MajorOutage: 'Major Outage',
  UnderMaintenance: 'Under Maintenance',
  None: 'No data',
}

export const stateWord = (state: DayState): string => STATES[state]

/** The headline of the whole page. */
export function headline(overall: ComponentState | undefined): string {
  if (overall === undefined) return 'Nothing is shown here yet'
  return overall === 'Operational' ? 'All Systems Operational' : stateWord(overall)
}

const LOCALE = 'en-GB'

export interface Times {
  /** `21 Nov 2026, 09:12 CET` */
  moment(at: number | string): string
  /** `10:00`, or with its date where that is another one than `start`'s. */
  span(start: string, end: string): string
}

export function timesIn(timeZone: string): Times {
  const day = { day: 'numeric', month: 'short', year: 'numeric' } as const
  const clock = { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' } as const
  const both = new Intl.DateTimeFormat(LOCALE, { ...day, ...clock, timeZone })
  const value = (at: number | string) => (typeof at === 'string' ? Date.parse(at) : at)
  return {
    moment: (at) => both.format(value(at)),
    span: (start, end) => both.formatRange(value(start), value(end)),
  }
}

const dayFormat = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })

/** `2026-11-21` -> `21 Nov 2026` */
export const dayWord = (date: string): string => dayFormat.format(Date.parse(date))

/** Cut, not rounded: 100 % is only what never failed. */
export function percentWord(percent: number): string {
  const cut = Math.floor(percent * 100 + 1e-9) / 100
  return `${cut === 100 ? '100' : cut.toFixed(2)}\u00a0%`
}

/** `less than 1 min`, `12 min`, `3 h 5 min` */
export function lengthWord(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000)
  if (milliseconds < 60_000) return 'less than 1\u00a0min'
  if (minutes < 60) return `${minutes}\u00a0min`
  const rest = minutes % 60
  return `${Math.floor(minutes / 60)}\u00a0h${rest === 0 ? '' : ` ${rest}\u00a0min`}`
}

/** What a day's bar says to those who cannot see it, or point at it: day, state, minutes down. */
export function daySentence({ date, state, down, degraded, maintenance, leftOut }: DayModel): string {
  const parts = [
    ...(down > 0 ? [`${lengthWord(down)} down`] : []),
    ...(degraded > 0 ? [`${lengthWord(degraded)} degraded`] : []),
    ...(maintenance > 0 ? [`${lengthWord(maintenance)} of maintenance`] : []),
    ...(state === 'UnderMaintenance' && maintenance === 0 ? [`${lengthWord(leftOut)} not measured`] : []),
    ...(state === 'Operational' ? ['0\u00a0min down'] : []),
  ]
  return `${dayWord(date)}: ${[stateWord(state), ...parts].join(', ')}`
}
