/** The operator on Kubernetes: every replica serves pages and API, and the one that holds the Lease leads. */
import { join } from 'node:path'
import { milliseconds } from '../crds/index.ts'
import type { Clock } from '../lib/clock.ts'
import { sleep } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Agents } from './agents/agents.ts'
import { AGENTS, startKubernetesAgents } from './agents/kubernetes/index.ts'
import { startLocalAgents } from './agents/local.ts'
import { keyAuthenticator, readKeys } from './api/index.ts'
import type { Authenticator } from './cluster/access.ts'
import type { Term } from './cluster/cluster.ts'
import type { KubernetesCluster, WorkloadsOptions } from './cluster/kubernetes/index.ts'
import {
  Election,
  loadKubeConfig,
  openKubeClient,
  openKubernetesCluster,
  openReviews,
  openWorkloads,
} from './cluster/kubernetes/index.ts'
import type { OperatorConfig } from './config.ts'
import { claimDataFolder } from './data-folder.ts'
import { openHistory } from './history/index.ts'
import type { Operator } from './operator.ts'
import { startOperator } from './operator.ts'
import { createAddressCheck } from './webhooks/index.ts'

export interface KubernetesOperatorOptions {
  config: OperatorConfig
  /** Path of the program that is forked with the word `agent`, where agents are children. */
  entry: string
  clock: Clock
  random: Random
  log: Log
}

const STORE_FILE = 'ringcheck.sqlite'
const LEASE = 'ringcheck'
/** Milliseconds: two requests must fit into the time in which a leader has to renew. */
const LEASE_TIMEOUT = 4_000
const RETRY_DELAY = 5_000
/** Milliseconds: somebody waits for the answer. */
const REVIEW_TIMEOUT = 3_000
const AUTHORITY = 'ringcheck-agents'
/** What the chart calls the pods of the operator. */
const OPERATOR = { 'app.kubernetes.io/component': 'operator' }

/** Resolves when the servers listen: what there is is read, and leading begins, afterwards. Throws an Error that names what is wrong. */
export async function startKubernetesOperator(options: KubernetesOperatorOptions): Promise<Operator> {
  const { config, clock, random, log } = options
  const kubeConfig = loadKubeConfig()
  await using stack = new AsyncDisposableStack()
  if (config.databaseUrl === undefined) stack.use(claimDataFolder(config.data))
  const place = config.databaseUrl === undefined ? { file: join(config.data, STORE_FILE) } : { url: config.databaseUrl }
  const history = stack.use(await openHistory({ ...place, retention: config.retentionDays, clock, log }))
  const restarted: { count?: Operator['metrics']['watchRestarted'] } = {}
  const cluster = stack.use(
    await openKubernetesCluster({
      config: kubeConfig,
      ...within(config),
      instance: config.podName,
      onWatchRestart: (kind) => restarted.count?.(kind),
      clock,
      random,
      log,
    }),
  )
  const startAgents = await agentsOf(options, { cluster, stack, onWatchRestart: (kind) => restarted.count?.(kind) })
  const authenticate = await authenticatorOf(options, stack)
  const known = { isListed: false }
  const operator = stack.use(
    await startOperator({
      config,
      cluster,
      history,
      startAgents,
      authenticate,
      check: createAddressCheck(config.webhookNetworks),
      scheduled: true,
      minInterval: milliseconds(config.minInterval),
      notReady: () => (known.isListed ? [] : ['the resources of the cluster are not known yet']),
      clock,
      random,
      log,
    }),
  )
  restarted.count = operator.metrics.watchRestarted
  const client = stack.use(await openKubeClient({ config: kubeConfig, connections: 2, timeout: LEASE_TIMEOUT }))
  const lease = { namespace: config.podNamespace, name: LEASE }
  const election = new Election({ leases: client.leases, lease, identity: config.podName, clock, random, log })

  const stopping = new AbortController()
  async function live(): Promise<void> {
    await Promise.race([cluster.listed, aborted(stopping.signal)])
    known.isListed = true
    for (;;) {
      await using term = await election.elected(stopping.signal)
      if (!term) return
      cluster.lead(term)
      try {
        await using _ = await operator.lead(term)
        await aborted(AbortSignal.any([term.over, stopping.signal]))
      } catch (error) {
        log.error({ error, epoch: term.epoch }, 'this replica cannot lead, the next one may')
        await sleep(clock, RETRY_DELAY, stopping.signal)
      }
    }
  }
  const life = live()
  stack.defer(async () => {
    stopping.abort()
    await life
  })
  const owned = stack.move()
  return { ...operator, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const within = ({ scope, podNamespace }: OperatorConfig) => (scope === 'Namespaced' ? { namespace: podNamespace } : {})

interface Surroundings extends Pick<WorkloadsOptions, 'onWatchRestart'> {
  cluster: KubernetesCluster
  stack: AsyncDisposableStack
}

/** Pods of the image, or a child of this process, at the location `default` alone. */
async function agentsOf(
  { config, entry, clock, random, log }: KubernetesOperatorOptions,
  { cluster, stack, onWatchRestart }: Surroundings,
): Promise<(term: Term) => Promise<Agents>> {
  const common = { clock, random, log }
  const { locations, podNamespace, image: name, imagePullPolicy, imagePullSecrets } = config
  if (config.agents === 'Children' || name === undefined) return () => startLocalAgents({ ...common, count: 1, entry })
  const image = { image: name, imagePullPolicy, imagePullSecrets }
  const client = stack.use(await openKubeClient({ config: loadKubeConfig(), connections: 8, timeout: 10_000 }))
  const workloads = stack.use(openWorkloads({ ...common, ...within(config), client, labels: AGENTS, onWatchRestart }))
  const authority = { namespace: podNamespace, name: AUTHORITY }
  const operator = { namespace: podNamespace, labels: OPERATOR }
  return (term) => startKubernetesAgents({ ...common, cluster, workloads, locations, image, operator, authority, term })
}

/** Undefined: the API asks for nothing, on loopback. */
async function authenticatorOf(
  { config: { authentication, audiences, keys }, clock }: KubernetesOperatorOptions,
  stack: AsyncDisposableStack,
): Promise<Authenticator | undefined> {
  if (authentication === 'None') return undefined
  if (authentication === 'Keys') {
    // What is wrong with them is said at the start.
    await readKeys(keys)
    return keyAuthenticator(() => readKeys(keys))
  }
  const client = stack.use(await openKubeClient({ config: loadKubeConfig(), connections: 4, timeout: REVIEW_TIMEOUT }))
  return stack.use(openReviews({ client, audiences, clock })).authenticate
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
