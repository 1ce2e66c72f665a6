/** The agents of a cluster, for the operator that leads: gives them plans, and takes over what the leader before began. */
import type { Clock } from '../../../lib/clock.ts'
import { sleep } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Random } from '../../../lib/random.ts'
import type { RunEvent, RunPlan, RunSummary } from '../../../agent/index.ts'
import type { Cluster, Key } from '../../cluster/cluster.ts'
import type { Workloads } from '../../cluster/workloads.ts'
import type { Agents, Execution, Group, Readiness, Strength } from '../agents.ts'
import { Dispatcher } from '../dispatcher.ts'
import { stopped } from '../execution.ts'
import type { Locations } from './locations.ts'
import type { Member } from './member.ts'
import { Members } from './members.ts'
import type { AgentImage, OperatorPods } from './objects.ts'
import { groupOf } from './objects.ts'
import { Placer } from './placer.ts'
import { readinessOf } from './readiness.ts'
import { Trust } from './trust.ts'

export interface KubernetesAgentsOptions {
  cluster: Pick<Cluster, 'list' | 'onChange' | 'isPaused'>
  /** Those with the labels `AGENTS`. */
  workloads: Workloads
  locations: Locations
  image: AgentImage
  operator: OperatorPods
  /** The Secret of the authority, in the operator's namespace. */
  authority: Key
  /** Our time of leading: the next one has agents of its own. */
  term: { readonly epoch: number; holds(): boolean }
  clock: Clock
  random: Random
  log: Log
}

/** Milliseconds that a new leader waits for the agents to say what they have; of those that are slower, later. */
const ASKED_WITHIN = 6_000
const RENEW_EVERY = 3_600_000

const textOf = ({ namespace, location }: Group): string => `${namespace}/${location}`

/** Resolves when the agents were asked what they have. Throws when the authority cannot be read or made. */
export async function startKubernetesAgents(options: KubernetesAgentsOptions): Promise<Agents> {
  const { workloads, authority: secret, clock, log } = options
  await workloads.listed
  const agents = new KubernetesAgents(options, await Trust.renewed({ workloads, secret, clock, log }))
  await agents.asked()
  return agents
}

class KubernetesAgents implements Agents {
  readonly lasting = true
  readonly #options: KubernetesAgentsOptions
  /** What the leader before began and nobody has stored, and who has it. */
  readonly #begun = new Map<string, { run: RunSummary; member: Member }>()
  /** What was said of each group last. */
  readonly #said = new Map<string, { group: Group; readiness: Readiness }>()
  readonly #handlers = new Set<(group: Group) => void>()
  readonly #dispatcher: Dispatcher
  readonly #members: Members
  readonly #placer: Placer
  readonly #stopping = new AbortController()
  readonly #renewing: Promise<void>
  /** A slot until then may have been called by the leader before. Milliseconds since 1970. */
  #since: number
  #trust: Trust

