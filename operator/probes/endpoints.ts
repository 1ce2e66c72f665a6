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
  const { secretRef, format } = webhook
  const target = { url: url.value.trim(), format }
  if (!secretRef) return target
  const secret = await lookUp(read, secretRef)
  if (secret.kind === 'Unresolved') return { unavailable: secret.message }
  return { ...target, secret: secret.value, secretRef: `${secretRef.name}/${secretRef.key}` }
}
