/** The cluster of local mode: a folder of YAML watched, with identities and status kept in the history store. No API server, no network. */
import { isDeepStrictEqual } from 'node:util'
import { kinds } from '../../../crds/index.ts'
import type { ConfigMap, Parsed, Problem, Resource, Secret } from '../../../crds/index.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { ObjectStore } from '../../history/index.ts'
import type { Cluster, Key, KeyedData, KeyedOctets, Kind, OfKind, Stored } from '../cluster.ts'
import { octetsOf } from '../config-map.ts'
import { combine, readState } from './declared.ts'
import type { Files, FileState } from './declared.ts'
import { UNREADABLE, look, readManifest, watchFolder } from './folder.ts'
import type { Snapshot } from './folder.ts'
import { hashOf } from './hash.ts'
import { StatusWriter } from './status-writer.ts'

export interface LocalClusterOptions {
  /** Every `*.yaml` and `*.yml` below it is read; names that begin with a dot are not. */
  folder: string
  objects: ObjectStore
  clock: Clock
  log: Log
}

type Changed = Parameters<Parameters<Cluster['onChange']>[0]>[0]

/** What is in force under one name. */
interface Held {
  changed: Changed
  /** Of all of it: tells whether something is new. */
  hash: string
  resource?: Stored
  core?: Secret | ConfigMap
}

/** Errors: the folder is not there, is none, or cannot be read; the message names it. Anything wrong inside it is a problem, no error. */
export async function openLocalCluster(options: LocalClusterOptions): Promise<Cluster> {
  const { folder, objects } = options
  const snapshot = await look(folder).catch((cause: unknown) => {
    throw new Error(`the folder ${folder} ${whyNot(cause)}`, { cause })
  })
  const epoch = await objects.nextEpoch()
  const statuses = new Map(
    (await objects.statuses()).map(({ kind, namespace, name, status }) => [textOf(kind, { namespace, name }), status]),
  )
  const cluster = new LocalCluster(options, epoch, statuses)
  await cluster.start(snapshot)
  return cluster
}

function whyNot(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code === 'ENOENT') return 'does not exist'
  if (code === 'ENOTDIR') return 'is not a folder'
  return `cannot be read (${String(code ?? cause)})`
}

const textOf = (kind: string, { namespace, name }: Key): string => `${kind} ${namespace}/${name}`

const isOf =
  <K extends Kind>(kind: K) =>
  (stored: Stored): stored is Stored<K> =>
    stored.kind === kind

class LocalCluster implements Cluster {
  readonly epoch: number
  readonly #options: LocalClusterOptions
  readonly #writer: StatusWriter
  /** As the store had them at the start; what is written later is in the objects themselves and here. */
  readonly #statuses: Map<string, unknown>
  readonly #handlers = new Set<(changed: Changed) => void>()
  #snapshot: Snapshot = new Map()
  #files: Files = new Map()
  #held: ReadonlyMap<string, Held> = new Map()
  #problems: readonly Problem[] = []
  /** The folder itself cannot be read now. */
  #trouble: string | undefined
  #watch: AsyncDisposable | undefined

  constructor(options: LocalClusterOptions, epoch: number, statuses: Map<string, unknown>) {
    this.#options = options
    this.epoch = epoch
    this.#statuses = statuses
    this.#writer = new StatusWriter(options.objects)
  }

