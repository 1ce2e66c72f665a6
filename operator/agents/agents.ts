/** The door to whoever makes the calls: hand over a plan, get back what came of it. Which agents there are, and where, is not asked here. */
import type { Metrics } from '../../crds/index.ts'
import type { CallResult, RunEvent, RunPlan, TracedMessage } from '../../agent/index.ts'

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
    }
  /** The agent went away in the middle. */
  | { kind: 'AgentLost'; message: string }
  /** There is none, or none has room. Nothing was called. */
  | { kind: 'NoAgent'; message: string }
  /** The agent does not take this plan: a fault of ours. Nothing was called. */
  | { kind: 'Refused'; message: string }

export interface Agents extends AsyncDisposable {
  /**
   * Carries out a plan on the agent that its id chooses, and never twice. When the signal aborts, the call is hung up and the result
   * says `stopped`. `onEvent` sees each event as it comes. Never rejects for what an agent does.
   */
  execute(plan: RunPlan, signal: AbortSignal, onEvent?: (event: RunEvent) => void): Promise<Execution>
  /** How many take plans now. */
  ready(): number
}
