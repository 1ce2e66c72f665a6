/** The one place where what came out of a probe is put away, always in this order: history, status, metrics; webhooks and pages follow. It judges nothing. */
import type { SipProbeStatus, UnknownReason } from '../../crds/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Cluster, Key, Stored } from '../cluster/cluster.ts'
import type { ExecutionRecord, History, ProbeIdentity, ProbeMemory } from '../history/index.ts'
import { announce } from './announce.ts'
import type { Conclusion } from './conclude.ts'
import { openUntil } from './maintenance.ts'
import type { ProbeMetrics } from './metrics.ts'
import type { Recorder } from './recorder.ts'
import type { RoundOutcome } from './round.ts'
import { nextSlot } from './schedule.ts'
import { probeStatus } from './status.ts'
import type { StoreState } from './store-state.ts'

/** A probe as this process knows it. All of it can be rebuilt from history and the resource. */
export interface Tracked {
  memory: ProbeMemory
  /** A slot before this moment is not owed, if there was no round. Milliseconds since 1970. */
  watchedSince: number
  /** Of the last round. */
  executions: readonly ExecutionRecord[]
  /** The round that was started and is not put away yet. */
  running?: {
    /** As it was when the round began. */
    probe: Stored<'SipProbe'>
    slot: number
    abort: AbortController
    /** Told when it is put away. */
    settled: Array<() => void>
    /** Resolves when `outcome` is there. */
    ended: Promise<void>
    outcome?: RoundOutcome
  }
  /** A round that was asked for and has not begun. */
  wanted?: {
    slot: number
    settled: Array<() => void>
    /** What the annotation says that asked for it; absent: somebody else did. */
    asked?: string
  }
  /** The last slot that was started, also where no round came of it: it is not owed any more. */
  startedSlot?: number
  /** `memory` is not what history knows, or history was not asked. */
  outdated: boolean
  /** What the annotation said whose round was begun last. */
  lastRunNow?: string
  /** Why it is Unknown without a round. */
  declared?: { reason: UnknownReason; message: string }
  /** Where agents are missing, in words: it calls from everywhere else, and is not Ready. */
  withoutAgents?: string
  /** It could not run and now it can: it calls at once, like a new one. */
  resumed: boolean
  /** A window was open when we last looked: what was held back is owed when it ends. */
  maintained: boolean
  /** Webhooks whose endpoint wanted no more, while the declaration is of this generation. */
  gone: { generation: number; webhooks: Set<string> }
}

export interface SettlementOptions {
  cluster: Cluster
  /** Whether nobody else leads: what came out of a probe is put away by the one who does. */
  holds: () => boolean
  history: History
  recorder: Recorder
  state: StoreState
  metrics: ProbeMetrics
  clock: Clock
  log: Log
  /** Where people look at a probe. */
  links: (key: Key) => { dashboard?: string; statusPage?: string }
  /** Called when deliveries that were held back may go. */
  onReleased: () => void
  /** Called after a probe's status was written. */
  onStatus: (key: Key) => void
}

/** Reasons without a round that leave the probe accepted: they are no fault of the declaration. */
const STILL_READY: ReadonlySet<UnknownReason> = new Set<UnknownReason>(['Stale', 'Suspended'])

export class Settlement {
  readonly #options: SettlementOptions

  constructor(options: SettlementOptions) {
    this.#options = options
  }

  async settle(probe: Stored<'SipProbe'>, tracked: Tracked, conclusion: Conclusion): Promise<void> {
    const { cluster, holds, recorder, metrics, clock, log, links } = this.#options
    // Who slept past the end of its term takes the time for an outage; and the agents keep the results for the next one.
    if (!holds()) return
    const { change, executions, round } = conclusion
    const before = tracked.memory
    tracked.memory = conclusion.memory
    if (change || executions.length > 0) {
      const held = openUntil(probe.spec.maintenance, clock.now()) !== undefined
      tracked.maintained ||= held
      await recorder.record({
        probe: identityOf(probe),
        executions,
        ...(round && { round }),
        ...(change && { transition: change.transition }),
        // Nobody is told of a probe that is gone.
        deliveries:
          change && cluster.get('SipProbe', probe.metadata)
            ? announce({ probe, conclusion, change, before, held, links: links(probe.metadata) })
            : [],
      })
    }
    if (change) {
      const { from, to, reason, message } = change.transition
      metrics.transition(probe.metadata, from, to)
      log.info({ probe: `${probe.metadata.namespace}/${probe.metadata.name}`, from, to, reason }, message)
      const type = to === 'Healthy' ? 'Normal' : 'Warning'
      const note = `${from} -> ${to}: ${message}`
      cluster.tell('SipProbe', probe.metadata, {
        id: String(change.transition.sequence),
        type,
        action: 'Probe',
        reason,
        note,
      })
    }
    await this.publish(probe, tracked)
  }

  /** What is known now, to status and metrics. */
  async publish(probe: Stored<'SipProbe'>, tracked: Tracked): Promise<void> {
    const { cluster, clock, metrics, onStatus } = this.#options
    // A probe that was deleted meanwhile has no status and no series; its result is in history.
    if (!cluster.get('SipProbe', probe.metadata)) return
    const now = clock.now()
    const { declared, executions, memory, lastRunNow, withoutAgents, gone } = tracked
    const before = cluster.status('SipProbe', probe.metadata)
    const isPaused = cluster.isPaused(probe.metadata.namespace)
    const next = isPaused ? undefined : nextTime(probe, tracked, before, now)
    const missing = withoutAgents === undefined ? undefined : { reason: 'NoAgent', message: withoutAgents }
    const notReady = declared && !STILL_READY.has(declared.reason) ? declared : missing
    const status = probeStatus({
      probe,
      memory,
      executions,
      now,
      goneWebhooks: [...gone.webhooks].toSorted(),
      before,
      ...(declared && { declared }),
      ...(notReady && { notReady }),
      ...(lastRunNow !== undefined && { lastRunNow }),
      ...(next !== undefined && { nextExecutionTime: next }),
    })
    await cluster.writeStatus('SipProbe', probe.metadata, status)
    metrics.state(probe.metadata, memory)
    onStatus(probe.metadata)
  }

  /** When a window has ended, each webhook gets the difference to what it was told last. */
  async endMaintenance(probe: Stored<'SipProbe'>, tracked: Tracked): Promise<void> {
    const { history, holds, recorder, state, clock, onReleased } = this.#options
    if (!holds() || !tracked.maintained || openUntil(probe.spec.maintenance, clock.now()) !== undefined) return
    // What was held is in the store, or will be: the next look releases it.
    if (!state.available || recorder.waitsFor(probe.metadata)) return
    try {
      await history.outbox.releaseHeld(identityOf(probe))
    } catch (error) {
      return state.failed(error)
    }
    tracked.maintained = false
    onReleased()
  }
}

/** While a round runs its own slot stays the next one, so that a round is one write of the status, at its end. */
function nextTime(
  { spec, metadata }: Stored<'SipProbe'>,
  { running }: Tracked,
  before: SipProbeStatus | undefined,
  now: number,
): number | undefined {
  if (spec.suspend) return undefined
  if (running && before?.nextExecutionTime !== undefined) return Date.parse(before.nextExecutionTime)
  return nextSlot({ schedule: spec.schedule, uid: metadata.uid, now })
}

function identityOf({ metadata }: Stored<'SipProbe'>): ProbeIdentity {
  const { namespace, name, uid } = metadata
  return { namespace, name, uid }
}
