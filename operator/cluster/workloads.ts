/** The door to Kubernetes' own objects: those that are made for agents, and the pods that come of them. It knows no agent and decides nothing. */
import type { V1DeploymentSpec } from '@kubernetes/client-node'
import type { Key, KeyedData } from './cluster.ts'

interface Content {
  Deployment: { spec: V1DeploymentSpec }
  NetworkPolicy: { spec: object }
  /** `data` in base64. */
  Secret: { type: string; data: Record<string, string> }
}
export type MadeKind = keyof Content

/** An object as it is to be, with the fields that are ours and no others. */
export type Made<K extends MadeKind = MadeKind> = {
  [Each in K]: {
    apiVersion: string
    kind: Each
    metadata: { namespace: string; name: string; labels: Record<string, string> }
  } & Content[Each]
}[K]

export interface WorkloadDeployment extends Key {
  readonly labels: Readonly<Record<string, string>>
  /** How many pods it is to have. */
  readonly replicas: number
  /** Why it has no pods, in one sentence: a quota, the security of pods. Absent: it has them. */
  readonly trouble?: string
}

export interface WorkloadPod extends Key {
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  /** Absent: it has none yet. */
  readonly ip?: string
  readonly isReady: boolean
  /** It was told to end. */
  readonly isGoing: boolean
  /** It has ended, and only its object is left. */
  readonly isOver: boolean
  /** Why it does not start, in one sentence: no node has room, its image cannot be pulled. */
  readonly trouble?: string
}

export interface Workloads extends AsyncDisposable {
  /** Server-side, with the field manager `ringcheck`: our fields become as given, whoever had them. */
  apply(object: Made): Promise<void>
  /** False: there is one already, and it stays as it is. */
  create(secret: Made<'Secret'>): Promise<boolean>
  /** Nothing happens when there is none. */
  delete(kind: MadeKind, key: Key): Promise<void>
  /** Undefined: there is none. Asked at each call. */
  secret(key: Key): Promise<KeyedData | undefined>
  /** Those with the labels that are watched, as they were last seen. */
  deployments(): readonly WorkloadDeployment[]
  pods(): readonly WorkloadPod[]
  /** Resolves when all that is there is known. */
  readonly listed: Promise<void>
  /** Something about deployments or pods of this namespace may have changed. */
  onChange(handler: (namespace: string) => void): Disposable
}
