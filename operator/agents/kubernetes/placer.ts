/** The reconciler of agents: while a probe needs them at a location, their objects are there; afterwards they are not. It speaks with no agent. */
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Random } from '../../../lib/random.ts'
import { WorkQueue } from '../../../lib/work-queue.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { MadeKind, Workloads } from '../../cluster/workloads.ts'
import type { Group } from '../agents.ts'
import type { Location, Locations } from './locations.ts'
import { locationOf } from './locations.ts'
import type { AgentImage, OperatorPods } from './objects.ts'
import { deploymentOf, groupOf, networkPolicyOf, objectName, secretOf, serverNameOf } from './objects.ts'
import type { Trust } from './trust.ts'

export interface PlacerOptions {
  cluster: Pick<Cluster, 'list' | 'onChange' | 'isPaused'>
  workloads: Workloads
  /** That of the moment. */
  trust: () => Trust
  locations: Locations
  image: AgentImage
  operator: OperatorPods
  /** Whether we may write. */
  holds: () => boolean
  clock: Clock
  random: Random
  log: Log
}

/** Probes come and go by the thousand: all that happens within so many milliseconds is one look. */
const GATHER = 200
/** The Deployment comes last: while it is there, the others are looked for too. */
const REMOVED: readonly MadeKind[] = ['NetworkPolicy', 'Secret', 'Deployment']

const textOf = ({ namespace, location }: Group): string => `${namespace}/${location}`

function groupIn(text: string): Group {
  const [namespace = '', location = ''] = text.split('/')
  return { namespace, location }
}

export class Placer implements AsyncDisposable {
  readonly #options: PlacerOptions
  readonly #queue: WorkQueue
  readonly #subscriptions = new DisposableStack()
  /** What was applied last, as text. */
  readonly #applied = new Map<string, string>()
  readonly #gathered = new Set<string>()
  #gathering: Disposable | undefined

  constructor(options: PlacerOptions) {
    this.#options = options
    const { cluster, workloads, clock, random, log } = options
    this.#queue = new WorkQueue({
      ...{ clock, random },
      handle: (text) => this.#reconcile(groupIn(text)),
      onError: (group, error) => log.error({ error, group }, 'agents cannot be placed, trying again'),
    })
    this.#subscriptions.use(
      cluster.onChange(({ kind, key }) => void (kind === 'SipProbe' && this.#note(key.namespace))),
    )
    this.#subscriptions.use(workloads.onChange((namespace) => this.#note(namespace)))
    this.#subscriptions.defer(() => this.#gathering?.[Symbol.dispose]())
    this.lookAtAll()
  }

  /** Everything is looked at again, also what was applied: somebody may have changed it, certificates may be due. */
  lookAtAll(): void {
    const { cluster, workloads } = this.#options
    this.#applied.clear()
    for (const { metadata } of [...cluster.list('SipProbe')]) this.#note(metadata.namespace)
    for (const { namespace } of workloads.deployments()) this.#note(namespace)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscriptions.dispose()
    await this.#queue[Symbol.asyncDispose]()
  }

  #note(namespace: string): void {
    this.#gathered.add(namespace)
    this.#gathering ??= this.#options.clock.timer(GATHER, () => {
      this.#gathering = undefined
      for (const each of this.#gathered) for (const group of this.#groupsIn(each)) this.#queue.add(textOf(group))
      this.#gathered.clear()
    })
  }

  /** Those that are needed or there. */
  #groupsIn(namespace: string): Group[] {
    const { locations } = this.#options
    const there = this.#placed(namespace).map(({ location }) => location)
    return [...new Set([...Object.keys(locations), ...there])].map((location) => ({ namespace, location }))
  }

  #placed(namespace: string): Group[] {
    const ours = this.#options.workloads.deployments().filter((each) => each.namespace === namespace)
    return ours.flatMap(({ labels }) => groupOf(namespace, labels) ?? [])
  }

  async #reconcile(group: Group): Promise<void> {
    const { holds, locations } = this.#options
    if (!holds()) return
    const location = locationOf(locations, group.location)
    const executions = this.#executions(group)
    const isPlaced = this.#placed(group.namespace).some((each) => each.location === group.location)
    if (location && location.agents.length === 0 && executions > 0)
      await this.#place(group, location, { executions, isPlaced })
    else if (isPlaced) await this.#remove(group)
  }

  /** How many can run at once: a round at a time of each probe that is not suspended. */
  #executions({ namespace, location }: Group): number {
    const { cluster } = this.#options
    if (cluster.isPaused(namespace)) return 0
    const calls = cluster
      .list('SipProbe')
      .filter(({ metadata, spec }) => metadata.namespace === namespace && !spec.suspend)
      .filter(({ spec }) => spec.locations.some(({ name }) => name === location))
    return calls.length
  }

  async #place(
    group: Group,
    location: Location,
    { executions, isPlaced }: { executions: number; isPlaced: boolean },
  ): Promise<void> {
    const { workloads, trust, image, operator, log } = this.#options
    const question = { group, location, executions, image, operator }
    const objects = [networkPolicyOf(question), deploymentOf(question)]
    const text = JSON.stringify(objects)
    if (isPlaced && this.#applied.get(textOf(group)) === text) return
    const present = await workloads.secret({ namespace: group.namespace, name: objectName(group) })
    const data = await trust().serverData(serverNameOf(group), present)
    // Pods wait for their certificate: it is there before them.
    if (data !== present) await workloads.apply(secretOf(group, data))
    for (const object of objects) await workloads.apply(object)
    this.#applied.set(textOf(group), text)
    if (!isPlaced) log.info({ group, executions }, 'agents are placed')
  }

  async #remove(group: Group): Promise<void> {
    const { workloads, log } = this.#options
    this.#applied.delete(textOf(group))
    for (const kind of REMOVED) await workloads.delete(kind, { namespace: group.namespace, name: objectName(group) })
    log.info({ group }, 'agents are not needed any more, and are removed')
  }
}
