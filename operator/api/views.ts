/** What the API shows of a resource, an execution, a transition, a delivery: times as RFC 3339, no secrets, absent where not measured. */
import type { Stored } from '../cluster/cluster.ts'
import type { Delivery, ExecutionRecord, TransitionRecord } from '../history/index.ts'
import { executionSummary } from '../history/index.ts'

/** Shows a URL without what may be a secret in it. */
export type Mask = (url: string) => string

const time = (at: number): string => new Date(at).toISOString()

/** kubectl keeps the whole manifest there, what is masked in it included. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Name, spec and status. Secrets are references in a spec; the address of a webhook is the one thing that may hold one. */
export function resourceView({ metadata, spec, status }: Stored, mask: Mask) {
  const { name, namespace, uid, generation, labels, annotations, creationTimestamp } = metadata
  const { [LAST_APPLIED]: _manifest, ...notes } = annotations ?? {}
  return {
    metadata: {
      name,
      namespace,
      uid,
      generation,
      ...(creationTimestamp !== undefined && { creationTimestamp }),
      ...(labels && { labels }),
      ...(Object.keys(notes).length > 0 && { annotations: notes }),
    },
    spec: 'webhooks' in spec ? { ...spec, webhooks: spec.webhooks.map((webhook) => masked(webhook, mask)) } : spec,
    ...(status && { status }),
  }
}

function masked<Webhook extends { readonly url?: string }>(webhook: Webhook, mask: Mask): Webhook {
  return webhook.url === undefined ? webhook : { ...webhook, url: mask(webhook.url) }
}

/** As in `.status.lastExecution`, and what only history knows. */
export function executionView(execution: ExecutionRecord) {
  const { slot, level, reason, message } = execution
  return {
    ...executionSummary(execution),
    slot: time(slot),
    /** Null: we stopped it ourselves; it says nothing. */
    level: level ?? null,
    reason,
    message,
  }
}

/** One execution with everything but its trace. */
export function executionDetail(execution: ExecutionRecord) {
  const { result, thresholds, samples, trace } = execution
  const {
    callId,
    remote,
    attempts,
    certificate,
    userAgent,
    retransmissions,
    authenticationRounds,
    mosBasis,
    media,
    digits,
  } = result
  return {
    ...executionView(execution),
    thresholds,
    ...(callId !== undefined && { callId }),
    ...(remote && { remote }),
    ...(attempts && { attempts }),
    ...(certificate && { certificate: { subject: certificate.subject, validTo: time(certificate.validTo) } }),
    ...(userAgent !== undefined && { userAgent }),
    ...(mosBasis && { mosBasis }),
    ...(media && { media }),
    ...(digits && { digits }),
    retransmissions,
    authenticationRounds,
    samples,
    trace: trace ? { messages: trace.messages.length, truncated: trace.truncated } : null,
  }
}

export function transitionView({ at, ...transition }: TransitionRecord) {
  return { ...transition, at: time(at) }
}

/** The log of a delivery; its body is what `GET .../transitions` and the execution tell. */
export function deliveryView(delivery: Delivery) {
  const { id, webhookId, webhook, probe, sequence, newStatus, state, attempts, responseCode, error } = delivery
  return {
    id,
    webhookId,
    webhook,
    probe: { namespace: probe.namespace, name: probe.name },
    sequence,
    newStatus,
    state,
    attempts,
    createdAt: time(delivery.createdAt),
    nextAttemptAt: state === 'Pending' ? time(delivery.nextAttemptAt) : null,
    responseCode: responseCode ?? null,
    error: error ?? null,
  }
}

export function attemptView({ at, responseCode, error }: { at: number; responseCode?: number; error?: string }) {
  return { at: time(at), responseCode: responseCode ?? null, error: error ?? null }
}
