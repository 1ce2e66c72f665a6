/** The reconciler of SipRegistrar: looks whether its Secrets are there and says so in its status. It calls nobody. */
import type { SipRegistrarStatus } from '../../crds/index.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { WorkQueue } from '../../lib/work-queue.ts'
import type { QueueObserver } from '../../lib/work-queue.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { condition } from '../cluster/condition.ts'
import type { ResolvedRegistrar } from './resolve.ts'
import { resolveRegistrar } from './resolve.ts'

export interface RegistrarsOptions {
  cluster: Cluster
  clock: Clock
  random: Random
  log: Log
  observer?: QueueObserver
}

/** What can be said of a registrar whose references are all there. */
function readiness({ expiring }: Extract<ResolvedRegistrar, { kind: 'Resolved' }>) {
  return expiring === undefined
    ? { reason: 'Resolved', message: 'Every Secret is there.' }
    : { reason: 'CertificateExpiringSoon', message: expiring }
}

/** Secrets are not watched on every cluster: look again after this long, and sooner where one is waited for. */
const POLL = 60_000
const POLL_UNREADY = 5_000

/** Keeps the status of every registrar until disposed. */
export function startRegistrars({ cluster, clock, random, log, observer }: RegistrarsOptions): AsyncDisposable {
  const queue = new WorkQueue({
    clock,
    random,
    handle: reconcile,
    onError: (key, error) => log.error({ error, registrar: key }, 'registrar cannot be reconciled, trying again'),
    ...(observer && { observer }),
  })
  const addAll = () => {
    for (const { metadata } of cluster.list('SipRegistrar')) queue.add(`${metadata.namespace}/${metadata.name}`)
  }
  const subscription = cluster.onChange(({ kind }) => {
    if (kind === 'SipRegistrar' || kind === 'Secret') addAll()
  })
  addAll()

  async function reconcile(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/')
    const registrar = cluster.get('SipRegistrar', { namespace, name })
    if (!registrar) return
    const resolved = await resolveRegistrar(
      registrar.spec,
      (secret) => cluster.secret({ namespace, name: secret }),
      clock.now(),
    )
    const ready =
      resolved.kind === 'Resolved'
        ? { status: 'True' as const, ...readiness(resolved) }
        : { status: 'False' as const, reason: resolved.reason, message: resolved.message }
    const { generation } = registrar.metadata
    const before = cluster.status('SipRegistrar', registrar.metadata)?.conditions
    const status: SipRegistrarStatus = {
      observedGeneration: generation,
      ...(resolved.kind === 'Resolved' && { accounts: resolved.accounts.length }),
      conditions: [condition({ type: 'Ready', ...ready }, { before, generation, now: clock.now() })],
    }
    await cluster.writeStatus('SipRegistrar', registrar.metadata, status)
    queue.addAfter(key, resolved.kind === 'Resolved' ? POLL : POLL_UNREADY)
  }

  return {
    async [Symbol.asyncDispose]() {
      subscription[Symbol.dispose]()
      await queue[Symbol.asyncDispose]()
    },
  }
}
