import { expect, test } from 'vitest'
import type { MaintenanceWindow } from './maintenance.ts'
import { openUntil } from './maintenance.ts'

const at = (time: string) => Date.parse(time)
const once = { start: '2026-06-01T10:00:00Z', end: '2026-06-01T12:00:00Z' } as MaintenanceWindow
const weekly = { cron: '0 2 * * 0', duration: '90m', timeZone: 'Europe/Berlin' } as MaintenanceWindow

test.each([
  ['2026-06-01T09:59:59Z', undefined],
  ['2026-06-01T10:00:00Z', '2026-06-01T12:00:00Z'],
  ['2026-06-01T11:59:59Z', '2026-06-01T12:00:00Z'],
  ['2026-06-01T12:00:00Z', undefined],
])('a window with a start and an end: at %s it is open until %s', (now, until) => {
  expect(openUntil([once], at(now))).toBe(until && at(until))
})

test.each([
  ['2026-06-06T23:59:59Z', undefined],
  // Sunday 02:00 in Berlin is 00:00 UTC in summer.
  ['2026-06-07T00:00:00Z', '2026-06-07T01:30:00Z'],
  ['2026-06-07T01:29:59Z', '2026-06-07T01:30:00Z'],
  ['2026-06-07T01:30:00Z', undefined],
])('a window by cron in its time zone: at %s it is open until %s', (now, until) => {
  expect(openUntil([weekly], at(now))).toBe(until && at(until))
})

test('of several open windows the last to end counts; without one nothing is open', () => {
  const longer = { ...once, end: '2026-06-01T13:00:00Z' } as MaintenanceWindow
  expect(openUntil([once, longer], at('2026-06-01T11:00:00Z'))).toBe(at('2026-06-01T13:00:00Z'))
  expect(openUntil([], at('2026-06-01T11:00:00Z'))).toBeUndefined()
})
