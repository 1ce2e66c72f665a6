/** Where a delivery goes and what it is signed with, as the probe says now; the deliverer knows no kind. */
import type { Cluster } from '../cluster/cluster.ts'
import type { Delivery } from '../history/history.ts'
import { lookUp } from '../registrars/secrets.ts'
import type { Target } from '../webhooks/index.ts'

export async function resolveTarget(
  cluster: Cluster,
  { probe, webhook: name }: Delivery,
): Promise<Target | { unavailable: string }> {
  const { namespace } = probe
  const webhook = cluster.get('SipProbe', probe)?.spec.webhooks.find((candidate) => candidate.name === name)
  if (!webhook) return { unavailable: `the probe has no webhook ${name} any more` }
  const read = (secret: string) => cluster.secret({ namespace, name: secret })
  const url = webhook.urlRef ? await lookUp(read, webhook.urlRef) : { kind: 'Found' as const, value: webhook.url ?? '' }
  if (url.kind === 'Unresolved') return { unavailable: url.message }
  const { secretRef } = webhook
  if (!secretRef) return { url: url.value.trim() }
  const secrets = await lookUp(read, secretRef)
  if (secrets.kind === 'Unresolved') return { unavailable: secrets.message }
  return { url: url.value.trim(), secrets: secrets.value, secretRef: `${secretRef.name}/${secretRef.key}` }
}
