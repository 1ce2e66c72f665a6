/** From what was known of a probe and what just happened to what is known now and what must be recorded. Pure. */
import { findings } from '../../crds/index.ts'
import type { Health, Severity, SipProbeSpec, UnknownReason } from '../../crds/index.ts'
import type { Entry, ExecutionRecord, ProbeMemory, TransitionRecord } from '../history/history.ts'
import { withoutDetail } from '../history/index.ts'
import { damp, roundLevel, severityOf, successThreshold } from './health.ts'

/** A transition and the severity under which it is announced. */
export interface Change {
  transition: TransitionRecord
  severity: Severity
}

export interface Conclusion {
  memory: ProbeMemory
  executions: readonly ExecutionRecord[]
  round?: NonNullable<Entry['round']>
  change?: Change
}

/** How many rounds and transitions are remembered. */
const KEPT = 10

export interface FinishedRound {
  slot: number
  /** One per location, at least one. */
  executions: readonly ExecutionRecord[]
  /** Milliseconds since 1970. */
  finishedAt: number
}

/** After a round: level over the locations, damping, transition. Executions that we cut ourselves leave everything as it was. */
export function concludeRound(
  spec: SipProbeSpec,
  memory: ProbeMemory,
  round: FinishedRound & { /** We broke it off: it says nothing, however far it came. */ cut?: boolean },
): Conclusion {
  const { executions, slot, finishedAt } = round
  if (round.cut || executions.some(({ level }) => level === undefined)) return { memory, executions }
  const levels = executions.map(({ level }) => level ?? 'Unknown')
  const { level, decidedBy } = roundLevel(levels, spec.quorum)
  const deciding = executions[decidedBy]
  if (!deciding) return { memory, executions }

  const recentLevels = [...memory.recentLevels, level].slice(-KEPT)
  // Without thresholds there is nothing to be damped: what was known before says nothing about now.
  const to =
    deciding.reason === 'NoThresholds'
      ? 'Unknown'
      : damp({
          state: memory.health,
          recentLevels,
          failureThreshold: spec.failureThreshold,
          successThreshold: successThreshold(spec),
        })
  const change = changeTo(memory, to, {
    at: finishedAt,
    reason: deciding.reason,
    message: deciding.message,
    executionId: deciding.id,
  })
  return {
    memory: {
      ...after(memory, change),
      recentLevels: deciding.reason === 'NoThresholds' ? [] : recentLevels,
      lastRound: { slot, finishedAt },
      lastExecution: withoutDetail(deciding),
    },
    executions,
    round: { slot, level, reason: deciding.reason, executionId: deciding.id, finishedAt },
    ...(change && { change }),
  }
}

/** Without a round: Suspended, Stale, an unresolved reference. It applies at once and empties the levels. */
export function concludeUnknown(
  memory: ProbeMemory,
  cause: { at: number; reason: UnknownReason; message: string },
): Conclusion {
  const change = changeTo(memory, 'Unknown', cause)
  return { memory: { ...after(memory, change), recentLevels: [] }, executions: [], ...(change && { change }) }
}

function changeTo(
  memory: ProbeMemory,
  to: Health,
  cause: { at: number; reason: string; message: string; executionId?: string },
): Change | undefined {
  const severity = severityOf(memory.health, to)
  if (!severity) return undefined
  return { severity, transition: { sequence: memory.sequence + 1, from: memory.health, to, severity, ...cause } }
}

function after(memory: ProbeMemory, change: Change | undefined): ProbeMemory {
  if (!change) return memory
  const { transition } = change
  const { leftHealthyAt: _, ...rest } = memory
  const leftHealthyAt =
    transition.to === 'Healthy'
      ? undefined
      : (memory.leftHealthyAt ?? (transition.from === 'Healthy' ? transition.at : undefined))
  return {
    ...rest,
    health: transition.to,
    since: transition.at,
    sequence: transition.sequence,
    transitions: [...memory.transitions, transition].slice(-KEPT),
    ...(leftHealthyAt !== undefined && { leftHealthyAt }),
  }
}

/** Why the state is what it is, in the words of status, page and `get`. */
export function reasonOf(
  spec: SipProbeSpec,
  memory: ProbeMemory,
  declared: { reason: string; message: string } | undefined,
): { reason: string; message: string } {
  if (declared) return declared
  const { lastExecution } = memory
  const lastTransition = memory.transitions.at(-1)
  if (lastExecution && lastExecution.level === memory.health) {
    const noticed = lastExecution.result.findings.map((finding) => ` ${findings[finding].sentence}`).join('')
    return { reason: lastExecution.reason, message: `${lastExecution.message}${noticed}` }
  }
  if (lastExecution && lastTransition) {
    const pending = trailing(memory.recentLevels, memory.health)
    const needed = isWorse(lastExecution.level, memory.health) ? spec.failureThreshold : successThreshold(spec)
    const message = `Last round: ${lastExecution.message} (${pending} of ${needed} in a row that ask for a change)`
    return { reason: lastTransition.reason, message }
  }
  if (lastTransition) return lastTransition
  return { reason: 'NeverRun', message: 'No execution has finished yet.' }
}

/** Rounds at the end of the list that differ from the state. */
function trailing(levels: readonly Health[], state: Health): number {
  return levels.length - 1 - levels.lastIndexOf(state)
}

function isWorse(level: Health | undefined, state: Health): boolean {
  return (
    level === 'Unknown' ||
    severityOf(state, level ?? state) === 'Warning' ||
    severityOf(state, level ?? state) === 'Critical'
  )
}
