import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { planOf } from '../../agent/api/plans.fixture.ts'
import type { RunPlan } from '../../agent/index.ts'
import { createPeer } from '../../agent/run/peer.fixture.ts'
import type { Peer } from '../../agent/run/peer.fixture.ts'
import type { Call } from '../../agent/sip/index.ts'
import type { Clock } from '../../lib/clock.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { startLocalAgents } from './local.ts'
import type { LocalAgentsOptions } from './local.ts'

const ENTRY = join(import.meta.dirname, 'agent.fixture.ts')

let stack: AsyncDisposableStack
let peer: Peer
/** Processes of agents, in the order they were started. */
let pids: number[]
let onReady: () => void
/** How often an agent ended by itself. */
let attempts: number
/** The call at the peer, once it is up. */
let answered: PromiseWithResolvers<Call>

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  pids = []
  onReady = () => {}
  attempts = 0
  peer = stack.use(await createPeer())
  answered = Promise.withResolvers()
  peer.on('echo', async (incoming) => {
    const call = await peer.answer(incoming)
    if (call) answered.resolve(call)
  })
})
afterEach(() => stack.disposeAsync())

async function agentsOf(options: Partial<LocalAgentsOptions> = {}) {
  const write = (line: string) => {
    const { agentPid: pid, msg } = JSON.parse(line) as { agentPid?: number; msg: string }
    if (msg === 'the agent is gone, it is started again') attempts++
    if (msg !== 'the agent is ready' || pid === undefined) return
    pids.push(pid)
    onReady()
  }
  const log = createLog({ name: 'test', level: 'info', destination: { write } })
  const common = { count: 1, clock: systemClock, random: systemRandom, log, entry: ENTRY }
  return stack.use(await startLocalAgents({ ...common, ...options }))
}

function plan(changes: Partial<RunPlan> = {}, callDuration = 60_000): RunPlan {
  const base = planOf()
  const registrar = { ...base.endpoint.registrar, port: peer.port, register: true }
  return { ...base, endpoint: { ...base.endpoint, registrar, callDuration }, ...changes }
}

/** A process that has ended and was not yet collected still has an entry, in state Z. */
function alive(pid: number | undefined): boolean {
  const status = `/proc/${pid}/status`
  return existsSync(status) && !/^State:\s+Z/m.test(readFileSync(status, 'utf8'))
}

async function until(question: () => boolean): Promise<void> {
  while (!question()) await new Promise((resolve) => setTimeout(resolve, 20))
}

const never = new AbortController().signal

