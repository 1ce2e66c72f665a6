/** Agents as child processes of this one: started, watched, started again. What a child is told is in child.ts. */
import type { Clock } from '../../lib/clock.ts'
import type { Log, LogLevel } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { Agents } from './agents.ts'
import { createAuthority } from './certificates.ts'
import { AgentChild } from './child.ts'
import { Dispatcher } from './dispatcher.ts'
import type { ReadyAgent } from './execution.ts'

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

/** The one place where child processes are. */
const LOCATION = 'default'

/** Resolves when each agent is ready, or has failed once: then it is tried again, slower and slower, and plans find what is there. */
export async function startLocalAgents(options: LocalAgentsOptions): Promise<Agents> {
  const { count, clock, log, random, entry, agentLog = {} } = options
  const authority = await createAuthority(clock)
  const client = await authority.issueClient('operator')
  const children = Array.from({ length: count }, (_, index) => {
    const name = `agent-${index}`
    return new AgentChild({ name, authority, client, clock, random, entry, agentLog, log: log.child({ agent: name }) })
  })
  const readyAgents = (): ReadyAgent[] => children.flatMap((child) => (child.ready ? [child.ready] : []))
  const dispatcher = new Dispatcher({ agents: readyAgents, clock, log })
  for (const child of children) child.start(() => dispatcher.wake())
  await Promise.all(children.map((child) => child.attempted))
  return {
    lasting: false,
    execute: (plan, signal, onEvent) => dispatcher.execute({ plan, signal, onEvent, clock }),
    stored: (ids) => dispatcher.stored(ids),
    begun: () => [],
    readiness: ({ location }) =>
      location === LOCATION
        ? { kind: 'Ready' }
        : { kind: 'NotReady', message: `There is no location ${location}; there is: ${LOCATION}.` },
    // A child that died is started again before anybody needs to be told.
    onChange: () => ({ [Symbol.dispose]: () => {} }),
    ready: () => readyAgents().length,
    strength: () => [{ location: LOCATION, wanted: count, ready: readyAgents().length }],
    async [Symbol.asyncDispose]() {
      await Promise.all(children.map((child) => child[Symbol.asyncDispose]()))
    },
  }
}
