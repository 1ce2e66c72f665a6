/** Where a delivery goes and what it is signed with, as the probe says now; the deliverer knows no kind. */
import type { Cluster } from '../cluster/cluster.ts'
import type { Delivery } from '../history/history.ts'
import { lookUp } from '../registrars/resolve.ts'

export type ResolvedEndpoint = { url: string; secrets: string } | { unavailable: string }

export async function resolveEndpoint(cluster: Cluster, { probe, webhook: name }: Delivery): Promise<ResolvedEndpoint> {
  const { namespace } = probe
  const resource = cluster.get('SipProbe', probe)
  const webhook = resource?.spec.webhooks.find((candidate) => candidate.name === name)
  if (!webhook) return { unavailable: `the probe has no webhook ${name} any more` }
  const read = (secret: string) => cluster.secret({ namespace, name: secret })
  const url = webhook.urlRef ? await lookUp(read, webhook.urlRef) : { kind: 'Found' as const, value: webhook.url ?? '' }
  if (url.kind === 'Unresolved') return { unavailable: url.message }
  const secret = await lookUp(read, webhook.secretRef)
  if (secret.kind === 'Unresolved') return { unavailable: secret.message }
  return { url: url.value.trim(), secrets: secret.value }
}
