/** The one door to what the user declared: Kubernetes, or a folder of YAML that behaves alike. It knows no meaning of a kind. */
import type { Condition, Problem, Resource } from '../../crds/index.ts'

export type Kind = Resource['kind']
export type OfKind<K extends Kind> = Extract<Resource, { kind: K }>

export interface Key {
  namespace: string
  name: string
}

/** A resource as it is in force: parsed, defaults applied, with the identity that the cluster gave it. */
export type Stored<K extends Kind = Kind> = OfKind<K> & { metadata: { uid: string; generation: number } }

/** Data of a Secret, already decoded to text. */
export type KeyedData = Readonly<Record<string, string>>
/** Data of a ConfigMap: `data` as UTF-8, `binaryData` as it is. */
export type KeyedOctets = Readonly<Record<string, Buffer>>

/** Something that happened to an object, for people who look at it with the cluster's own tools. */
export interface ClusterEvent {
  /** Names it among those of its object: what is told twice is there once. */
  id: string
  type: 'Normal' | 'Warning'
  /** What was done, such as `Probe`. */
  action: string
  reason: string
  /** One sentence. */
  note: string
}

/** One time of leading. Of replicas that share a cluster at most one holds a term at any moment. */
export interface Term {
  /** Higher than that of every term before. */
  readonly epoch: number
  /** Whether nobody else can lead at this moment: asked right before anything that only the leader may do. */
  holds(): boolean
  /** What is so about this leader, for people, instead of what was shown before. Absent: there is no place for it. */
  show?(conditions: readonly Condition[]): void
}

export interface Cluster extends AsyncDisposable {
  /** Rises by one at each start of local mode, with each change of leader on Kubernetes; there 0 while another replica leads. */
  readonly epoch: number
  list<K extends Kind>(kind: K): ReadonlyArray<Stored<K>>
  get<K extends Kind>(kind: K, key: Key): Stored<K> | undefined
  /** Something about this object may have changed: look. Level-based; says neither what nor whether. Secrets too (`kind: 'Secret'`). */
  onChange(handler: (changed: { kind: Kind | 'Secret' | 'ConfigMap'; key: Key }) => void): Disposable
  /** Undefined: there is none. Never cached by the caller, never logged. */
  secret(key: Key): Promise<KeyedData | undefined>
  configMap(key: Key): Promise<KeyedOctets | undefined>
  status<K extends Kind>(kind: K, key: Key): OfKind<K>['status']
  /**
   * Does nothing when nothing changed, nor where another replica leads. On Kubernetes it resolves before it is written: the last
   * status given is, as soon as the API server takes it.
   */
  writeStatus<K extends Kind>(kind: K, key: Key, status: NonNullable<OfKind<K>['status']>): Promise<void>
  /** On transitions only. Local mode has no place for them: its log and history tell the same. */
  tell(kind: Kind, key: Key, event: ClusterEvent): void
  /** The namespace is annotated `ringcheck.dev/paused: "true"`: nothing in it makes calls. Never so in local mode. */
  isPaused(namespace: string): boolean
  /** What is declared and cannot be taken, now: broken files in local mode. Empty on Kubernetes, whose API server refuses it. */
  problems(): readonly Problem[]
}