  constructor(options: KubernetesAgentsOptions, trust: Trust) {
    const { operator, term, clock, log } = options
    this.#options = options
    this.#trust = trust
    this.#since = clock.now()
    this.#dispatcher = new Dispatcher({ agents: (plan) => this.#readyFor(plan), clock, log })
    this.#placer = new Placer({ ...options, trust: () => this.#trust, holds: () => term.holds() })
    this.#members = new Members({
      ...options,
      namespace: operator.namespace,
      epoch: term.epoch,
      trust: () => this.#trust,
      onAnswer: (member) => this.#answered(member),
      onPods: (namespace) => this.#tell(namespace),
    })
    this.#renewing = this.#renew()
  }

  async asked(): Promise<void> {
    const all = Promise.all(this.#members.all().map(({ asked }) => asked))
    const { clock } = this.#options
    await Promise.race([all, sleep(clock, ASKED_WITHIN)])
    this.#since = clock.now()
  }

  async execute(plan: RunPlan, signal: AbortSignal, onEvent?: (event: RunEvent) => void): Promise<Execution> {
    const { term, clock } = this.#options
    const silent = plan.slot <= this.#since ? await this.#silentFor(plan) : undefined
    // Asked right before: whoever lost the lead without having heard of it dispatches nothing.
    if (!term.holds() || this.#stopping.signal.aborted) return stopped(clock)
    const options = { plan, signal, onEvent, clock }
    const begun = this.#begun.get(plan.id)
    if (begun) {
      const outcome = await this.#dispatcher.executeOn(begun.member.agent, { ...options, begun: begun.run })
      return outcome.kind === 'Busy' ? noAgent(outcome.message) : outcome
    }
    if (!silent) return this.#dispatcher.execute(options)
    const message = `The agent ${silent.agent.name} may have begun it for the leader before, and does not answer.`
    return { kind: 'AgentLost', message }
  }

  stored(ids: readonly string[]): void {
    this.#dispatcher.stored(ids)
    for (const id of ids) {
      void this.#begun.get(id)?.member.agent.client.acknowledge(id)
      this.#begun.delete(id)
    }
  }

  begun({ namespace, name }: Key): readonly RunSummary[] {
    const runs = [...this.#begun.values()].map(({ run }) => run)
    return runs.filter((run) => run.namespace === namespace && run.name === name)
  }

  readiness(group: Group): Readiness {
    const readiness = this.#readinessOf(group)
    this.#said.set(textOf(group), { group, readiness })
    return readiness
  }

  onChange(handler: (group: Group) => void): Disposable {
    const own = (group: Group) => handler(group)
    this.#handlers.add(own)
    return { [Symbol.dispose]: () => void this.#handlers.delete(own) }
  }

  ready(): number {
    return this.#members.all().filter(({ isReady }) => isReady).length
  }

  strength(): readonly Strength[] {
    const { locations, workloads } = this.#options
    const members = this.#members.all()
    const deployments = workloads.deployments()
    return Object.entries(locations).map(([location, { agents }]) => {
      const placed = deployments.filter(({ namespace, labels }) => groupOf(namespace, labels)?.location === location)
      const ready = members.filter((member) => member.location === location && member.isReady).length
      return { location, wanted: placed.reduce((sum, { replicas }) => sum + replicas, agents.length), ready }
    })
  }

  /** What runs goes on at the agents. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#handlers.clear()
    await Promise.all([this.#members[Symbol.asyncDispose](), this.#placer[Symbol.asyncDispose](), this.#renewing])
  }

  #readyFor(plan: RunPlan) {
    return this.#members.of(plan).flatMap(({ isReady, agent }) => (isReady ? [agent] : []))
  }

  /** One that may have begun the plan for the leader before; it is given a little time to say so. */
  async #silentFor(plan: RunPlan): Promise<Member | undefined> {
    const { clock } = this.#options
    const silent = () => this.#members.of(plan).find(({ isSilent }) => isSilent)
    const until = clock.monotonic() + ASKED_WITHIN
    while (silent() && clock.monotonic() < until) await sleep(clock, 100, this.#stopping.signal)
    return silent()
  }

  #readinessOf(group: Group): Readiness {
    const { workloads, locations } = this.#options
    const members = this.#members.of(group)
    const made = [...workloads.pods(), ...workloads.deployments()].filter(
      ({ namespace, labels }) =>
        namespace === group.namespace && groupOf(namespace, labels)?.location === group.location,
    )
    return readinessOf({ group, locations, members, troubles: made.flatMap(({ trouble }) => trouble ?? []) })
  }

  #answered(member: Member): void {
    const { answer } = member
    const { term } = this.#options
    const runs = answer?.kind === 'Led' ? answer.runs : []
    // Whoever runs pods in one namespace has no say about the probes of another.
    for (const run of runs) if (run.epoch < term.epoch && member.serves(run)) this.#begun.set(run.id, { run, member })
    this.#tell(member.namespace)
  }

  /** Those who asked are told where the answer is another one now. @param namespace absent: all of them */
  #tell(namespace?: string): void {
    this.#dispatcher.wake()
    for (const { group, readiness } of this.#said.values()) {
      if (namespace !== undefined && group.namespace !== namespace) continue
      if (JSON.stringify(this.readiness(group)) === JSON.stringify(readiness)) continue
      for (const handler of this.#handlers) handler(group)
    }
  }

  async #renew(): Promise<void> {
    const { workloads, authority: secret, term, clock, log } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await sleep(clock, RENEW_EVERY, signal)
      if (signal.aborted || !term.holds()) continue
      try {
        this.#trust = await Trust.renewed({ workloads, secret, clock, log }, this.#trust)
      } catch (error) {
        log.error({ error, kept: secret }, 'certificates cannot be renewed, trying again')
      }
      this.#placer.lookAtAll()
    }
  }
}

const noAgent = (message: string): Execution => ({ kind: 'NoAgent', message })
