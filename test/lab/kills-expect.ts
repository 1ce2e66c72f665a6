/** What must be true after kills, whatever their number. */
import { expect } from 'vitest'
import type { KillReport } from './kills.ts'
import { knownStates } from './kills.ts'

export function expectNothingLost(report: KillReport): void {
  const { flips, transitions, recorded, accepted, status } = report
  const last = flips.at(-1) ?? ''
  expect(knownStates(transitions)).toEqual(flips)
  expect(transitions.map(({ sequence }) => sequence)).toEqual(transitions.map((_, index) => index + 1))
  expect(accepted).toEqual(recorded)
  expect(recorded).toHaveLength(transitions.length)
  expect(report.refused).toEqual([])

  expect(status.health).toBe(last)
  expect(status.sequence).toBe(transitions.length)
  expect(report.metrics).toMatch(
    new RegExp(`^ringcheck_probe_health\\{[^}]*probe="trunk"[^}]*state="${last}"[^}]*\\} 1$`, 'm'),
  )
  expect(report.page).toContain(last === 'Healthy' ? 'Operational' : 'Major Outage')

  expect(report.registered).toEqual(['bob'])
  expect(report.stop.code).toBe(0)
  expect(report.registeredAfterStop).toEqual([])
}
