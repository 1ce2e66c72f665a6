import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAgentClient, Runs, startServer } from '../../agent/api/index.ts'
import { planOf } from '../../agent/api/plans.fixture.ts'
import type { RunEvent } from '../../agent/index.ts'
import type { Clock } from '../../lib/clock.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { createAuthority } from './certificates.ts'
import type { ReadyAgent } from './execution.ts'
import { executeOn } from './execution.ts'

const log = createLog({ name: 'test', level: 'silent' })
/** Nobody waits a second in these tests. */
const fast: Clock = { ...systemClock, timer: (delay, callback) => systemClock.timer(delay / 50, callback) }

let stack: AsyncDisposableStack
let gone: AbortController

beforeEach(() => {
  stack = new AsyncDisposableStack()
  gone = new AbortController()
})
afterEach(() => stack.disposeAsync())

interface Agent {
  agent: ReadyAgent
  runs: Runs
  emit(event: RunEvent): void
  started: Promise<void>
  stopped: Promise<void>
}

/** A real server over TLS whose runs do what the test says: nothing. */
async function agentOf(limits: { running?: number; idle?: number } = {}): Promise<Agent> {
  const authority = await createAuthority(systemClock)
  const started = Promise.withResolvers<void>()
  const stopped = Promise.withResolvers<void>()
  let emit: (event: RunEvent) => void = () => {}
  const runs = new Runs({
    clock: systemClock,
    log,
    limits,
    start: (plan, emitEvent) => {
      emit = emitEvent
      started.resolve()
      return { id: plan.id, finished: new Promise(() => {}), stop: () => stopped.resolve() }
    },
  })
  const identity = await authority.issueServer('agent', ['127.0.0.1'])
  const server = stack.use(await startServer({ runs, log, credentials: { ...identity, ca: authority.ca } }))
  const credentials = { ca: authority.ca, ...(await authority.issueClient('operator')) }
  const client = stack.use(
    createAgentClient({
      url: `https://127.0.0.1:${server.port}`,
      credentials: () => credentials,
      clock: fast,
      random: systemRandom,
    }),
  )
  const agent = { name: 'agent-0', client, gone: gone.signal }
  return { agent, runs, emit: (event) => emit(event), started: started.promise, stopped: stopped.promise }
}

const execution = (signal = new AbortController().signal) => ({
  plan: planOf(),
  signal,
  clock: fast,
  onEvent: undefined,
})

describe('a plan on one agent', () => {
  test('that has no room, or goes away, is to be offered to another', async () => {
    const full = await agentOf({ running: 0 })
    expect(await executeOn(full.agent, execution())).toMatchObject({ kind: 'Busy' })
    const draining = await agentOf()
    await draining.runs.drain()
    expect(await executeOn(draining.agent, execution())).toMatchObject({ kind: 'Busy' })
  })

  test('that does not take it is refused, with its reason', async () => {
    const { agent, runs } = await agentOf()
    runs.start(planOf({ id: 'before', epoch: 9 }))
    expect(await executeOn(agent, execution())).toEqual({
      kind: 'Refused',
      message: 'agent-0: This is of epoch 1, and there was a leader of 9.',
    })
  })

  test('that forgets it in the middle is lost', async () => {
    const { agent, runs, started } = await agentOf()
    const executing = executeOn(agent, execution())
    await started
    runs[Symbol.dispose]()
    expect(await executing).toMatchObject({ kind: 'AgentLost' })
  })

  test('that says nothing but that it lives is lost after the longest time that the plan can take, and told to stop', async () => {
    const { agent, stopped } = await agentOf({ idle: 100 })
    const endpoint = { ...planOf().endpoint, callDuration: 4000 }
    const plan = planOf({ endpoint, timeouts: { register: 0, answer: 1000, call: 0 } })
    expect(await executeOn(agent, { ...execution(), plan })).toEqual({
      kind: 'AgentLost',
      message: 'The agent agent-0 did not end it within 65 s.',
    })
    await stopped
  })

  test('that is known to be dead is lost at once', async () => {
    const { agent, started } = await agentOf()
    const executing = executeOn(agent, execution())
    await started
    gone.abort()
    expect(await executing).toMatchObject({ kind: 'AgentLost' })
  })

  test('that does not react when it is stopped: we cut it ourselves all the same', async () => {
    const { agent, started } = await agentOf()
    const stopping = new AbortController()
    const executing = executeOn(agent, execution(stopping.signal))
    await started
    stopping.abort()
    expect(await executing).toMatchObject({ kind: 'Finished', result: { stopped: true } })
  })
})
