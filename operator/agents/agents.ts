/** The door to whoever makes the calls: hand over a plan, get back what came of it. Which agents there are, and where, is not asked here. */
import type { Metrics } from '../../crds/index.ts'
import type { CallResult, RunEvent, RunPlan, RunSummary, TracedMessage } from '../../agent/index.ts'

/** What came of one plan. Only the first says something of the target. */
export type Execution =
  | {
      kind: 'Finished'
      result: CallResult
      /** One entry a second of the call. */
      samples: ReadonlyArray<{ second: number; metrics: Metrics }>
      trace?: { messages: readonly TracedMessage[]; truncated: boolean }
      /** The agent was too busy to measure honestly, in one sentence: the result says nothing of the target. */
      saturation?: string
      /** A leader before us began it: it is judged by what was in force then. */
      begunAs?: Pick<RunSummary, 'generation' | 'thresholds'>
    }
  /** The agent went away in the middle. */
  | { kind: 'AgentLost'; message: string }
  /** There is none, or none has room. Nothing was called. */
  | { kind: 'NoAgent'; message: string }
  /** The agent does not take this plan: a fault of ours. Nothing was called. */
  | { kind: 'Refused'; message: string }

/** Where agents stand: those of a namespace at one of its locations. */
export interface Group {
  namespace: string
  location: string
}

export type Readiness = { kind: 'Ready' } | { kind: 'NotReady'; /** Why, in one sentence. */ message: string }

/** How many agents a location is to have, and how many of them take plans; more do so while they are replaced. */
export interface Strength {
  location: string
  wanted: number
  ready: number
}

export interface Agents extends AsyncDisposable {
  /** True: what runs goes on without this process, and whoever leads next takes it over. False: it ends with us. */
  readonly lasting: boolean
  /**
   * Carries out a plan on the agent that its id chooses, and never twice. When the signal aborts, the call is hung up and the result
   * says `stopped`. `onEvent` sees each event as it comes. Never rejects for what an agent does.
   */
  execute(plan: RunPlan, signal: AbortSignal, onEvent?: (event: RunEvent) => void): Promise<Execution>
  /** The results of these executions are stored: agents forget them. Until then a leader that follows finds them there. */
  stored(ids: readonly string[]): void
  /** What a leader before us began for this probe, and nobody has stored: it is not to be called again, `execute` takes it over. */
  begun(probe: { namespace: string; name: string }): readonly RunSummary[]
  /** Whether plans for there are taken now. */
  readiness(group: Group): Readiness
  /** The readiness of a group may have changed. */
  onChange(handler: (group: Group) => void): Disposable
  /** How many take plans now. */
  ready(): number
  /** Of each location that there is, now. */
  strength(): readonly Strength[]
}
