/** When a probe calls: pure decisions over its schedule, its last slot and the time that is passed in. It starts nothing. */
import { hash } from 'node:crypto'
import { Cron } from 'croner'
import { milliseconds } from '../../crds/index.ts'
import type { SipProbeSpec } from '../../crds/index.ts'

export type Schedule = SipProbeSpec['schedule']

export interface ScheduleQuestion {
  schedule: Schedule
  /** Spreads probes of equal interval over it. */
  uid: string
  /** Milliseconds since 1970, as all times here. */
  now: number
  /** The slot of the last round that was started and finished; absent: there was none. */
  lastSlot?: number
  /** Since when this operator has looked after the probe; a cron slot before it and before any round is not owed. */
  watchedSince: number
}

export type SlotDecision =
  /** Call now. `missed` counts the slots before this one that nobody served. */
  | { kind: 'Now'; slot: number; reason: 'First' | 'Due' | 'Missed'; missed: number }
  /** Nothing is due until then. */
  | { kind: 'Wait'; until: number }
  /** A cron expression without a next time (30 February). */
  | { kind: 'Never' }

/** After this much of a slot has passed it counts as missed; it is served all the same, once. */
const LATE = 5_000

/** What to do now. A slot that was missed (outage, kill, a long call) is served once, however many there were. */
export function decideSlot(question: ScheduleQuestion): SlotDecision {
  const { schedule, now, lastSlot } = question
  const due = latestSlot(question)
  // A slot in the future was served while the clock was ahead; it must not count as served for ever after.
  const known = lastSlot !== undefined && lastSlot <= now
  const begun = schedule.cron !== undefined || lastSlot !== undefined ? Math.min(question.watchedSince, now) : undefined
  const owedSince = known ? lastSlot : begun
  if (owedSince === undefined) return { kind: 'Now', slot: now, reason: 'First', missed: 0 }
  if (due === undefined || due <= owedSince) {
    const until = nextSlot(question)
    return until === undefined ? { kind: 'Never' } : { kind: 'Wait', until }
  }
  const missed = slotsBetween({ ...question, after: owedSince, upTo: due }) - 1
  return { kind: 'Now', slot: due, reason: now - due > LATE || missed > 0 ? 'Missed' : 'Due', missed }
}

/** The first slot after now. */
export function nextSlot({
  schedule,
  uid,
  now,
}: Pick<ScheduleQuestion, 'schedule' | 'uid' | 'now'>): number | undefined {
  if (schedule.cron !== undefined) return cron(schedule).nextRun(new Date(now))?.getTime()
  const interval = intervalOf(schedule)
  const offset = offsetOf(uid, interval)
  return (Math.floor((now - offset) / interval) + 1) * interval + offset
}

/** All minutes of an hour, and the first of the next: no two slots of a cron expression are closer than two of so many in a row. */
const EVERY_MINUTE = 61
/** Five fields say no more. Milliseconds. */
const FINEST_CRON = 60_000

/** Why a schedule asks for more rounds than one in `minInterval` milliseconds; undefined: it does not. @param now milliseconds since 1970 */
export function refuseOften(schedule: Schedule, { minInterval, now }: { minInterval: number; now: number }) {
  const gap = schedule.cron === undefined ? intervalOf(schedule) : shortestGap(schedule, { minInterval, now })
  if (gap >= minInterval) return undefined
  return `spec.schedule: two rounds are ${gap / 1000} s apart, and this operator wants at least ${minInterval / 1000} s.`
}

/** Of a cron expression, milliseconds. */
function shortestGap(schedule: Schedule, { minInterval, now }: { minInterval: number; now: number }): number {
  if (minInterval <= FINEST_CRON) return FINEST_CRON
  const slots = cron(schedule).nextRuns(EVERY_MINUTE, new Date(now))
  const gaps = slots.slice(1).map((slot, index) => slot.getTime() - (slots[index]?.getTime() ?? 0))
  return Math.min(Number.POSITIVE_INFINITY, ...gaps)
}

/** When a probe counts as stale: three due slots after the last finished round, each allowed the longest possible execution. */
export function staleAt(
  question: Pick<ScheduleQuestion, 'schedule' | 'uid'> & { finishedAt: number; longest: number },
): number | undefined {
  let slot: number | undefined = question.finishedAt
  for (let count = 0; count < 3 && slot !== undefined; count++) slot = nextSlot({ ...question, now: slot })
  return slot === undefined ? undefined : slot + question.longest
}

/** Same probe, location and slot: same id, whichever replica asks, so that a retry is not a second call. */
export function executionId(uid: string, location: string, slot: number): string {
  return hash('sha256', `${uid}/${location}/${slot}`).slice(0, 20)
}

function latestSlot({ schedule, uid, now }: ScheduleQuestion): number | undefined {
  if (schedule.cron !== undefined)
    return cron(schedule)
      .previousRuns(1, new Date(now + 1))[0]
      ?.getTime()
  const interval = intervalOf(schedule)
  const offset = offsetOf(uid, interval)
  return Math.floor((now - offset) / interval) * interval + offset
}

/** Bounded: after a year's outage the exact number tells nobody anything. */
const MOST_MISSED = 1_000

/** How many slots lie after `after`, up to and with `upTo`. */
export function slotsBetween({
  schedule,
  uid,
  after,
  upTo,
}: Pick<ScheduleQuestion, 'schedule' | 'uid'> & { after: number; upTo: number }): number {
  const first = nextSlot({ schedule, uid, now: after })
  if (first === undefined || first > upTo) return 0
  if (schedule.cron === undefined) return Math.floor((upTo - first) / intervalOf(schedule)) + 1
  let count = 0
  for (let slot: number | undefined = first; slot !== undefined && slot <= upTo; count++) {
    if (count === MOST_MISSED) break
    slot = nextSlot({ schedule, uid, now: slot })
  }
  return count
}

function intervalOf(schedule: Schedule): number {
  return milliseconds(schedule.interval ?? '5m')
}

/** A place of its own on the grid for each probe: 10,000 probes do not call at once. */
function offsetOf(uid: string, interval: number): number {
  return hash('sha256', uid, 'buffer').readUInt32BE(0) % interval
}

function cron(schedule: Schedule): Cron {
  return new Cron(schedule.cron ?? '', { timezone: schedule.timeZone ?? 'UTC', paused: true })
}
