/** Maintenance windows as intervals of real time: repeated ones spelled out, overlapping ones joined. Pure. */
import { Cron } from 'croner'
import { milliseconds } from '../../crds/index.ts'
import type { SipProbeSpec } from '../../crds/index.ts'

/** Milliseconds since 1970; `end` is the first moment that is no longer in it. */
export interface Interval {
  start: number
  end: number
}

export type Window = SipProbeSpec['maintenance'][number]

/** When `windows` are open between `from` and `to`: oldest first, cut to these bounds, joined where they touch. */
export function intervals(windows: readonly Window[], { from, to }: { from: number; to: number }): readonly Interval[] {
  return joined(
    windows
      .flatMap((window) => occurrences(window, from, to))
      .map(({ start, end }) => ({ start: Math.max(start, from), end: Math.min(end, to) })),
  )
}

/** The same time in as few intervals as there can be, oldest first. */
export function joined(parts: readonly Interval[]): readonly Interval[] {
  const result: Interval[] = []
  for (const { start, end } of parts.toSorted((left, right) => left.start - right.start)) {
    const last = result.at(-1)
    if (!(end > start)) continue
    if (last && start <= last.end) last.end = Math.max(last.end, end)
    else result.push({ start, end })
  }
  return result
}

/** Whether `at` is in one of `parts`, which are ordered and apart. */
export function isOpen(parts: readonly Interval[], at: number): boolean {
  let low = 0
  let high = parts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((parts[middle]?.start ?? Infinity) <= at) low = middle + 1
    else high = middle
  }
  return at < (parts[low - 1]?.end ?? -Infinity)
}

function occurrences(window: Window, from: number, to: number): readonly Interval[] {
  if (window.cron === undefined) return [{ start: Date.parse(window.start ?? ''), end: Date.parse(window.end ?? '') }]
  const cron = new Cron(window.cron, { timezone: window.timeZone ?? 'UTC', paused: true, mode: '5-part' })
  const length = milliseconds(window.duration ?? '0s')
  const found: Interval[] = []
  // One that began before `from` may still be open at it.
  let next = cron.nextRun(new Date(from - length))
  while (next && next.getTime() < to) {
    found.push({ start: next.getTime(), end: next.getTime() + length })
    next = cron.nextRun(next)
  }
  return found
}
