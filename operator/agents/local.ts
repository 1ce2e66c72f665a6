/** Agents as child processes of this one: started, watched, started again. What a child is told is in child.ts. */
import type { Clock } from '../../lib/clock.ts'
import type { Log, LogLevel } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { Agents, Execution } from './agents.ts'
import { createAuthority } from './certificates.ts'
import { AgentChild } from './child.ts'
import type { ReadyAgent } from './execution.ts'
import { executeOn, stopped } from './execution.ts'
import { ranked } from './placement.ts'

export interface LocalAgentsOptions {
  /** 1 or more; one uses one core. */
  count: number
  clock: Clock
  log: Log
  random: Random
  /** File to run in a child process, with the argument `agent`: it calls `runAgent`. */
  entry: string
  /** How the agents themselves log, to the standard error they share with us. Default: JSON from `info` on. */
  agentLog?: { level?: LogLevel; pretty?: boolean }
}

/** How long a plan waits for an agent that is just being started (again), milliseconds. */
const AGENT_WITHIN = 5000

/** Resolves when each agent is ready, or has failed once: then it is tried again, slower and slower, and plans find what is there. */
export async function startLocalAgents(options: LocalAgentsOptions): Promise<Agents> {
  const { count, clock, log, random, entry, agentLog = {} } = options
  const authority = await createAuthority(clock)
  const client = await authority.issueClient('operator')
  const children = Array.from({ length: count }, (_, index) => {
    const name = `agent-${index}`
    return new AgentChild({ name, authority, client, clock, random, entry, agentLog, log: log.child({ agent: name }) })
  })
  const waiting = new Set<() => void>()
  const tell = () => {
    for (const each of [...waiting]) each()
  }
  for (const child of children) child.start(tell)
  await Promise.all(children.map((child) => child.attempted))

  const readyAgents = (): ReadyAgent[] => children.flatMap((child) => (child.ready ? [child.ready] : []))

  /** Some agents as soon as there are any; none when there are none for too long. */
  const whenReady = async (signal: AbortSignal): Promise<readonly ReadyAgent[]> => {
    if (readyAgents().length > 0 || signal.aborted) return readyAgents()
    const over = Promise.withResolvers<void>()
    const onOver = () => over.resolve()
    using _ = clock.timer(AGENT_WITHIN, onOver)
    waiting.add(onOver)
    signal.addEventListener('abort', onOver, { once: true })
    try {
      await over.promise
    } finally {
      waiting.delete(onOver)
      signal.removeEventListener('abort', onOver)
    }
    return readyAgents()
  }

  const execute: Agents['execute'] = async (plan, signal, onEvent): Promise<Execution> => {
    const agents = ranked(plan.id, await whenReady(signal))
    for (const agent of agents) {
      if (signal.aborted) return stopped(clock)
      const outcome = await executeOn(agent, { plan, signal, clock, onEvent })
      if (outcome.kind !== 'Busy') return outcome
      log.info({ agent: agent.name, run: plan.id, reason: outcome.message }, 'the agent has no room')
    }
    if (signal.aborted) return stopped(clock)
    return { kind: 'NoAgent', message: agents.length === 0 ? 'No agent is ready.' : 'No agent has room.' }
  }

  return {
    execute,
    ready: () => readyAgents().length,
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map((child) => child[Symbol.asyncDispose]()))
    },
  }
}
