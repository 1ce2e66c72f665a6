import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Health } from '../../crds/index.ts'
import { calendarDays, dateIn } from './days.ts'
import { uptime } from './uptime.ts'
import type { StateChange } from './uptime.ts'
import { intervals, isOpen, joined } from './windows.ts'

const SECOND = 1_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
const at = (text: string) => Date.parse(text)

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Havana',
  'Asia/Beirut',
  'Africa/Cairo',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Antarctica/Troll',
]
const zone = fc.constantFrom(...zones)
const moment = fc.integer({ min: at('2015-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') })
const health = fc.constantFrom<Health>('Healthy', 'Degraded', 'Unhealthy', 'Unknown')

const question = fc
  .record({
    timeZone: zone,
    now: moment,
    count: fc.integer({ min: 1, max: 12 }),
    changes: fc.array(fc.tuple(fc.integer({ min: 0, max: 14 * DAY }), health), { maxLength: 20 }),
    windows: fc.array(fc.tuple(fc.integer({ min: 0, max: 14 * DAY }), fc.integer({ min: 0, max: 2 * DAY })), {
      maxLength: 6,
    }),
  })
  .map(({ timeZone, now, count, changes, windows }) => ({
    days: calendarDays(timeZone, now, count),
    now,
    states: changes
      .map(([ago, state]): StateChange => ({ at: now - ago, health: state }))
      .toSorted((left, right) => left.at - right.at),
    maintenance: joined(windows.map(([ago, length]) => ({ start: now - ago, end: now - ago + length }))),
  }))

describe('calendar days', () => {
  test('a day in which clocks go forward has 23 hours, one in which they go back has 25', () => {
    const spring = calendarDays('Europe/Berlin', at('2026-03-30T10:00:00Z'), 3)
    expect(spring.map(({ date, start, end }) => [date, (end - start) / HOUR])).toEqual([
      ['2026-03-28', 24],
      ['2026-03-29', 23],
      ['2026-03-30', 24],
    ])
    const autumn = calendarDays('Europe/Berlin', at('2026-10-25T12:00:00Z'), 2)
    expect(autumn.map(({ date, start, end }) => [date, (end - start) / HOUR])).toEqual([
      ['2026-10-24', 24],
      ['2026-10-25', 25],
    ])
  })

  test('a day whose midnight does not exist begins at one o’clock', () => {
    const [day] = calendarDays('Asia/Beirut', at('2026-03-29T10:00:00Z'), 1)
    expect(day).toEqual({ date: '2026-03-29', start: at('2026-03-28T22:00:00Z'), end: at('2026-03-29T21:00:00Z') })
  })

  test('a date that a zone left out is no day', () => {
    const days = calendarDays('Pacific/Apia', at('2011-12-31T20:00:00Z'), 4)
    expect(days.map(({ date }) => date)).toEqual(['2011-12-28', '2011-12-29', '2011-12-31', '2012-01-01'])
  })

  test('the moment of midnight belongs to the new day', () => {
    const midnight = at('2026-01-01T00:00:00Z')
    expect(calendarDays('UTC', midnight, 1)[0]?.date).toBe('2026-01-01')
    expect(calendarDays('UTC', midnight - 1, 1)[0]?.date).toBe('2025-12-31')
  })

  test('they follow each other without a gap, each is one date, and the last one holds now', () => {
    fc.assert(
      fc.property(zone, moment, fc.integer({ min: 1, max: 400 }), (timeZone, now, count) => {
        const days = calendarDays(timeZone, now, count)
        const dateAt = dateIn(timeZone)
        expect(days).toHaveLength(count)
        for (const [index, { date, start, end }] of days.entries()) {
          expect([dateAt(start - SECOND) < date, dateAt(start), dateAt(end - 1), dateAt(end) > date]).toEqual([
            true,
            date,
            date,
            true,
          ])
          expect(days[index + 1]?.start ?? end).toBe(end)
        }
        const last = days.at(-1)
        expect(last && last.start <= now && now < last.end).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

describe('uptime', () => {
  const noon = at('2026-05-10T12:00:00Z')
  const of = (states: readonly StateChange[], maintenance: readonly { start: number; end: number }[] = []) =>
    uptime({ states, maintenance, days: calendarDays('UTC', noon, 2), now: noon })

  test('Healthy and Degraded are up, Unhealthy is down', () => {
    const result = of([
      { at: noon - 36 * HOUR, health: 'Healthy' },
      { at: noon - 9 * HOUR, health: 'Unhealthy' },
      { at: noon - 6 * HOUR, health: 'Degraded' },
    ])
    expect(result.days).toEqual([
      { date: '2026-05-09', up: 24 * HOUR, down: 0, leftOut: 0, degraded: 0, maintenance: 0 },
      { date: '2026-05-10', up: 9 * HOUR, down: 3 * HOUR, leftOut: 0, degraded: 6 * HOUR, maintenance: 0 },
    ])
    expect(result.percent).toBeCloseTo((33 / 36) * 100, 10)
  })

  test('Unknown and maintenance are left out of the denominator', () => {
    const result = of(
      [
        { at: noon - 10 * HOUR, health: 'Healthy' },
        { at: noon - 4 * HOUR, health: 'Unhealthy' },
        { at: noon - 1 * HOUR, health: 'Unknown' },
      ],
      [{ start: noon - 3 * HOUR, end: noon + HOUR }],
    )
    // Up 6 h, down 1 h before the maintenance; 26 h before the first state and 3 h of maintenance do not count.
    expect([result.up, result.down, result.leftOut, result.maintenance]).toEqual([6 * HOUR, HOUR, 29 * HOUR, 3 * HOUR])
    expect(result.percent).toBeCloseTo((6 / 7) * 100, 10)
  })

  test('what was never measured has no percentage', () => {
    const result = of([])
    expect(result.percent).toBeUndefined()
    expect(result.leftOut).toBe(36 * HOUR)
  })

  test('a change in the same millisecond as another: the later one in the list counts', () => {
    const result = of([
      { at: noon - HOUR, health: 'Unhealthy' },
      { at: noon - HOUR, health: 'Healthy' },
    ])
    expect([result.up, result.down]).toEqual([HOUR, 0])
  })

  test('every day sums up to its length, and today to its age', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const result = uptime(asked)
        for (const [index, { date, up, down, leftOut, degraded, maintenance }] of result.days.entries()) {
          const day = asked.days[index]
          expect(date).toBe(day?.date)
          expect(up + down + leftOut).toBe(Math.min(day?.end ?? 0, asked.now) - (day?.start ?? 0))
          for (const [part, whole] of [
            [degraded, up],
            [maintenance, leftOut],
          ] as const)
            expect(part >= 0 && part <= whole).toBe(true)
        }
      }),
    )
  })

  test('the days sum up to the whole', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const { days, percent, ...total } = uptime(asked)
        for (const key of ['up', 'down', 'leftOut', 'degraded', 'maintenance'] as const)
          expect(days.reduce((sum, day) => sum + day[key], 0)).toBe(total[key])
        expect(percent === undefined).toBe(total.up + total.down === 0)
        expect(percent === undefined || (percent >= 0 && percent <= 100)).toBe(true)
      }),
    )
  })

  test('it counts what a look at every moment would count', () => {
    fc.assert(
      fc.property(question, fc.double({ min: 0, max: 1, noNaN: true }), (asked, fraction) => {
        const from = asked.days[0]?.start ?? asked.now
        const moment = from + Math.floor((asked.now - from) * fraction)
        const upTo = (now: number) => uptime({ ...asked, now })
        const step = { up: 0, down: 0, leftOut: 0 }
        for (const key of ['up', 'down', 'leftOut'] as const) step[key] = upTo(moment + 1)[key] - upTo(moment)[key]
        const state = asked.states.findLast((change) => change.at <= moment)?.health ?? 'Unknown'
        const left = state === 'Unknown' || isOpen(asked.maintenance, moment)
        const up = !left && state !== 'Unhealthy'
        expect(step).toEqual({
          up: up ? 1 : 0,
          down: !left && !up ? 1 : 0,
          leftOut: left ? 1 : 0,
        })
      }),
    )
  })

  test('more maintenance never makes more of what counts', () => {
    fc.assert(
      fc.property(question, (asked) => {
        const [first, ...others] = asked.maintenance
        const less = uptime({ ...asked, maintenance: others })
        const more = uptime({ ...asked, maintenance: first ? [first, ...others] : others })
        expect(more.up + more.down).toBeLessThanOrEqual(less.up + less.down)
      }),
    )
  })
})