describe('local agents', { timeout: 30_000 }, () => {
  test('carry out a plan in another process and bring everything back', async () => {
    const agents = await agentsOf()
    expect(agents.ready()).toBe(1)
    const seen: string[] = []
    const execution = await agents.execute(plan({}, 1200), never, (event) => void seen.push(event.type))
    expect(execution).toMatchObject({ kind: 'Finished', result: { outcome: 'Success' }, samples: [{ second: 0 }] })
    expect(execution.kind === 'Finished' && execution.trace?.messages.length).toBeGreaterThan(4)
    expect(seen).toContain('Phase')
    expect(seen.at(-1)).toBe('End')
    expect(pids[0]).not.toBe(process.pid)
    expect(peer.contacts).toEqual([])
  })

  test('share plans: each gets its own', async () => {
    const agents = await agentsOf({ count: 2 })
    expect(agents.ready()).toBe(2)
    const ids = ['a', 'b', 'c', 'd', 'e', 'f']
    const executions = await Promise.all(ids.map((id) => agents.execute({ ...plan({ id, check: 'Options' }) }, never)))
    expect(executions.map(({ kind }) => kind)).toEqual(ids.map(() => 'Finished'))
  })

  test('hang up when the plan is stopped', async () => {
    const agents = await agentsOf()
    const stopping = new AbortController()
    const executing = agents.execute(plan(), stopping.signal)
    const call = await answered.promise
    stopping.abort()
    expect(await executing).toMatchObject({ kind: 'Finished', result: { stopped: true } })
    expect(await call.ended).toMatchObject({ by: 'Remote', reason: 'stopped' })
    expect(peer.contacts).toEqual([])
  })

  test('do not begin what was stopped before', async () => {
    const agents = await agentsOf()
    const execution = await agents.execute(plan(), AbortSignal.abort())
    expect(execution).toMatchObject({ kind: 'Finished', result: { stopped: true } })
    expect(peer.contacts).toEqual([])
  })

  test('that die in a call are lost, and start again', async () => {
    const agents = await agentsOf()
    const executing = agents.execute(plan(), never)
    await answered.promise
    const again = new Promise<void>((resolve) => (onReady = resolve))
    process.kill(pids[0] ?? 0, 'SIGKILL')
    expect(await executing).toMatchObject({ kind: 'AgentLost' })
    await again
    expect(agents.strength()).toEqual([{ location: 'default', wanted: 1, ready: 1 }])
    expect(await agents.execute(plan({ id: 'run-2', check: 'Options' }), never)).toMatchObject({ kind: 'Finished' })
    expect(pids).toHaveLength(2)
  })

  test('that cannot be started are none: nothing is called', async () => {
    const fast: Clock = { ...systemClock, timer: (delay, callback) => systemClock.timer(delay / 50, callback) }
    const agents = await agentsOf({ entry: devNull, clock: fast })
    expect(agents.ready()).toBe(0)
    expect(agents.strength()).toEqual([{ location: 'default', wanted: 1, ready: 0 }])
    expect(await agents.execute(plan(), never)).toEqual({ kind: 'NoAgent', message: 'No agent is ready.' })
    // It is tried again and again, each time later.
    await until(() => attempts >= 4)
  })

  test('end at once after their last run', async () => {
    const agents = await agentsOf({ count: 2 })
    const ids = ['a', 'b', 'c', 'd']
    for (const id of ids) await agents.execute(plan({ id, check: 'Options' }), never)
    agents.stored(ids)
    const began = performance.now()
    await agents[Symbol.asyncDispose]()
    // What hangs is given up after 4.5 s.
    expect(performance.now() - began).toBeLessThan(4000)
    expect(pids.filter(alive)).toEqual([])
  })

  test('hang up, unregister and end when they are disposed of in a call', async () => {
    const agents = await agentsOf()
    const executing = agents.execute(plan(), never)
    const call = await answered.promise
    await agents[Symbol.asyncDispose]()
    expect(await call.ended).toMatchObject({ by: 'Remote', reason: 'stopped' })
    expect(await executing).toMatchObject({ kind: 'Finished', result: { stopped: true } })
    expect(peer.contacts).toEqual([])
    expect(alive(pids[0])).toBe(false)
  })
})

describe('a result', { timeout: 30_000 }, () => {
  test('is kept by its agent until it is stored', async () => {
    const agents = await agentsOf()
    await agents.execute(plan({ check: 'Options' }), never)
    const disposing = agents[Symbol.asyncDispose]()
    // It waits for whoever must store it.
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(alive(pids[0])).toBe(true)
    agents.stored(['run-1'])
    await disposing
    expect(alive(pids[0])).toBe(false)
  })
})

describe('an agent whose parent is killed', { timeout: 30_000 }, () => {
  test('hangs up, unregisters and ends within 5 s', async () => {
    const parent = spawn(process.execPath, [join(import.meta.dirname, 'parent.fixture.ts'), JSON.stringify(plan())], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(parent, 'exit')
    try {
      let agent: number | undefined
      for await (const line of createInterface({ input: parent.stdout })) {
        const { agentPid, msg } = JSON.parse(line) as { agentPid?: number; msg: string }
        if (msg === 'the agent is ready') agent = agentPid
        if (agent !== undefined) break
      }
      const call = await answered.promise
      expect(peer.contacts).toHaveLength(1)
      const killed = performance.now()
      parent.kill('SIGKILL')
      expect(await call.ended).toMatchObject({ by: 'Remote', reason: 'stopped' })
      await until(() => !alive(agent))
      expect(performance.now() - killed).toBeLessThan(5000)
      expect(peer.contacts).toEqual([])
    } finally {
      parent.kill('SIGKILL')
      await exited
    }
  })
})
