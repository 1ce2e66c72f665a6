/** Turns records into rows and back. No query. */
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import type { Insertable, Selectable } from 'kysely'
import type { Delivery, ExecutionRecord, ProbeIdentity, TransitionRecord } from './history.ts'
import type { Tables } from './tables.ts'

const deflate = promisify(deflateRaw)
const inflate = promisify(inflateRaw)

/** What `document` of an execution holds. Written and read by this file alone, so it is not checked again on the way out. */
type ExecutionDocument = Pick<ExecutionRecord, 'breaches' | 'notMeasured' | 'thresholds' | 'result'>
export type Samples = ExecutionRecord['samples']
export type Trace = NonNullable<ExecutionRecord['trace']>

/** JSON is three to ten times smaller this way: a trace repeats its headers, samples their keys. */
export async function packed(value: Samples | Trace): Promise<Uint8Array> {
  return deflate(JSON.stringify(value))
}

export async function unpackedSamples(data: Uint8Array): Promise<Samples> {
  return JSON.parse((await inflate(data)).toString())
}

export async function unpackedTrace(data: Uint8Array): Promise<Trace> {
  return JSON.parse((await inflate(data)).toString())
}

export function executionRow(probe: ProbeIdentity, execution: ExecutionRecord): Insertable<Tables['executions']> {
  const { id, location, generation, slot, level, reason, message, breaches, notMeasured, thresholds, result } =
    execution
  const document: ExecutionDocument = { breaches, notMeasured, thresholds, result }
  return {
    id,
    ...identity(probe),
    location,
    generation,
    slot,
    level: level ?? null,
    reason,
    message: storable(message),
    document: JSON.stringify(document),
  }
}

/** Without samples and trace. */
export function executionOf(row: Selectable<Tables['executions']>): ExecutionRecord {
  const { id, location, generation, slot, level, reason, message } = row
  const document: ExecutionDocument = JSON.parse(row.document)
  return { id, location, generation, slot, ...(level && { level }), reason, message, ...document, samples: [] }
}

export function transitionRow(probe: ProbeIdentity, transition: TransitionRecord) {
  const { sequence, at, from, to, severity, reason, message, executionId } = transition
  return {
    ...identity(probe),
    sequence,
    at,
    from_health: from,
    to_health: to,
    severity,
    reason,
    message: storable(message),
    execution_id: executionId ?? null,
  } satisfies Insertable<Tables['transitions']>
}

export function transitionOf(row: Selectable<Tables['transitions']>): TransitionRecord {
  return {
    sequence: row.sequence,
    at: row.at,
    from: row.from_health,
    to: row.to_health,
    severity: row.severity,
    reason: row.reason,
    message: row.message,
    ...(row.execution_id !== null && { executionId: row.execution_id }),
  }
}

export function deliveryOf(row: Selectable<Tables['deliveries']>): Delivery {
  return {
    id: row.id,
    probe: { namespace: row.namespace, name: row.name, uid: row.uid },
    webhookId: row.webhook_id,
    webhook: row.webhook,
    sequence: row.sequence,
    newStatus: row.new_status,
    body: row.body,
    held: row.state === 'Held',
    createdAt: row.created_at,
    state: row.state,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    ...(row.response_code !== null && { responseCode: row.response_code }),
    ...(row.error !== null && { error: row.error }),
  }
}

/** A peer may send a NUL, which no text of PostgreSQL may hold. */
function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd')
}

/** Exactly these three, whatever else the object holds. */
export function identity({ namespace, name, uid }: ProbeIdentity): ProbeIdentity {
  return { namespace, name, uid }
}
