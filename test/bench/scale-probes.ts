/** The probes of the bench of many probes, and what is done with them through the API server. It measures nothing but how long a new one waits. */
import { GROUP, VERSION } from '../../crds/index.ts'
import { loadKubeConfig, openKubeClient } from '../../operator/cluster/kubernetes/index.ts'
import type { Cluster } from '../kube/cluster.ts'

/** Requests at once that declare probes. */
const CONNECTIONS = 16

export const registrar = (port: number) => `
apiVersion: ${GROUP}/${VERSION}
kind: SipRegistrar
metadata: { name: pbx, namespace: default }
spec: { domain: 127.0.0.1, port: ${port}, register: false }
`

const probe = (name: string) => ({
  apiVersion: `${GROUP}/${VERSION}`,
  kind: 'SipProbe',
  metadata: { name, namespace: 'default' },
  spec: { registrarRef: { name: 'pbx' }, target: 'sip:echo@127.0.0.1', check: 'Options', schedule: { interval: '5m' } },
})

/** kubectl would take minutes for thousands. */
export async function declare({ kubeconfig }: Cluster, count: number): Promise<void> {
  await using client = await openKubeClient({
    config: loadKubeConfig(kubeconfig),
    connections: CONNECTIONS,
    timeout: 30_000,
  })
  const where = { group: GROUP, version: VERSION, namespace: 'default', plural: 'sipprobes' }
  const names = Array.from({ length: count }, (_, index) => `probe-${index}`).values()
  const work = async () => {
    for (const name of names) await client.objects.createNamespacedCustomObject({ ...where, body: probe(name) })
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
}

/** Milliseconds from the call of kubectl until one probe more was called. */
export async function timeToCall({ kubectl }: Cluster): Promise<number> {
  const began = Date.now()
  await kubectl.with(JSON.stringify(probe('late')), 'apply', '--filename', '-')
  await kubectl('wait', '--for=jsonpath={.status.lastExecution.startedAt}', 'sipprobe/late', '--timeout=60s')
  const called = await kubectl('get', 'sipprobe', 'late', '--output', 'jsonpath={.status.lastExecution.startedAt}')
  return Date.parse(called) - began
}

/** None of them calls any more: they idle. */
export async function pauseAll({ kubectl }: Cluster): Promise<void> {
  await kubectl('annotate', 'namespace', 'default', 'ringcheck.dev/paused=true')
}
