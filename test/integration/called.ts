/** Calls of runs, from the plan to the result, for tests with peers. No test is in here. */
import type { CallResult, RunEvent, RunPlan } from '../../agent/api/protocol.ts'
import { createMediaEngine, type MediaEngine } from '../../agent/media/index.ts'
import { eventLoopLag, startRun } from '../../agent/run/index.ts'
import { createNativeEngine, type SignallingEngine } from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { planOf } from './plans.ts'

export type MediaPlan = RunPlan['endpoint']['media']

export const common = { clock: systemClock, random: systemRandom, log: createLog({ name: 'test', level: 'silent' }) }

export const jitterBuffer = { mode: 'Fixed', delay: 60 } as const

export interface Target {
  /** Default 127.0.0.1. */
  host?: string
  port: number
  user: string
  /** Milliseconds. Default 5000. */
  callDuration?: number
  /** The call is up. */
  onCall?: () => void
  /** Default: one for this call. */
  media?: MediaEngine
}

export interface Called extends CallResult {
  /** Why the agent says that it was too slow itself, so that what it measured says nothing of the peer; undefined: it was not. */
  readonly saturation: string | undefined
}

/** Of tests that judge what was measured: on a machine that does not let the agent measure, as it says itself, the call is made again. */
export const HONEST = { retry: { count: 2, condition: /^The agent/ } }

/** What was measured is as it should be; throws what the agent says of itself when it is not, and the agent was too slow. */
export function judged({ saturation }: Pick<Called, 'saturation'>, judge: () => void): void {
  try {
    judge()
  } catch (cause) {
    throw saturation === undefined ? cause : new Error(saturation, { cause })
  }
}

/** Of the events of a run: undefined when it was fast enough. */
export const saturationOf = (events: readonly RunEvent[]): string | undefined =>
  events.find((event) => event.type === 'Saturation')?.reason

/** For calls side by side: what is sent is encoded before any of them begins, so that none waits for another. */
export function preparedMedia(): MediaEngine {
  const media = createMediaEngine(common)
  for (const codec of ['PCMA', 'PCMU', 'G722', 'opus'] as const)
    media.prepare({ codec, ptime: 20, source: { kind: 'Speech' } })
  return media
}

/** Calls a peer, without a registrar. */
export async function called(
  { host = '127.0.0.1', port, user, callDuration = 5000, onCall, media: shared }: Target,
  media: Omit<MediaPlan, 'jitterBuffer'>,
): Promise<Called> {
  await using engine = await createNativeEngine({ ...common, host, userAgent: 'test' })
  const target = `sip:${user}@${host === '::1' ? '[::1]' : host}:${port}`
  const plan = planOf(port, {
    registrar: { domain: host },
    endpoint: { target, media: { ...media, jitterBuffer }, callDuration },
  })
  return await resultOf(engine, plan, { onCall, media: shared })
}

export interface Around {
  onCall?: (() => void) | undefined
  onWaiting?: () => void
  /** Default: one for this call. */
  media?: MediaEngine | undefined
}

/** What came of a plan. */
export async function resultOf(
  engine: SignallingEngine,
  plan: RunPlan,
  { onCall, onWaiting, media: shared }: Around = {},
): Promise<Called> {
  await using own = createMediaEngine(common)
  const media = shared ?? own
  const events: RunEvent[] = []
  const emit = (event: RunEvent) => {
    events.push(event)
    if (event.type !== 'Phase') return
    if (event.phase === 'InCall') onCall?.()
    if (event.phase === 'Waiting') onWaiting?.()
  }
  await startRun(plan, { ...common, engine, media, lag: eventLoopLag, emit }).finished
  const ended = events.find((event) => event.type === 'Call')
  if (!ended) throw new Error('no result')
  return { ...ended.result, saturation: saturationOf(events) }
}
