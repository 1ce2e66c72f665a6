/** The cluster of a real Kubernetes: its objects kept in step with the API server, their status written back. It elects nobody and starts no pod. */
import type { KubeConfig } from '@kubernetes/client-node'
import { GROUP, VERSION, kinds } from '../../../crds/index.ts'
import type { Problem } from '../../../crds/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Random } from '../../../lib/random.ts'
import type { Cluster, ClusterEvent, Key, KeyedData, KeyedOctets, Kind, OfKind, Stored } from '../cluster.ts'
import type { KubeClient } from './client.ts'
import { openKubeClient } from './client.ts'
import type { LeasedTerm } from './election.ts'
import { EventWriter } from './events.ts'
import { KeyedDataReader } from './keyed-data.ts'
import { Objects } from './objects.ts'
import { Reflector } from './reflector.ts'
import type { Sink } from './reflector.ts'
import { StatusWriter } from './status-writer.ts'

export interface KubernetesClusterOptions {
  config: KubeConfig
  /** Only this namespace is looked at; absent: all of them. */
  namespace?: string
  /** Who we are in Events: the name of the pod. */
  instance: string
  /** A watch broke or was refused, for metrics. */
  onWatchRestart: (kind: WatchedKind) => void
  clock: Clock
  random: Random
  log: Log
}

export type WatchedKind = Kind | 'Namespace'

/** What Kubernetes adds to a cluster: it takes a while until it knows anything, and only who leads may write. */
export interface KubernetesCluster extends Cluster {
  /** Resolves when everything that there is is known. */
  readonly listed: Promise<void>
  /** From now on status is written, until the term is over. */
  lead(term: LeasedTerm): void
}

const CONNECTIONS = 32
/** Milliseconds; of a list, one page. */
const REQUEST_TIMEOUT = 10_000
const PAUSED = 'ringcheck.dev/paused'

type Changed = Parameters<Parameters<Cluster['onChange']>[0]>[0]

/** Returns at once; what cannot be reached or read is tried again until it can. Throws when no cluster is configured. */
export async function openKubernetesCluster(options: KubernetesClusterOptions): Promise<KubernetesCluster> {
  const { config } = options
  return new Kubernetes(options, await openKubeClient({ config, connections: CONNECTIONS, timeout: REQUEST_TIMEOUT }))
}

const kindNames = Object.values(kinds).map(({ kind }) => kind)

const isOf =
  <K extends Kind>(kind: K) =>
  (stored: Stored | undefined): stored is Stored<K> =>
    stored?.kind === kind

class Kubernetes implements KubernetesCluster {
  readonly listed: Promise<void>
  readonly #options: KubernetesClusterOptions
  readonly #client: KubeClient
  readonly #statuses: StatusWriter
  readonly #events: EventWriter
  readonly #data: KeyedDataReader
  readonly #objects: ReadonlyMap<Kind, Objects>
  readonly #reflectors: readonly Reflector[]
  readonly #paused = new Set<string>()
  readonly #handlers = new Set<(changed: Changed) => void>()
  #term: LeasedTerm | undefined