describe('maintenance windows', () => {
  const from = at('2026-03-28T00:00:00Z')
  const to = at('2026-03-31T00:00:00Z')

  test('a repeated window follows the clock of its zone', () => {
    const nightly = { cron: '0 2 * * *', duration: '30m', timeZone: 'Europe/Berlin' }
    expect(intervals([nightly], { from, to }).map(({ start }) => new Date(start).toISOString())).toEqual([
      '2026-03-28T01:00:00.000Z',
      // Two o'clock does not exist on this day; the window opens when it would have been.
      '2026-03-29T01:00:00.000Z',
      '2026-03-30T00:00:00.000Z',
    ])
  })

  test('one that is open at the beginning counts, and is cut there', () => {
    const window = { cron: '30 23 * * *', duration: '1h', timeZone: 'UTC' }
    expect(intervals([window], { from, to: from + DAY })).toEqual([
      { start: from, end: from + HOUR / 2 },
      { start: from + 23.5 * HOUR, end: from + DAY },
    ])
  })

  test('windows that overlap or touch are one', () => {
    const fixed = (start: string, end: string) => ({ start, end, timeZone: 'UTC' })
    expect(
      intervals(
        [
          fixed('2026-03-29T10:00:00Z', '2026-03-29T12:00:00Z'),
          fixed('2026-03-29T08:00:00Z', '2026-03-29T10:00:00Z'),
          fixed('2026-03-29T09:00:00Z', '2026-03-29T11:00:00Z'),
          fixed('2026-03-01T09:00:00Z', '2026-03-02T11:00:00Z'),
        ],
        { from, to },
      ),
    ).toEqual([{ start: at('2026-03-29T08:00:00Z'), end: at('2026-03-29T12:00:00Z') }])
  })
})
