/** Which webhooks of a probe are told of a transition, and with which body. Pure; delivering is somebody else's. */
import type { Stored } from '../cluster/cluster.ts'
import type { NewDelivery, ProbeMemory } from '../history/history.ts'
import { eventId, statusChangedBody } from '../webhooks/index.ts'
import type { Change, Conclusion } from './conclude.ts'

export interface Announcement {
  probe: Stored<'SipProbe'>
  conclusion: Conclusion
  change: Change
  /** What was known before the change. */
  before: ProbeMemory
  /** A maintenance window is open. */
  held: boolean
  /** Where people look. */
  links: { dashboard?: string; statusPage?: string }
}

export function announce({ probe, conclusion, change, before, held, links }: Announcement): NewDelivery[] {
  const { uid, namespace, name } = probe.metadata
  const { transition, severity } = change
  const { leftHealthyAt } = before
  const execution = conclusion.executions.find(({ id }) => id === transition.executionId)
  const body = statusChangedBody({
    probe: { namespace, name, uid, displayName: probe.spec.displayName ?? name },
    transition,
    initial: before.since === undefined,
    links,
    ...(execution && { execution }),
    ...(leftHealthyAt !== undefined && { leftHealthyAt }),
  })
  return probe.spec.webhooks
    .filter(({ severities }) => severities.includes(severity))
    .map((webhook) => ({
      webhookId: eventId(uid, transition.sequence),
      webhook: webhook.name,
      sequence: transition.sequence,
      newStatus: transition.to,
      body,
      held,
    }))
}
