/** Carries out one round of a probe: an account, a plan a location, the agents, the judgement. It records nothing and decides no state. */
import { milliseconds } from '../../crds/index.ts'
import type { FailureClass, SipProbeSpec, Thresholds } from '../../crds/index.ts'
import type { CallResult, RunPlan } from '../../agent/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Agents, Execution } from '../agents/agents.ts'
import type { Stored } from '../cluster/cluster.ts'
import type { ExecutionRecord } from '../history/history.ts'
import type { AccountLeases } from './accounts.ts'
import type { FinishedRound } from './conclude.ts'
import { judge } from './health.ts'
import type { Prepared } from './plan.ts'
import { makePlan } from './plan.ts'

export interface RoundOptions {
  probe: Stored<'SipProbe'>
  prepared: Prepared
  slot: number
  epoch: number
  /** Ends the round: calls are hung up, its executions say Stopped. */
  signal: AbortSignal
  agents: Agents
  leases: AccountLeases
  clock: Clock
}

export type RoundOutcome =
  | ({ kind: 'Finished' } & FinishedRound)
  /** No call was made: the account or the trunk was not free before the slot was over, or a fault of ours. */
  | { kind: 'Skipped'; reason: 'AccountInUse' | 'Internal' }

export async function carryOut(options: RoundOptions): Promise<RoundOutcome> {
  const { probe, prepared, slot, signal, agents, leases, clock } = options
  const { namespace, name } = prepared.registrar.metadata
  // A call that a leader before us began is made already: its result is fetched, however late that is.
  const isBegun = agents.begun(probe.metadata).some((run) => run.slot === slot)
  using lease = await leases.take({
    registrar: `${namespace}/${name}`,
    ...(prepared.account && { username: prepared.account.username }),
    policy: prepared.registrar.spec.policy,
    until: (isBegun ? clock.now() : slot) + slotLength(probe.spec),
    signal,
  })
  if (!lease) return { kind: 'Skipped', reason: 'AccountInUse' }
  const executions = await Promise.all(
    probe.spec.locations.map(async (location) => {
      const plan = makePlan({ probe, prepared, location: location.name, slot, epoch: options.epoch })
      const startedAt = clock.now()
      const execution = await agents.execute(plan, signal)
      return toRecord(plan, execution, { startedAt, finishedAt: clock.now() })
    }),
  )
  const kept = executions.map((execution) => keepTrace(probe.spec.traces, execution))
  return { kind: 'Finished', slot, executions: kept, finishedAt: clock.now() }
}

function slotLength({ schedule }: SipProbeSpec): number {
  return schedule.interval === undefined ? 60_000 : milliseconds(schedule.interval)
}

function toRecord(
  plan: RunPlan,
  execution: Execution,
  times: { startedAt: number; finishedAt: number },
): ExecutionRecord {
  const inForce = execution.kind === 'Finished' ? (execution.begunAs ?? plan) : plan
  const { generation } = inForce
  const thresholds: Thresholds = inForce.thresholds
  const head = { id: plan.id, location: plan.location, generation, slot: plan.slot, thresholds }
  if (execution.kind !== 'Finished') {
    const result = ourFault(execution.kind === 'AgentLost' ? 'AgentLost' : 'Internal', execution.message, times)
    const reason = execution.kind === 'Refused' ? 'Internal' : execution.kind
    const nothing = { breaches: [], notMeasured: [], samples: [] }
    return { ...head, ...nothing, level: 'Unknown', reason, message: execution.message, result }
  }
  const { samples, trace, saturation } = execution
  const result: CallResult =
    saturation === undefined
      ? execution.result
      : { ...execution.result, failureClass: 'AgentSaturated', outcome: 'OsError', message: saturation }
  const rest = { samples, result, ...(trace && { trace }) }
  if (result.stopped)
    return { ...head, ...rest, reason: 'Stopped', message: 'We ended it ourselves.', breaches: [], notMeasured: [] }
  return { ...head, ...rest, ...judge(result, thresholds) }
}

function ourFault(
  failureClass: FailureClass,
  message: string,
  times: { startedAt: number; finishedAt: number },
): CallResult {
  return {
    outcome: 'OsError',
    failureClass,
    message,
    metrics: {},
    findings: [],
    ...times,
    retransmissions: { sent: 0, received: 0 },
    authenticationRounds: 0,
  }
}

function keepTrace(traces: SipProbeSpec['traces'], execution: ExecutionRecord): ExecutionRecord {
  const keep = traces === 'All' || (traces === 'Failed' && execution.level !== 'Healthy')
  if (keep || !execution.trace) return execution
  const { trace: _, ...rest } = execution
  return rest
}
