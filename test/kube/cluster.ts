/** A Kubernetes for a test, started in a folder of its own, and gone without a trace when it is disposed of. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../lab/ports.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { AuditEntry } from './audit.ts'
import { readAudit } from './audit.ts'
import type { ContainerRuntime } from './container-runtime.ts'
import { startContainerRuntime } from './container-runtime.ts'
import type { ControlPlane } from './control-plane.ts'
import { startControlPlane } from './control-plane.ts'
import type { Credentials } from './credentials.ts'
import { createCredentials } from './credentials.ts'
import { keep } from './keeper.ts'
import { startKind } from './kind.ts'
import type { Kubectl } from './kubectl.ts'
import { kubectlOf } from './kubectl.ts'
import { startNetwork } from './node-network.ts'
import { HOST_ADDRESS, NODE } from './node-names.ts'
import { launcher, prepareMachine, startNode } from './node.ts'

export interface ClusterOptions {
  /**
   * `api`: etcd and kube-apiserver alone, without root, several side by side; no controllers, no pods.
   * `node`: everything, pods run; needs root, and there is one on a machine. With `RINGCHECK_KIND` set it is one of kind.
   */
  readonly level: 'api' | 'node'
  /** Whether every request to the API server is written down for `audit()`. Default: false. */
  readonly audit?: boolean
}

export interface Cluster extends ControlPlane {
  /** Of its administrator: path of a file. */
  readonly kubeconfig: string
  /** As its administrator. */
  readonly kubectl: Kubectl
  /** Path of a kubeconfig of a ServiceAccount that exists, with a token for an hour. */
  kubeconfigOf(serviceAccount: { namespace: string; name: string }): Promise<string>
  /** Our five kinds, from `crds/`; returns when the API server serves them. */
  installCrds(): Promise<void>
  /** Every request so far, oldest first. */
  audit(): AuditEntry[]
}

export interface NodeCluster extends Cluster, Pick<ContainerRuntime, 'load'> {
  /** Where pods reach what a test runs beside the cluster. */
  readonly hostAddress: string
}

const CRDS = join(import.meta.dirname, '../../crds')

export function startCluster(options: ClusterOptions & { readonly level: 'api' }): Promise<Cluster>
export function startCluster(options: ClusterOptions & { readonly level: 'node' }): Promise<NodeCluster>
export async function startCluster({ level, audit = false }: ClusterOptions): Promise<Cluster> {
  await using parts = new AsyncDisposableStack()
  const kind = process.env['RINGCHECK_KIND'] !== undefined
  const start = level === 'api' ? startApi : kind ? startOnKind : startAll
  const cluster = await start(parts, audit)
  const owned = parts.move()
  return { ...cluster, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function startApi(parts: AsyncDisposableStack, audit: boolean): Promise<Cluster> {
  const folder = parts.use(temporaryFolder('kube')).path
  const place = { folder, address: '127.0.0.1', port: await freePort() }
  const credentials = await createCredentials(place)
  // As nothing makes ServiceAccounts or runs pods here, a pod object may be created without one.
  const words = ['--endpoint-reconciler-type=none', '--disable-admission-plugins=ServiceAccount']
  const options = { ...place, credentials, audit, arguments: words }
  const cluster = await described(folder, credentials, parts.use(await startControlPlane(options)))
  await cluster.kubectl('wait', '--for=create', 'namespace/default', '--timeout=60s')
  return cluster
}

async function startAll(parts: AsyncDisposableStack, audit: boolean): Promise<NodeCluster> {
  const folder = parts.use(temporaryFolder('kube')).path
  parts.use(keep(folder))
  const network = startNetwork(folder)
  prepareMachine()
  const launch = launcher(folder, parts)
  const place = { folder, address: HOST_ADDRESS, port: 6443 }
  const credentials = await createCredentials(place)
  const words = ['--enable-admission-plugins=NodeRestriction', ...kubeletArguments(credentials)]
  const starting = startControlPlane({ ...place, credentials, audit, arguments: words })
  const beside = startContainerRuntime({ folder, network, launch })
  // Both are over before either is looked at: what has started is stopped with the rest also when the other has not.
  await Promise.allSettled([starting, beside])
  const controlPlane = parts.use(await starting)
  const runtime = await beside
  await startNode({ folder, credentials, runtime, launch })
  const cluster = await described(folder, credentials, controlPlane)
  const wait = (...words: readonly string[]) => cluster.kubectl('wait', '--timeout=60s', ...words)
  await wait('--for=create', `node/${NODE}`)
  await wait('--for=condition=Ready', `node/${NODE}`)
  await wait('--for=create', 'serviceaccount/default', 'configmap/kube-root-ca.crt')
  return { ...cluster, load: (archive) => runtime.load(archive), hostAddress: HOST_ADDRESS }
}

/** For logs of pods, and for commands in them. */
function kubeletArguments({ files }: Credentials): string[] {
  return [
    ...[`--kubelet-certificate-authority=${files.ca}`, '--kubelet-preferred-address-types=InternalIP'],
    ...[
      `--kubelet-client-certificate=${files.kubeletClientCertificate}`,
      `--kubelet-client-key=${files.kubeletClientKey}`,
    ],
  ]
}

async function startOnKind(parts: AsyncDisposableStack, audit: boolean): Promise<NodeCluster> {
  const notOnKind = () => {
    throw new Error('this is not done to a cluster of kind')
  }
  if (audit) notOnKind()
  const folder = parts.use(temporaryFolder('kind')).path
  const kind = await startKind(parts, folder)
  return {
    ...(await administration(folder, kind.kubeconfig)),
    ...kind,
    ...{ restartApiServer: notOnKind, stallApiServer: notOnKind, compact: notOnKind, audit: notOnKind },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function described(folder: string, credentials: Credentials, controlPlane: ControlPlane): Promise<Cluster> {
  return {
    ...controlPlane,
    ...(await administration(folder, await credentials.client('admin', 'system:masters'))),
    audit: () => readAudit(join(folder, 'audit.log')),
  }
}

/** What needs no more of a cluster than its kubeconfig. */
async function administration(
  folder: string,
  kubeconfig: string,
): Promise<Pick<Cluster, 'kubeconfig' | 'kubectl' | 'kubeconfigOf' | 'installCrds'>> {
  const kubectl = await kubectlOf(kubeconfig)
  return {
    kubeconfig,
    kubectl,
    async kubeconfigOf({ namespace, name }) {
      const token = (await kubectl('create', 'token', name, '--namespace', namespace)).trim()
      const own = await kubectl('config', 'view', '--raw', '--minify', '--output', 'json')
      const config = JSON.parse(own) as { users: Array<{ name: string }> }
      const users = config.users.map((user) => ({ name: user.name, user: { token } }))
      const path = join(folder, `${namespace}-${name}.kubeconfig`)
      writeFileSync(path, JSON.stringify({ ...config, users }), { mode: 0o600 })
      return path
    },
    async installCrds() {
      await kubectl('apply', '--server-side', '--filename', CRDS)
      await kubectl('wait', '--for=condition=Established', 'customresourcedefinition', '--all', '--timeout=60s')
    },
  }
}
