import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { TransitionRecord } from '../history/history.ts'
import { execution, probe, start, transition } from '../history/test-entries.ts'
import { statusChangedBody } from './body.ts'
import type { StatusChange } from './body.ts'
import { eventId } from './event.ts'

const named = { ...probe, displayName: 'Switchboard Berlin' }
const base = { probe: named, initial: false, links: {} }

function data(change: Partial<StatusChange> & { transition: TransitionRecord }) {
  return JSON.parse(statusChangedBody({ ...base, ...change })).data
}

describe('the body of a status change', () => {
  test('says what changed, why, and what was measured', () => {
    const links = { dashboard: 'https://ringcheck.example.com/probes/default/switchboard' }
    const body = statusChangedBody({
      ...base,
      transition: transition(7, 'Healthy', 'Degraded'),
      execution: execution('run-7'),
      links,
    })
    expect(JSON.parse(body)).toEqual({
      type: 'probe.status_changed',
      timestamp: '2026-01-01T00:07:00.000Z',
      data: {
        sequence: 7,
        probe: { id: 'uid-1', name: 'switchboard', displayName: 'Switchboard Berlin', namespace: 'default' },
        previousStatus: 'HEALTHY',
        newStatus: 'DEGRADED',
        severity: 'warning',
        initial: false,
        reason: 'ThresholdBreached',
        message: 'packetLoss 4 % reached 3 %',
        execution: {
          id: 'run-7',
          startedAt: '2026-01-01T00:00:00.005Z',
          location: 'default',
          sip: { code: 200, reason: 'OK' },
        },
        metrics: [{ metric: 'packetLoss', value: 4, unit: '%', level: 'DEGRADED', warning: 3, critical: 5 }],
        allMetrics: { packetLoss: 4, mos: 4.1 },
        links,
        startsAt: '2026-01-01T00:07:00.000Z',
        fingerprint: createHash('sha256').update('SipProbe/default/switchboard').digest('hex'),
      },
    })
  })

  test('of a failed call has its class', () => {
    const failed = execution('run-1', { breaches: [] })
    const result = { ...failed.result, outcome: 'CallFailed' as const, failureClass: 'Busy' as const, metrics: {} }
    expect(
      data({ transition: transition(1, 'Unknown', 'Unhealthy'), execution: { ...failed, result }, initial: true }),
    ).toMatchObject({ failureClass: 'Busy', initial: true, metrics: [], allMetrics: {} })
  })

  test('that no execution caused speaks of none', () => {
    const { executionId: _id, ...suspended } = transition(2, 'Degraded', 'Unknown', { severity: 'DataIssue' })
    const told = data({ transition: suspended })
    expect(told).toMatchObject({ severity: 'dataIssue', newStatus: 'UNKNOWN', metrics: [], allMetrics: {} })
    expect(told).not.toHaveProperty('execution')
    expect(told).not.toHaveProperty('failureClass')
  })

  test('spells every severity in camelCase', () => {
    const severities = ['Warning', 'Critical', 'Recovery', 'PartialRecovery', 'DataIssue', 'Resolution']
    const told = severities.map(
      (severity) => data({ transition: transition(2, 'Healthy', 'Degraded', { severity }) }).severity,
    )
    expect(told).toEqual(['warning', 'critical', 'recovery', 'partialRecovery', 'dataIssue', 'resolution'])
  })

  test('keeps when Healthy was left until it returned, and then says so', () => {
    const leftHealthyAt = start + 60_000
    const worse = data({ transition: transition(2, 'Degraded', 'Unhealthy'), leftHealthyAt })
    expect(worse.startsAt).toBe('2026-01-01T00:01:00.000Z')
    expect(worse).not.toHaveProperty('endsAt')
    const back = data({ transition: transition(3, 'Unhealthy', 'Healthy'), leftHealthyAt })
    expect(back).toMatchObject({ startsAt: '2026-01-01T00:01:00.000Z', endsAt: '2026-01-01T00:03:00.000Z' })
    const first = data({ transition: transition(1, 'Unknown', 'Healthy'), initial: true })
    expect(first).not.toHaveProperty('startsAt')
    expect(first).not.toHaveProperty('endsAt')
  })
})

test('an event has the same id whenever it is computed, and another for each probe and number', () => {
  expect(eventId('uid-1', 12)).toMatch(/^evt_[0-9a-f]{32}$/)
  expect(eventId('uid-1', 12)).toBe(eventId('uid-1', 12))
  const ids = [eventId('uid-1', 12), eventId('uid-1', 1), eventId('uid-2', 12), eventId('uid-11', 2)]
  expect(new Set(ids).size).toBe(4)
})
