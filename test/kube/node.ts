/** What makes a node of a machine, beside etcd and the API server: controllers, scheduler, kubelet with its containers, kube-proxy, names. */
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import type { Child, ChildOptions } from '../lab/process.ts'
import { start } from '../lab/process.ts'
import { programPath } from './binaries.ts'
import type { ContainerRuntime } from './container-runtime.ts'
import type { Credentials } from './credentials.ts'
import { CGROUP, HOST_ADDRESS, NODE, PODS, cgroups } from './node-names.ts'

/** Starts a program below the node's cgroup; it is stopped with the node. */
export type Launch = (options: Omit<ChildOptions, 'folder' | 'readyWithin'>) => Promise<Child>

/** How long each may take to start on a busy machine, milliseconds. */
const PATIENCE = 60_000

/** Makes the node's cgroups; throws where it cannot run. */
export function prepareMachine(): void {
  if (process.getuid?.() !== 0) throw new Error('a cluster of the level node needs root')
  if (!existsSync('/sys/fs/cgroup/pids'))
    throw new Error(
      'a cluster of the level node needs cgroup version 1, and /sys/fs/cgroup/pids is missing; use "make e2e-kind"',
    )
  for (const hierarchy of globSync('/sys/fs/cgroup/*/')) mkdirSync(join(hierarchy, CGROUP), { recursive: true })
  mkdirSync(cgroups('pids', 'daemons'), { recursive: true })
}

/** Processes that this starts go with `owner`. */
export function launcher(folder: string, owner: AsyncDisposableStack): Launch {
  return async ({ command, arguments: words, name = command.split('/').at(-1) ?? command, ...rest }) => {
    const script = 'echo $$ >"$0" && exec "$@"'
    const child = await start({
      command: '/bin/sh',
      arguments: ['-c', script, cgroups('pids', 'daemons/cgroup.procs'), command, ...words],
      name,
      folder,
      readyWithin: PATIENCE,
      ...rest,
    })
    owner.defer(async () => void (await child.kill()))
    return child
  }
}

export interface NodeOptions {
  readonly folder: string
  readonly credentials: Credentials
  readonly runtime: ContainerRuntime
  readonly launch: Launch
}

/** Returns when every part says that it works; that the node is Ready is for the API server to say. */
export async function startNode(options: NodeOptions): Promise<void> {
  await Promise.all([
    startControllers(options),
    startScheduler(options),
    startKubelet(options),
    startProxy(options),
    startNames(options),
  ])
}

async function startControllers({ credentials, launch }: NodeOptions): Promise<void> {
  const kubeconfig = await credentials.client('system:kube-controller-manager')
  const { files } = credentials
  await launch({
    command: await programPath('kube-controller-manager'),
    arguments: [
      ...[`--kubeconfig=${kubeconfig}`, '--bind-address=127.0.0.1', '--leader-elect=false'],
      ...[`--authentication-kubeconfig=${kubeconfig}`, `--authorization-kubeconfig=${kubeconfig}`],
      ...[`--root-ca-file=${files.ca}`, `--service-account-private-key-file=${files.tokenKey}`],
      '--use-service-account-credentials=true',
      // With its default of 20 requests a second the default ServiceAccount is 5 s late.
      ...['--kube-api-qps=200', '--kube-api-burst=300'],
    ],
  })
}

async function startScheduler({ credentials, launch }: NodeOptions): Promise<void> {
  const kubeconfig = await credentials.client('system:kube-scheduler')
  await launch({
    command: await programPath('kube-scheduler'),
    arguments: [
      ...[`--kubeconfig=${kubeconfig}`, '--bind-address=127.0.0.1', '--leader-elect=false'],
      ...[`--authentication-kubeconfig=${kubeconfig}`, `--authorization-kubeconfig=${kubeconfig}`],
    ],
  })
}

async function startKubelet({ folder, credentials, runtime, launch }: NodeOptions): Promise<void> {
  const kubeconfig = await credentials.client(`system:node:${NODE}`, 'system:nodes')
  const noNameServers = join(folder, 'resolv.conf')
  writeFileSync(noNameServers, '')
  const configuration = configurationFile(folder, {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: HOST_ADDRESS,
    healthzBindAddress: '127.0.0.1',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: credentials.files.ca },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: credentials.files.serverCertificate,
    tlsPrivateKeyFile: credentials.files.serverKey,
    containerRuntimeEndpoint: runtime.endpoint,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${CGROUP}`,
    failCgroupV1: false,
    failSwapOn: false,
    // Else chains of this name stay behind.
    makeIPTablesUtilChains: false,
    clusterDomain: 'cluster.local',
    clusterDNS: [HOST_ADDRESS],
    resolvConf: noNameServers,
    podLogsDir: join(folder, 'pod-logs'),
    volumePluginDir: join(folder, 'volume-plugins'),
    // An image that is collected cannot be pulled again.
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
  })
  await launch({
    command: await programPath('kubelet'),
    arguments: [
      ...[`--config=${configuration}`, `--kubeconfig=${kubeconfig}`, `--root-dir=${join(folder, 'kubelet')}`],
      ...[`--cert-dir=${join(folder, 'kubelet/pki')}`, `--hostname-override=${NODE}`, `--node-ip=${HOST_ADDRESS}`],
    ],
    ready: () => answers('http://127.0.0.1:10248/healthz'),
  })
}

async function startProxy({ folder, credentials, launch }: NodeOptions): Promise<void> {
  const configuration = configurationFile(folder, {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    // By default a second: so long a ready pod stays unknown to its Service.
    nftables: { minSyncPeriod: '100ms' },
    clusterCIDR: PODS,
    clientConnection: { kubeconfig: await credentials.client('system:kube-proxy') },
    hostnameOverride: NODE,
    bindAddress: '127.0.0.1',
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  })
  await launch({
    command: await programPath('kube-proxy'),
    arguments: [`--config=${configuration}`],
    ready: () => answers('http://127.0.0.1:10256/healthz'),
  })
}

async function startNames({ credentials, launch }: NodeOptions): Promise<void> {
  const kubeconfig = await credentials.client('dns', 'system:masters')
  await launch({
    name: 'dns',
    command: process.execPath,
    arguments: [join(import.meta.dirname, 'dns.ts'), kubeconfig, HOST_ADDRESS],
    ready: (log) => log.includes('answers'),
  })
}

/** JSON is YAML. */
function configurationFile(folder: string, configuration: { kind: string; [field: string]: unknown }): string {
  const path = join(folder, `${configuration.kind}.json`)
  writeFileSync(path, JSON.stringify(configuration, null, 2))
  return path
}

async function answers(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url)
    await body.dump()
    return statusCode === 200
  } catch {
    return false
  }
}
