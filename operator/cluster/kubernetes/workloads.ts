/** The door to Kubernetes' own objects, over the API server: what is applied and deleted, and deployments and pods as the watch tells of them. */
import { AppsV1Api, NetworkingV1Api, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node'
import { z } from 'zod'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Random } from '../../../lib/random.ts'
import type { Key } from '../cluster.ts'
import type { Made, WorkloadDeployment, WorkloadPod, Workloads } from '../workloads.ts'
import type { KubeClient } from './client.ts'
import { codeOf } from './client.ts'
import { Reflector, nameOf } from './reflector.ts'
import type { Sink, WatchedObject } from './reflector.ts'

export interface WorkloadsOptions {
  client: KubeClient
  /** Only this namespace is looked at; absent: all of them. */
  namespace?: string
  /** What the deployments and pods carry that are looked at. */
  labels: Readonly<Record<string, string>>
  onWatchRestart: (kind: 'Deployment' | 'Pod') => void
  clock: Clock
  random: Random
  log: Log
}

const FIELD_MANAGER = 'ringcheck'

export function openWorkloads(options: WorkloadsOptions): Workloads {
  const { client, namespace, labels } = options
  const apps = new AppsV1Api(client.configuration)
  const handlers = new Set<(namespace: string) => void>()
  const tell = (where: string) => {
    for (const handler of handlers) handler(where)
  }
  const deployments = new Seen(deploymentOf, tell)
  const pods = new Seen(podOf, tell)

  const labelSelector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
  const within = namespace === undefined ? '' : `namespaces/${namespace}/`
  const pathOf = (group: string, plural: string) =>
    `${group}/${within}${plural}?labelSelector=${encodeURIComponent(labelSelector)}`
  const common = { watch: client.watch, ...options }
  const reflectors = [
    new Reflector({
      ...{ ...common, kind: 'Deployment', path: pathOf('/apis/apps/v1', 'deployments'), sink: deployments },
      onRestart: () => options.onWatchRestart('Deployment'),
      list: (page) =>
        namespace === undefined
          ? apps.listDeploymentForAllNamespaces({ ...page, labelSelector })
          : apps.listNamespacedDeployment({ ...page, labelSelector, namespace }),
    }),
    new Reflector({
      ...{ ...common, kind: 'Pod', path: pathOf('/api/v1', 'pods'), sink: pods },
      onRestart: () => options.onWatchRestart('Pod'),
      list: (page) =>
        namespace === undefined
          ? client.core.listPodForAllNamespaces({ ...page, labelSelector })
          : client.core.listNamespacedPod({ ...page, labelSelector, namespace }),
    }),
  ]

  return {
    ...openMade(client),
    deployments: () => deployments.all(),
    pods: () => pods.all(),
    listed: Promise.all(reflectors.map(({ listed }) => listed)).then(() => undefined),
    onChange(handler) {
      const own = (where: string) => handler(where)
      handlers.add(own)
      return { [Symbol.dispose]: () => void handlers.delete(own) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(reflectors.map((reflector) => reflector[Symbol.asyncDispose]()))
    },
  }
}

/** The part of it that looks at nothing by itself. */
export function openMade(client: KubeClient): Pick<Workloads, 'apply' | 'create' | 'delete' | 'secret'> {
  const apps = new AppsV1Api(client.configuration)
  const networking = new NetworkingV1Api(client.configuration)
  return {
    async apply(object) {
      const { namespace: where, name } = object.metadata
      const request = { namespace: where, name, body: object, fieldManager: FIELD_MANAGER, force: true }
      const asApply = setHeaderOptions('Content-Type', PatchStrategy.ServerSideApply)
      if (object.kind === 'Deployment') await apps.patchNamespacedDeployment(request, asApply)
      else if (object.kind === 'Secret') await client.core.patchNamespacedSecret(request, asApply)
      else await networking.patchNamespacedNetworkPolicy(request, asApply)
    },
    create: (secret) => created(client, secret),
    async delete(kind, key) {
      try {
        if (kind === 'Deployment') await apps.deleteNamespacedDeployment(key)
        else if (kind === 'Secret') await client.core.deleteNamespacedSecret(key)
        else await networking.deleteNamespacedNetworkPolicy(key)
      } catch (error) {
        if (codeOf(error) !== 404) throw error
      }
    },
    async secret(key) {
      try {
        const { data = {} } = await client.core.readNamespacedSecret(key)
        const decoded = Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()])
        return Object.fromEntries(decoded)
      } catch (error) {
        if (codeOf(error) === 404) return undefined
        throw error
      }
    },
  }
}

