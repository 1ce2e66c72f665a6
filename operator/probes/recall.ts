/** What is known of a probe when this process begins with it, or has to think again: from history, from the status, and from what it knew; the higher sequence wins. */
import type { SipProbeStatus } from '../../crds/index.ts'
import type { Log } from '../../lib/log.ts'
import type { History, ProbeIdentity, ProbeMemory, TransitionRecord } from '../history/index.ts'
import { severityOf } from './health.ts'
import { WEBHOOKS_ENABLED } from './status.ts'
import type { StoreState } from './store-state.ts'

export interface Recall {
  history: Pick<History, 'memory' | 'restore'>
  state: StoreState
  log: Log
}

export interface Recalled {
  memory: ProbeMemory
  /** History was not asked: it is away. */
  outdated: boolean
}

/** Transitions that history lacks (a restored backup, a lost volume) are put back into it. */
export async function recall(
  { history, state, log }: Recall,
  probe: ProbeIdentity,
  { known, status }: { known?: ProbeMemory | undefined; status: SipProbeStatus | undefined },
): Promise<Recalled> {
  const told = memoryOf(status)
  const best = known && known.sequence >= told.sequence ? known : told
  if (!state.available) return { memory: best, outdated: true }
  try {
    const stored = await history.memory(probe)
    if (stored.sequence >= best.sequence) return { memory: stored, outdated: false }
    const restored = await history.restore(probe, best.transitions)
    log.warn(
      { probe, restored, lost: best.sequence - stored.sequence },
      'history lacked transitions, which are put back',
    )
    return { memory: best, outdated: false }
  } catch (error) {
    state.failed(error)
    return { memory: best, outdated: true }
  }
}

/** Webhooks whose endpoint wants no more: told by the status of this very declaration; which they are, history knows. */
export async function goneWebhooks(
  { history, state }: { history: Pick<History, 'outbox'>; state: StoreState },
  probe: ProbeIdentity & { generation: number },
  status: SipProbeStatus | undefined,
): Promise<Set<string>> {
  const before = status?.conditions?.find(({ type }) => type === WEBHOOKS_ENABLED)
  if (before?.observedGeneration !== probe.generation || !state.available) return new Set()
  const found = history.outbox.disabledWebhooks(probe)
  return new Set(await found.catch((error: unknown) => (state.failed(error), [])))
}

/** The status holds what a reconciler needs, but for what made the last state: that is gone until the next round. */
function memoryOf(status: SipProbeStatus | undefined): ProbeMemory {
  const { health = 'Unknown', healthSince, sequence = 0, recentLevels = [], lastExecution } = status ?? {}
  const transitions = (status?.transitions ?? []).map(({ at, from, to, ...rest }): TransitionRecord => ({
    ...rest,
    ...{ from, to, at: Date.parse(at), severity: severityOf(from, to) ?? 'DataIssue', message: '' },
  }))
  const left = transitions.findLast(({ from, to }) => from === 'Healthy' || to === 'Healthy')
  return {
    health,
    sequence,
    transitions,
    recentLevels,
    ...(healthSince !== undefined && { since: Date.parse(healthSince) }),
    ...(lastExecution && {
      lastRound: { slot: Date.parse(lastExecution.startedAt), finishedAt: Date.parse(lastExecution.finishedAt) },
    }),
    ...(left?.from === 'Healthy' && { leftHealthyAt: left.at }),
  }
}
