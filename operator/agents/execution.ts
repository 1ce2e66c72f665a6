/** One plan on one agent: start it, or find it begun, and gather what it says. It chooses no agent and judges nothing. */
import type { Clock } from '../../lib/clock.ts'
import type { AgentClient } from '../../agent/api/index.ts'
import type { CallResult, RunEvent, RunPlan, RunSummary } from '../../agent/index.ts'
import type { Execution } from './agents.ts'

export interface ReadyAgent {
  readonly name: string
  readonly client: AgentClient
  /** Aborts when the agent is known to be dead, sooner than its connections tell. */
  readonly gone: AbortSignal
}

export interface ExecutionOptions {
  plan: RunPlan
  signal: AbortSignal
  clock: Clock
  onEvent: ((event: RunEvent) => void) | undefined
  /** The agent has it already, from a leader before us. */
  begun?: RunSummary
}

/** Milliseconds that a run may take beyond the deadlines of its plan: two goodbyes, and what a busy machine adds. */
const MARGIN = 60_000
/** Milliseconds from the stop to the last event: two goodbyes (1.5 s each) and a little. */
const STOPPED_WITHIN = 6000

/** `Busy`: it has no room or goes away, and has not begun. */
export async function executeOn(
  agent: ReadyAgent,
  options: ExecutionOptions,
): Promise<Execution | { kind: 'Busy'; message: string }> {
  const { plan, signal, clock, begun } = options
  const answer = begun ? { kind: 'Accepted' as const } : await orGone(agent.client.start(plan), agent.gone)
  if (!answer) return lost(options, `The agent ${agent.name} is gone.`)
  if (answer.kind === 'Unreachable') return lost(options, `The agent ${agent.name} does not answer: ${answer.detail}.`)
  if (answer.kind === 'Refused')
    return { kind: answer.code === 503 ? 'Busy' : 'Refused', message: `${agent.name}: ${answer.message}` }

  using timers = new DisposableStack()
  const givenUp = new AbortController()
  const stop = () => {
    void agent.client.stop(plan.id)
    timers.use(clock.timer(STOPPED_WITHIN, () => givenUp.abort()))
  }
  // One that only gives signs of life would be waited for for ever.
  const late = new AbortController()
  const end = () => {
    void agent.client.stop(plan.id)
    late.abort()
  }
  timers.use(clock.timer(longest(plan), end))
  signal.addEventListener('abort', stop, { once: true })
  timers.defer(() => signal.removeEventListener('abort', stop))
  if (signal.aborted) stop()
  const execution = await gather(agent, options, AbortSignal.any([agent.gone, givenUp.signal, late.signal]))
  if (execution.kind !== 'AgentLost' || !late.signal.aborted) return execution
  return lost(options, `The agent ${agent.name} did not end it within ${longest(plan) / 1000} s.`)
}

/** Milliseconds from the start to the last event, whatever the target does. */
function longest({ endpoint, timeouts }: RunPlan): number {
  const wait = endpoint.role === 'Callee' ? timeouts.call : timeouts.answer
  return timeouts.register + wait + endpoint.callDuration + MARGIN
}

async function gather(agent: ReadyAgent, options: ExecutionOptions, until: AbortSignal): Promise<Execution> {
  const { plan, onEvent, begun } = options
  const gathered = new Gathered()
  for await (const followed of agent.client.events(plan.id, 0, until)) {
    if (followed.kind === 'Lost') return lost(options, `The agent ${agent.name} was lost: ${followed.detail}.`)
    onEvent?.(followed.event)
    gathered.add(followed.event)
  }
  const execution = gathered.execution()
  if (!execution) return lost(options, `The agent ${agent.name} is gone.`)
  const { generation, thresholds } = begun ?? plan
  return begun ? { ...execution, begunAs: { generation, thresholds } } : execution
}

/** Puts an Execution together from the events of a run. */
export class Gathered {
  readonly #samples: Array<{ second: number; metrics: CallResult['metrics'] }> = []
  #result: CallResult | undefined
  #trace: { messages: Extract<RunEvent, { type: 'Trace' }>['messages']; truncated: boolean } | undefined
  #saturation: string | undefined

  add(event: RunEvent): void {
    switch (event.type) {
      case 'Sample':
        this.#samples.push({ second: event.second, metrics: event.metrics })
        return
      case 'Call':
        this.#result = event.result
        return
      case 'Trace':
        this.#trace = { messages: event.messages, truncated: event.truncated }
        return
      case 'Saturation':
        this.#saturation = event.reason
        return
      case 'Phase':
      case 'End':
        return
    }
  }

  /** Undefined: the result has not come. */
  execution(): Extract<Execution, { kind: 'Finished' }> | undefined {
    if (!this.#result) return undefined
    return {
      kind: 'Finished',
      result: this.#result,
      samples: this.#samples,
      ...(this.#trace && { trace: this.#trace }),
      ...(this.#saturation !== undefined && { saturation: this.#saturation }),
    }
  }
}

/** An agent that is lost after we stopped the call is no fault of anybody: we cut it ourselves. */
function lost({ signal, clock }: ExecutionOptions, message: string): Execution {
  return signal.aborted ? stopped(clock) : { kind: 'AgentLost', message }
}

/** The result of a call that we cut before an agent could say anything. */
export function stopped(clock: Clock): Execution {
  const now = clock.now()
  const result: CallResult = {
    outcome: 'Success',
    message: 'We ended it ourselves.',
    stopped: true,
    metrics: {},
    findings: [],
    startedAt: now,
    finishedAt: now,
    retransmissions: { sent: 0, received: 0 },
    authenticationRounds: 0,
  }
  return { kind: 'Finished', result, samples: [] }
}

async function orGone<T>(promise: Promise<T>, gone: AbortSignal): Promise<T | undefined> {
  if (gone.aborted) return undefined
  const left = Promise.withResolvers<undefined>()
  const onGone = () => left.resolve(undefined)
  gone.addEventListener('abort', onGone, { once: true })
  try {
    return await Promise.race([promise, left.promise])
  } finally {
    gone.removeEventListener('abort', onGone)
  }
}
