import { expect, test } from 'vitest'
import { sipProbe } from '../../crds/probe.ts'
import { executionSummary } from './index.ts'
import { execution } from './test-entries.ts'

const spec = { registrarRef: { name: 'r' }, target: 'sip:a@b' }
const head = { apiVersion: 'ringcheck.dev/v1alpha1', kind: 'SipProbe', metadata: { name: 'x' }, spec }

test('a reason phrase of any length leaves a status that the API server takes', () => {
  const { result, ...rest } = execution('one')
  const lastExecution = executionSummary({
    ...rest,
    result: { ...result, sip: { code: 200, reason: 'OK'.repeat(500) } },
  })
  expect(lastExecution.sip?.reason).toBe('OK'.repeat(128))
  expect(sipProbe.schema.safeParse({ ...head, status: { lastExecution } }).error).toBeUndefined()
})

test('a finding stands beside the level, in a form that the status may have', () => {
  const { result, ...rest } = execution('one')
  const lastExecution = executionSummary({ ...rest, result: { ...result, findings: ['StuckTone'] } })
  expect(lastExecution).toMatchObject({ outcome: 'Success', findings: ['StuckTone'] })
  expect(sipProbe.schema.safeParse({ ...head, status: { lastExecution } }).error).toBeUndefined()
})