  constructor(options: KubernetesClusterOptions, client: KubeClient) {
    const { clock, random, log, instance, namespace } = options
    this.#options = options
    this.#client = client
    this.#data = new KeyedDataReader(client.core, clock)
    this.#events = new EventWriter({ events: client.events, instance, clock, log })
    const mayWrite = () => this.#term?.holds() === true
    const statuses = new StatusWriter({ objects: client.objects, mayWrite, clock, random, log })
    this.#statuses = statuses
    const onChange = (kind: Kind) => (key: Key) => this.#announce({ kind, key })
    this.#objects = new Map(
      kindNames.map((kind) => [kind, new Objects({ kind, statuses, onChange: onChange(kind), clock, log })]),
    )
    const reflectors = [...this.#objects].map(([kind, sink]) => this.#reflect(kind, sink))
    // Of a namespace that is alone, only whether it is paused matters, and a Role cannot allow to watch it.
    if (namespace === undefined) reflectors.push(this.#reflectNamespaces())
    this.#reflectors = reflectors
    this.listed = Promise.all(reflectors.map((reflector) => reflector.listed)).then(() => undefined)
  }

  get epoch(): number {
    return this.#term?.epoch ?? 0
  }

  lead(term: LeasedTerm): void {
    this.#term = term
    for (const objects of this.#objects.values()) objects.refuse()
    term.over.addEventListener('abort', () => this.#statuses.forgetAll(), { once: true })
  }

  list<K extends Kind>(kind: K): ReadonlyArray<Stored<K>> {
    return [...this.#of(kind).values()].map(({ resource }) => resource).filter(isOf(kind))
  }

  get<K extends Kind>(kind: K, key: Key): Stored<K> | undefined {
    const resource = this.#of(kind).get(key)?.resource
    return isOf(kind)(resource) ? resource : undefined
  }

  onChange(handler: (changed: Changed) => void): Disposable {
    // Wrapped, so that the same function given twice is called twice and each is disposed by itself.
    const own = (changed: Changed) => handler(changed)
    this.#handlers.add(own)
    return { [Symbol.dispose]: () => void this.#handlers.delete(own) }
  }

  secret(key: Key): Promise<KeyedData | undefined> {
    return this.#data.secret(key)
  }

  configMap(key: Key): Promise<KeyedOctets | undefined> {
    return this.#data.configMap(key)
  }

  status<K extends Kind>(kind: K, key: Key): OfKind<K>['status'] {
    return this.get(kind, key)?.status
  }

  async writeStatus<K extends Kind>(kind: K, key: Key, status: NonNullable<OfKind<K>['status']>): Promise<void> {
    const held = this.#of(kind).get(key)
    const stored = this.get(kind, key)
    if (!held || !stored || !this.#term?.holds()) return
    this.#statuses.want(held.target, status, stored.status)
    held.resource = { ...stored, status }
  }

  tell(kind: Kind, key: Key, event: ClusterEvent): void {
    const held = this.#of(kind).get(key)
    if (held && this.#term?.holds()) this.#events.write(kind, held.target, event)
  }

  isPaused(namespace: string): boolean {
    return this.#paused.has(namespace)
  }

  /** The API server refuses what is wrong; what it cannot know is in the object's condition Ready. */
  problems(): readonly Problem[] {
    return []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#handlers.clear()
    await Promise.all(this.#reflectors.map((reflector) => reflector[Symbol.asyncDispose]()))
    await this.#statuses[Symbol.asyncDispose]()
    await this.#events.settled()
    this.#data[Symbol.dispose]()
    await this.#client[Symbol.asyncDispose]()
  }

  #of(kind: Kind): Objects {
    const objects = this.#objects.get(kind)
    if (!objects) throw new Error(`there is no kind ${kind}`)
    return objects
  }

  #announce(changed: Changed): void {
    for (const handler of [...this.#handlers]) handler(changed)
  }

  #reflect(kind: Kind, sink: Sink): Reflector {
    const { namespace } = this.#options
    const { plural } = kinds[kind]
    const where = { group: GROUP, version: VERSION }
    const { objects } = this.#client
    return this.#reflector(kind, sink, {
      path: `/apis/${GROUP}/${VERSION}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${plural}`,
      list: (page) =>
        namespace === undefined
          ? objects.listCustomObjectForAllNamespaces({ ...where, resourcePlural: plural, ...page })
          : objects.listNamespacedCustomObject({ ...where, plural, namespace, ...page }),
    })
  }

  #reflectNamespaces(): Reflector {
    const note = (name: string, isPaused: boolean) => {
      if (this.#paused.has(name) === isPaused) return
      if (isPaused) this.#paused.add(name)
      else this.#paused.delete(name)
      for (const { metadata } of this.list('SipProbe'))
        if (metadata.namespace === name) this.#announce({ kind: 'SipProbe', key: metadata })
    }
    const sink: Sink = {
      put: ({ metadata: { name, annotations } }) => note(name, isPausedBy(annotations)),
      remove: (name) => note(name.slice(1), false),
      retain: (names) => {
        for (const name of [...this.#paused]) if (!names.has(`/${name}`)) note(name, false)
      },
    }
    return this.#reflector('Namespace', sink, {
      path: '/api/v1/namespaces',
      list: (page) => this.#client.core.listNamespace(page),
    })
  }

  #reflector(
    kind: WatchedKind,
    sink: Sink,
    from: Pick<ConstructorParameters<typeof Reflector>[0], 'path' | 'list'>,
  ): Reflector {
    const { clock, random, log, onWatchRestart } = this.#options
    const onRestart = () => onWatchRestart(kind)
    return new Reflector({ kind, sink, ...from, watch: this.#client.watch, onRestart, clock, random, log })
  }
}

function isPausedBy(annotations: unknown): boolean {
  return (
    typeof annotations === 'object' && annotations !== null && PAUSED in annotations && annotations[PAUSED] === 'true'
  )
}
