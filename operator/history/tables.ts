/** The rows as they lie in the database. Times are milliseconds since 1970; what nobody searches for is JSON. */
import type { Generated } from 'kysely'
import type { Health } from '../../crds/index.ts'
import type { DeliveryState } from './history.ts'

interface Named {
  namespace: string
  name: string
}

export interface Tables {
  executions: Named & {
    id: string
    uid: string
    location: string
    generation: number
    slot: number
    level: Health | null
    reason: string
    message: string
    /** JSON: breaches, notMeasured, thresholds, result. */
    document: string
  }
  /** Per-second figures of one execution. */
  samples: Compressed
  /** SIP messages of one execution. */
  traces: Compressed
  /** The last rounds of each probe, as many as damping looks at. */
  rounds: Named & {
    id: Generated<number>
    uid: string
    slot: number
    level: Health
    reason: string
    execution_id: string
    finished_at: number
    /** 0 once a transition that no execution caused came after it: damping starts anew there. */
    counts: number
  }
  transitions: Named & {
    id: Generated<number>
    uid: string
    sequence: number
    at: number
    from_health: Health
    to_health: Health
    severity: string
    reason: string
    message: string
    execution_id: string | null
  }
  deliveries: Named & {
    id: Generated<number>
    uid: string
    webhook_id: string
    webhook: string
    sequence: number
    new_status: Health
    body: string
    state: DeliveryState
    created_at: number
    attempts: number
    next_attempt_at: number
    response_code: number | null
    error: string | null
    /** Which target settled it, as the deliverer names it. */
    endpoint: string | null
  }
  attempts: {
    id: Generated<number>
    delivery_id: number
    at: number
    response_code: number | null
    error: string | null
  }
  objects: Named & {
    kind: string
    uid: string
    generation: number
    spec_hash: string
    /** JSON; null: none was written yet. */
    status: string | null
  }
  /** `schema`: migrations that ran; `epoch`: starts so far. */
  counters: { name: string; value: number }
}

interface Compressed {
  execution_id: string
  slot: number
  /** JSON, deflated. */
  data: Uint8Array
}
