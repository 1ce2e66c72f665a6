/** Is a maintenance window open? Pure; executions go on during one, only nobody is notified. */
import { Cron } from 'croner'
import { milliseconds } from '../../crds/index.ts'
import type { SipProbeSpec } from '../../crds/index.ts'

export type MaintenanceWindow = SipProbeSpec['maintenance'][number]

/** The end of the window that is open at `now` (the latest, where several are), milliseconds since 1970; undefined: none is. */
export function openUntil(windows: readonly MaintenanceWindow[], now: number): number | undefined {
  const ends = windows.flatMap((window) => {
    const { start, end } = lastOccurrence(window, now)
    return start <= now && now < end ? [end] : []
  })
  return ends.length === 0 ? undefined : Math.max(...ends)
}

function lastOccurrence(window: MaintenanceWindow, now: number): { start: number; end: number } {
  if (window.cron === undefined) return { start: Date.parse(window.start ?? ''), end: Date.parse(window.end ?? '') }
  const started = new Cron(window.cron, { timezone: window.timeZone ?? 'UTC', paused: true })
    .previousRuns(1, new Date(now + 1))[0]
    ?.getTime()
  if (started === undefined) return { start: Number.NaN, end: Number.NaN }
  return { start: started, end: started + milliseconds(window.duration ?? '0s') }
}