  async start(snapshot: Snapshot): Promise<void> {
    await this.#load(snapshot)
    const { folder, clock, log } = this.#options
    this.#watch = watchFolder({
      folder,
      clock,
      loaded: () => this.#snapshot,
      // The next look sees the same difference, and so tries again.
      onChange: (now) =>
        this.#load(now).catch((error: unknown) => log.error({ folder, error }, 'a change cannot be taken yet')),
      onTrouble: (cause) => this.#setTrouble(cause),
    })
  }

  list<K extends Kind>(kind: K): ReadonlyArray<Stored<K>> {
    return [...this.#held.values()].flatMap(({ resource }) => resource ?? []).filter(isOf(kind))
  }

  get<K extends Kind>(kind: K, key: Key): Stored<K> | undefined {
    const resource = this.#held.get(textOf(kind, key))?.resource
    return resource && isOf(kind)(resource) ? resource : undefined
  }

  onChange(handler: (changed: Changed) => void): Disposable {
    // Wrapped, so that the same function given twice is called twice and each is disposed by itself.
    const own = (changed: Changed) => handler(changed)
    this.#handlers.add(own)
    return { [Symbol.dispose]: () => void this.#handlers.delete(own) }
  }

  async secret(key: Key): Promise<KeyedData | undefined> {
    const core = this.#held.get(textOf('Secret', key))?.core
    return core?.kind === 'Secret' ? core.data : undefined
  }

  async configMap(key: Key): Promise<KeyedOctets | undefined> {
    const core = this.#held.get(textOf('ConfigMap', key))?.core
    return core?.kind === 'ConfigMap' ? octetsOf(core) : undefined
  }

  status<K extends Kind>(kind: K, key: Key): OfKind<K>['status'] {
    return this.get(kind, key)?.status
  }

  /** What was deleted meanwhile has no status, as on Kubernetes. */
  async writeStatus<K extends Kind>(kind: K, key: Key, status: NonNullable<OfKind<K>['status']>): Promise<void> {
    const text = textOf(kind, key)
    const held = this.#held.get(text)
    const stored = this.get(kind, key)
    if (!held || !stored) return
    const same = isDeepStrictEqual(stored.status, status)
    if (same && this.#writer.isSaved(text)) return
    held.resource = { ...stored, status }
    this.#statuses.set(text, status)
    const { log } = this.#options
    // It is known here, and written again with the next one.
    await this.#writer
      .write(text, { kind, namespace: key.namespace, name: key.name }, status)
      .catch((error: unknown) => {
        log.warn({ error, object: text }, 'a status cannot be stored yet')
      })
  }

  tell(): void {}

  isPaused(): boolean {
    return false
  }

  problems(): readonly Problem[] {
    const { folder } = this.#options
    if (this.#trouble !== undefined) return [problemOf(folder, this.#trouble), ...this.#problems]
    if (this.#snapshot.size === 0) return [problemOf(folder, 'holds no *.yaml or *.yml file'), ...this.#problems]
    return this.#problems
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#handlers.clear()
    await this.#watch?.[Symbol.asyncDispose]()
    await this.#writer.settled()
  }

  /** Reads what changed, then puts all of it in force at once. */
  async #load(snapshot: Snapshot): Promise<void> {
    const files = new Map<string, FileState>()
    for (const [path, stamp] of snapshot) {
      const before = this.#files.get(path)
      const isSame = before !== undefined && this.#snapshot.get(path) === stamp
      files.set(path, isSame ? before : readState(path, await readManifest(path), before))
    }
    for (const [path, before] of this.#files) {
      if (!files.has(path) && isBelowUnreadable(path, snapshot)) files.set(path, before)
    }
    const { objects, problems } = combine(files)
    const identities = await this.#identify(objects)
    // From here on nothing waits: a status written meanwhile is in what we hold, and is carried over.
    const before = this.#held
    this.#held = new Map([...objects].map(([text, { resource }]) => [text, this.#hold(text, resource, identities)]))
    this.#snapshot = snapshot
    this.#files = files
    this.#report(problems)
    this.#announce(before)
  }

  /** Of those that are new or changed. */
  async #identify(objects: ReadonlyMap<string, Parsed>): Promise<ReadonlyMap<string, Identity>> {
    const identities = new Map<string, Identity>()
    for (const [text, { resource }] of objects) {
      if (!('spec' in resource) || this.#held.get(text)?.hash === hashOf(resource)) continue
      const { namespace, name } = resource.metadata
      const object = { kind: resource.kind, namespace, name, specHash: hashOf(resource.spec) }
      identities.set(text, await this.#options.objects.identify(object))
    }
    return identities
  }

  #hold(text: string, resource: Parsed['resource'], identities: ReadonlyMap<string, Identity>): Held {
    const before = this.#held.get(text)
    const hash = hashOf(resource)
    if (before?.hash === hash) return before
    const { kind, metadata } = resource
    const changed = { kind, key: { namespace: metadata.namespace, name: metadata.name } }
    if (!('spec' in resource)) return { changed, hash, core: resource }
    const identity = identities.get(text)
    if (!identity) throw new Error(`${text} was not identified`)
    return { changed, hash, resource: withStatus(resource, this.#statuses.get(text), identity) }
  }

  #announce(before: ReadonlyMap<string, Held>): void {
    for (const text of new Set([...before.keys(), ...this.#held.keys()])) {
      const [old, now] = [before.get(text), this.#held.get(text)]
      const changed = (now ?? old)?.changed
      if (changed && old?.hash !== now?.hash) for (const handler of [...this.#handlers]) handler(changed)
    }
  }

  /** Each problem once, when it comes. */
  #report(problems: readonly Problem[]): void {
    const { log, folder } = this.#options
    const known = new Set(this.#problems.map(lineOf))
    for (const problem of problems) if (!known.has(lineOf(problem))) log.warn({}, `broken manifest: ${lineOf(problem)}`)
    if (known.size > 0 && problems.length === 0) log.info({ folder }, 'every manifest is good again')
    if (this.#snapshot.size === 0) log.warn({ folder }, 'the folder holds no *.yaml or *.yml file')
    this.#problems = problems
  }

  #setTrouble(cause: unknown): void {
    const { log, folder } = this.#options
    const trouble = cause === undefined ? undefined : whyNot(cause)
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    if (trouble === undefined) log.info({ folder }, 'the folder can be read again')
    else log.error({ folder, error: cause }, 'the folder cannot be read; what it held stays in force')
  }
}

interface Identity {
  uid: string
  generation: number
}

/** A status that an older version wrote may be none today; then there is none. */
function withStatus(resource: Resource, status: unknown, identity: Identity): Stored {
  const metadata = { ...resource.metadata, ...identity }
  const whole = kinds[resource.kind].schema.safeParse({ ...resource, status })
  return { ...(status !== undefined && whole.success ? whole.data : resource), metadata }
}

const problemOf = (file: string, message: string): Problem => ({ file, line: 1, column: 1, field: '', message })

const lineOf = ({ file, line, column, field, message }: Problem): string =>
  `${file}:${line}:${column}: ${field}: ${message}`

const isBelowUnreadable = (path: string, snapshot: Snapshot): boolean =>
  [...snapshot].some(([folder, stamp]) => stamp === UNREADABLE && path.startsWith(`${folder}/`))
