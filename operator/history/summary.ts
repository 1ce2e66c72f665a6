/** What `.status.lastExecution` and every list show of an execution: times as RFC 3339, absent where not measured. Pure. */
import type { SipProbeStatus } from '../../crds/index.ts'
import type { ExecutionRecord } from './history.ts'

export function executionSummary(execution: ExecutionRecord): NonNullable<SipProbeStatus['lastExecution']> {
  const { id, generation, location, breaches, notMeasured, result } = execution
  return {
    id,
    generation,
    startedAt: new Date(result.startedAt).toISOString(),
    finishedAt: new Date(result.finishedAt).toISOString(),
    location,
    outcome: result.outcome,
    ...(result.failureClass && { failureClass: result.failureClass }),
    ...(result.sip && { sip: result.sip }),
    metrics: result.metrics,
    breaches,
    notMeasured,
    findings: result.findings,
  }
}
