/** A Kubernetes for a test, started on free ports in a folder of its own, and gone without a trace when it is disposed of. */
import { join } from 'node:path'
import { freePort } from '../lab/ports.ts'
import { temporaryFolder } from '../lab/process.ts'
import type { AuditEntry } from './audit.ts'
import { readAudit } from './audit.ts'
import type { ControlPlane } from './control-plane.ts'
import { startControlPlane } from './control-plane.ts'
import { createCredentials } from './credentials.ts'
import type { Kubectl } from './kubectl.ts'
import { kubectlOf } from './kubectl.ts'

export interface ClusterOptions {
  /** `api`: etcd and kube-apiserver alone, without root, several side by side; no controllers, no pods. */
  readonly level: 'api'
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

const CRDS = join(import.meta.dirname, '../../crds')

export async function startCluster({ audit = false }: ClusterOptions): Promise<Cluster> {
  await using parts = new AsyncDisposableStack()
  const folder = parts.use(temporaryFolder('kube')).path
  const address = '127.0.0.1'
  const port = await freePort()
  const credentials = await createCredentials({ folder, address, port })
  const kubeconfig = await credentials.client('admin', 'system:masters')
  const kubectl = await kubectlOf(kubeconfig)
  // As nothing makes ServiceAccounts or runs pods here, a pod object may be created without one.
  const words = ['--endpoint-reconciler-type=none', '--disable-admission-plugins=ServiceAccount']
  const controlPlane = parts.use(
    await startControlPlane({ folder, address, port, credentials, audit, arguments: words }),
  )
  await kubectl('wait', '--for=create', 'namespace/default', '--timeout=60s')

  const owned = parts.move()
  return {
    ...controlPlane,
    kubeconfig,
    kubectl,
    async kubeconfigOf({ namespace, name }) {
      const token = await kubectl('create', 'token', name, '--namespace', namespace)
      return credentials.bearer(`${namespace}-${name}`, token.trim())
    },
    async installCrds() {
      await kubectl('apply', '--server-side', '--filename', CRDS)
      await kubectl('wait', '--for=condition=Established', 'customresourcedefinition', '--all', '--timeout=60s')
    },
    audit: () => readAudit(join(folder, 'audit.log')),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