async function created(client: KubeClient, secret: Made<'Secret'>): Promise<boolean> {
  const { namespace } = secret.metadata
  try {
    await client.core.createNamespacedSecret({ namespace, body: secret, fieldManager: FIELD_MANAGER })
    return true
  } catch (error) {
    if (codeOf(error) === 409) return false
    throw error
  }
}

/** What a watch has told, in the shape in which it is asked for. */
class Seen<Shape extends Key> implements Sink {
  readonly #shapes = new Map<string, Shape>()
  readonly #shapeOf: (object: WatchedObject) => Shape
  readonly #tell: (namespace: string) => void

  constructor(shapeOf: (object: WatchedObject) => Shape, tell: (namespace: string) => void) {
    this.#shapeOf = shapeOf
    this.#tell = tell
  }

  all(): Shape[] {
    return [...this.#shapes.values()]
  }

  put(object: WatchedObject): void {
    this.#shapes.set(nameOf(object), this.#shapeOf(object))
    this.#tell(object.metadata.namespace)
  }

  remove(name: string): void {
    const shape = this.#shapes.get(name)
    this.#shapes.delete(name)
    if (shape) this.#tell(shape.namespace)
  }

  retain(names: ReadonlySet<string>): void {
    for (const name of [...this.#shapes.keys()]) if (!names.has(name)) this.remove(name)
  }
}

const labelled = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  // A date in lists, a string in watches.
  deletionTimestamp: z.unknown().optional(),
})
const said = { status: z.string(), reason: z.string().optional(), message: z.string().optional() }
const conditions = z.array(z.object({ type: z.string(), ...said })).default([])

const Deployment = z.object({
  metadata: labelled,
  spec: z.object({ replicas: z.int() }),
  status: z.object({ conditions }).prefault({}),
})

function deploymentOf(object: WatchedObject): WorkloadDeployment {
  const { metadata, spec, status } = Deployment.parse(object)
  const { namespace, name, labels } = metadata
  const failure = status.conditions.find((each) => each.type === 'ReplicaFailure' && each.status === 'True')
  return { namespace, name, labels, replicas: spec.replicas, ...(failure && { trouble: sentence(failure) }) }
}

const waiting = z.object({ reason: z.string().optional(), message: z.string().optional() })
const Pod = z.object({
  metadata: labelled,
  status: z
    .object({
      phase: z.string().optional(),
      podIP: z.string().optional(),
      conditions,
      containerStatuses: z
        .array(z.object({ state: z.object({ waiting: waiting.optional() }).default({}) }))
        .default([]),
    })
    .prefault({}),
})

/** What every container goes through. */
const STARTING: ReadonlySet<string | undefined> = new Set([undefined, 'ContainerCreating', 'PodInitializing'])

function podOf(object: WatchedObject): WorkloadPod {
  const { metadata, status } = Pod.parse(object)
  const { namespace, name, uid, labels, deletionTimestamp } = metadata
  const { phase = 'Pending', podIP, containerStatuses } = status
  const unscheduled = status.conditions.find((each) => each.type === 'PodScheduled' && each.status === 'False')
  const stuck = containerStatuses.map(({ state }) => state.waiting).find((each) => !STARTING.has(each?.reason))
  const trouble = unscheduled ?? stuck
  return {
    ...{ namespace, name, uid, labels },
    ...(podIP !== undefined && { ip: podIP }),
    isReady: status.conditions.some((each) => each.type === 'Ready' && each.status === 'True'),
    isGoing: deletionTimestamp !== undefined && deletionTimestamp !== null,
    isOver: phase === 'Succeeded' || phase === 'Failed',
    ...(trouble && { trouble: sentence(trouble) }),
  }
}

const sentence = ({ reason = 'Unknown', message = '' }: z.output<typeof waiting>): string =>
  message === '' ? reason : `${reason}: ${message}`
