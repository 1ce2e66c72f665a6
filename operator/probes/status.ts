/** The `.status` of a SipProbe from what is known of it. Pure; small and bounded by its inputs. */
import type { Condition, Health, SipProbeStatus } from '../../crds/index.ts'
import type { Stored } from '../cluster/cluster.ts'
import { condition } from '../cluster/condition.ts'
import type { ExecutionRecord, ProbeMemory, TransitionRecord } from '../history/index.ts'
import { executionSummary } from '../history/index.ts'
import { reasonOf } from './conclude.ts'

export interface StatusQuestion {
  probe: Stored<'SipProbe'>
  memory: ProbeMemory
  /** Of the last round, one per location. */
  executions: readonly ExecutionRecord[]
  /** Why it is Unknown without a round. */
  declared?: { reason: string; message: string }
  /** Why it cannot run: the Ready condition is False. */
  notReady?: { reason: string; message: string }
  nextExecutionTime?: number
  lastRunNow?: string
  /** Names of webhooks whose endpoint wants no more. */
  goneWebhooks: readonly string[]
  now: number
  before: SipProbeStatus | undefined
}

/** Characters; a status is small. */
const LONGEST_MESSAGE = 1024

const iso = (at: number): string => new Date(at).toISOString()

export function probeStatus(question: StatusQuestion): SipProbeStatus {
  const { probe, memory, declared, notReady, nextExecutionTime, lastRunNow } = question
  const { reason, message: whole } = reasonOf(probe.spec, memory, declared)
  const message = whole.slice(0, LONGEST_MESSAGE)
  const context = { before: question.before?.conditions, generation: probe.metadata.generation, now: question.now }
  const executions = question.executions.length > 0 ? question.executions : lastOf(memory)
  return {
    observedGeneration: probe.metadata.generation,
    health: memory.health,
    ...(memory.since !== undefined && { healthSince: iso(memory.since) }),
    reason,
    message,
    ...(memory.lastExecution && { lastExecution: executionSummary(memory.lastExecution) }),
    locations: executions.map(({ location, level }) => ({ name: location, level: level ?? 'Unknown' })),
    recentLevels: [...memory.recentLevels],
    ...(lastRunNow !== undefined && { lastRunNow }),
    ...(nextExecutionTime !== undefined && { nextExecutionTime: iso(nextExecutionTime) }),
    sequence: memory.sequence,
    transitions: memory.transitions.map(transitionOf),
    conditions: [
      condition(
        {
          type: 'Ready',
          status: notReady ? 'False' : 'True',
          reason: notReady?.reason ?? 'Accepted',
          message: notReady?.message ?? 'Every reference is resolved and an agent is there.',
        },
        context,
      ),
      condition({ type: 'Healthy', status: healthyCondition(memory.health), reason, message }, context),
      ...webhooksGone(question.goneWebhooks).map((gone) => condition(gone, context)),
    ],
  }
}

function transitionOf({ sequence, at, from, to, reason, executionId }: TransitionRecord) {
  return { sequence, at: iso(at), from, to, reason, ...(executionId !== undefined && { executionId }) }
}

/** The condition that is there only while something is wrong. */
export const WEBHOOKS_ENABLED = 'WebhooksEnabled'

function webhooksGone(names: readonly string[]): Array<Pick<Condition, 'type' | 'status' | 'reason' | 'message'>> {
  if (names.length === 0) return []
  const message = `${names.join(', ')}: the endpoint answered 410 and gets no more until its url or secretRef changes.`
  return [{ type: WEBHOOKS_ENABLED, status: 'False', reason: 'EndpointGone', message }]
}

const lastOf = ({ lastExecution }: ProbeMemory): readonly ExecutionRecord[] => (lastExecution ? [lastExecution] : [])

function healthyCondition(health: Health): Condition['status'] {
  if (health === 'Healthy') return 'True'
  return health === 'Unknown' ? 'Unknown' : 'False'
}
