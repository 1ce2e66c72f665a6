/** What `.status.lastExecution` and every list show of an execution: times as RFC 3339, absent where not measured. Pure. */
import type { SipProbeStatus } from '../../crds/index.ts'
import type { ExecutionRecord } from './history.ts'

/** Characters of a reason phrase, which is the peer's: a status that holds more is refused as a whole. */
const LONGEST_REASON = 256

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
    ...(result.sip && { sip: { ...result.sip, reason: result.sip.reason.slice(0, LONGEST_REASON) } }),
    metrics: result.metrics,
    breaches,
    notMeasured,
    findings: result.findings,
  }
}

/** What is remembered of an execution; the rest is in history. */
export function withoutDetail(execution: ExecutionRecord): ExecutionRecord {
  const { trace: _, ...rest } = execution
  return { ...rest, samples: [] }
}
