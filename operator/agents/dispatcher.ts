/** Offers a plan to agents, one after the other, until one takes it, and remembers who has its result until it is stored. Which agents there are, it is told. */
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { AgentClient } from '../../agent/api/index.ts'
import type { Execution } from './agents.ts'
import type { ExecutionOptions, ReadyAgent } from './execution.ts'
import { executeOn, stopped } from './execution.ts'
import { ranked } from './placement.ts'

export interface DispatcherOptions {
  /** Those that take this plan now. */
  agents: (plan: ExecutionOptions['plan']) => readonly ReadyAgent[]
  clock: Clock
  log: Log
}

/** How long a plan waits for an agent that is just being started (again), milliseconds. */
const AGENT_WITHIN = 5000

export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #waiting = new Set<() => void>()
  /** Executions whose result came and is not stored yet. */
  readonly #kept = new Map<string, AgentClient>()

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  /** An agent has become ready: plans may be waiting for it. */
  wake(): void {
    for (const each of [...this.#waiting]) each()
  }

  /** Never twice: an agent that may have begun is the last one that is asked. */
  async execute(options: ExecutionOptions): Promise<Execution> {
    const { clock, log } = this.#options
    const { plan, signal } = options
    const agents = ranked(plan.id, await this.#whenReady(options))
    for (const agent of agents) {
      if (signal.aborted) return stopped(clock)
      const outcome = await this.executeOn(agent, options)
      if (outcome.kind !== 'Busy') return outcome
      log.info({ agent: agent.name, run: plan.id, reason: outcome.message }, 'the agent has no room')
    }
    if (signal.aborted) return stopped(clock)
    return { kind: 'NoAgent', message: agents.length === 0 ? 'No agent is ready.' : 'No agent has room.' }
  }

  async executeOn(
    agent: ReadyAgent,
    options: ExecutionOptions,
  ): Promise<Execution | { kind: 'Busy'; message: string }> {
    const outcome = await executeOn(agent, options)
    if (outcome.kind === 'Finished') this.#kept.set(options.plan.id, agent.client)
    return outcome
  }

  /** Agents that do not hear it forget by themselves, after some minutes. */
  stored(ids: readonly string[]): void {
    for (const id of ids) {
      void this.#kept.get(id)?.acknowledge(id)
      this.#kept.delete(id)
    }
  }

  /** Some agents as soon as there are any; none when there are none for too long. */
  async #whenReady({ plan, signal }: ExecutionOptions): Promise<readonly ReadyAgent[]> {
    const { agents, clock } = this.#options
    const over = new AbortController()
    using _ = clock.timer(AGENT_WITHIN, () => over.abort())
    const either = AbortSignal.any([over.signal, signal])
    for (;;) {
      const ready = agents(plan)
      if (ready.length > 0 || either.aborted) return ready
      await this.#woken(either)
    }
  }

  async #woken(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const onWake = () => resolve()
    this.#waiting.add(onWake)
    signal.addEventListener('abort', onWake, { once: true })
    try {
      await promise
    } finally {
      this.#waiting.delete(onWake)
      signal.removeEventListener('abort', onWake)
    }
  }
}
