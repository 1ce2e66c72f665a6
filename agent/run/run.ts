/** Carries out one plan and tells what happens, to the last event, whatever happens. It judges nothing and keeps nothing. */
import type { RunEvent, RunPlan } from '../api/protocol.ts'
import { Trace } from '../sip/index.ts'
import type { EventBody, Surroundings } from './check.ts'
import { checks } from './checks.ts'
import { verdict } from './classify.ts'
import { Endpoint } from './endpoint.ts'

export interface RunOptions extends Surroundings {
  /** Called for each event, in order. The last one is End, and there is always one. */
  emit(event: RunEvent): void
}

export interface Run {
  readonly id: string
  /** Settles after End was emitted and everything was released; never rejects. */
  readonly finished: Promise<void>
  /** CANCEL or BYE, unregister, and the last events; the result says `stopped`. More than once is the same as once. */
  stop(): void
}

export function startRun(plan: RunPlan, options: RunOptions): Run {
  const stopping = new AbortController()
  return { id: plan.id, finished: carryOut(plan, options, stopping.signal), stop: () => stopping.abort() }
}

async function carryOut(plan: RunPlan, options: RunOptions, stop: AbortSignal): Promise<void> {
  const { clock } = options
  let seq = 0
  const emit = (event: EventBody) => options.emit({ ...event, seq: ++seq, at: clock.now() })
  const log = options.log.child({ run: plan.id, probe: `${plan.namespace}/${plan.name}` })
  const endpoint = new Endpoint({
    clock,
    onPhase: (phase, detail) => emit({ type: 'Phase', phase, ...(detail !== undefined && { detail }) }),
  })
  const trace = new Trace()
  const traces = [trace]
  const alsoTraced = (each: Trace) => void traces.push(each)
  const fault = new AbortController()
  const broken = (error: unknown) => {
    log.error({ error }, 'the run failed by a fault of ours')
    endpoint.fail(verdict('Internal', 'INVITE', 'Ringcheck itself failed; the log of the agent has the cause.'))
    fault.abort()
  }
  const signal = AbortSignal.any([stop, fault.signal])
  try {
    // Let the caller get its handle before the first event.
    await Promise.resolve()
    await checks[plan.check]({ ...options, plan, endpoint, trace, alsoTraced, emit, broken, log, signal })
  } catch (error) {
    broken(error)
  }
  endpoint.enter('Done')
  emit({ type: 'Call', result: endpoint.result() })
  emit({ type: 'Trace', ...joined(traces) })
  emit({ type: 'End' })
}

/** The messages of all requests of the run, in the order they were on the wire. */
function joined(traces: readonly Trace[]): Pick<Extract<RunEvent, { type: 'Trace' }>, 'messages' | 'truncated'> {
  const ordered = traces.flatMap((each) => each.messages).toSorted((left, right) => left.monotonic - right.monotonic)
  const [first] = ordered
  const messages = ordered.map(({ at, monotonic, retransmission, ...message }) => ({
    // The wall clock counts whole milliseconds and may jump: distances are those of the monotonic one.
    at: first ? first.at + (monotonic - first.monotonic) : at,
    ...message,
    ...(retransmission && { retransmission }),
  }))
  return { messages, truncated: traces.some(({ truncated }) => truncated) }
}
