/** The door to a real cluster as the operator opens it, with what it announced and how often its watches broke. It decides nothing. */
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import type { KubernetesCluster, LeasedTerm } from '../../operator/cluster/kubernetes/index.ts'
import {
  Election,
  loadKubeConfig,
  openKubeClient,
  openKubernetesCluster,
} from '../../operator/cluster/kubernetes/index.ts'

const common = () => {
  const lines: string[] = []
  const log = createLog({ name: 'test', level: 'info', destination: { write: (line) => void lines.push(line) } })
  return { clock: systemClock, random: systemRandom, log, lines }
}

export interface Door extends AsyncDisposable {
  readonly cluster: KubernetesCluster
  /** `SipProbe default/echo`, in the order in which they were told. */
  readonly announced: string[]
  readonly restarts: string[]
  readonly lines: readonly string[]
}

/** Returns when everything is known. */
export async function openDoor(kubeconfig: string, namespace?: string): Promise<Door> {
  const { lines, ...options } = common()
  const restarts: string[] = []
  const announced: string[] = []
  const cluster = await openKubernetesCluster({
    ...options,
    config: loadKubeConfig(kubeconfig),
    instance: 'test',
    onWatchRestart: (kind) => void restarts.push(kind),
    ...(namespace !== undefined && { namespace }),
  })
  await cluster.listed
  cluster.onChange(({ kind, key }) => void announced.push(`${kind} ${key.namespace}/${key.name}`))
  return { cluster, announced, restarts, lines, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() }
}

export interface Candidate extends AsyncDisposable {
  readonly election: Election
  elected(signal?: AbortSignal): Promise<LeasedTerm>
}

export async function candidate(kubeconfig: string, identity: string, namespace = 'default'): Promise<Candidate> {
  const { lines: _, ...options } = common()
  const client = await openKubeClient({ config: loadKubeConfig(kubeconfig), connections: 2, timeout: 4_000 })
  const lease = { namespace, name: 'ringcheck' }
  const election = new Election({ ...options, leases: client.leases, lease, identity })
  return {
    election,
    async elected(signal = new AbortController().signal) {
      const term = await election.elected(signal)
      if (!term) throw new Error(`${identity} was not elected`)
      return term
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

export const probe = (name: string, more: { interval?: string; zone?: string; annotations?: string } = {}) => `---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name}${more.annotations === undefined ? '' : `, annotations: ${more.annotations}`} }
spec:
  registrarRef: { name: pbx }
  target: sip:echo@127.0.0.1
  schedule: ${more.zone === undefined ? `{ interval: ${more.interval ?? '5m'} }` : `{ cron: '0 4 * * *', timeZone: ${more.zone} }`}
`
