import { expect, test } from 'vitest'
import { sipProbe } from '../../crds/probe.ts'
import { executionSummary } from './index.ts'
import { execution } from './test-entries.ts'

test('a finding stands beside the level, in a form that the status may have', () => {
  const { result, ...rest } = execution('one')
  const lastExecution = executionSummary({ ...rest, result: { ...result, findings: ['StuckTone'] } })
  expect(lastExecution).toMatchObject({ outcome: 'Success', findings: ['StuckTone'] })
  const spec = { registrarRef: { name: 'r' }, target: 'sip:a@b' }
  const head = { apiVersion: 'ringcheck.dev/v1alpha1', kind: 'SipProbe', metadata: { name: 'x' }, spec }
  expect(sipProbe.schema.safeParse({ ...head, status: { lastExecution } }).error).toBeUndefined()
})
