/** The door to the history store: what happened, once and for good. It decides nothing; callers bring finished records. */
import type { Health, JudgedMetric, Metrics } from '../../crds/index.ts'
import type { CallResult, TracedMessage } from '../../agent/index.ts'

export interface ProbeIdentity {
  namespace: string
  name: string
  uid: string
}

export interface Breach {
  metric: JudgedMetric
  value: number
  level: 'Degraded' | 'Unhealthy'
  /** The bound that was reached. */
  threshold: number
}

/** One execution at one location, judged. */
export interface ExecutionRecord {
  id: string
  location: string
  generation: number
  /** Milliseconds since 1970, as all times here. */
  slot: number
  /** Absent: it was stopped by us and says nothing. */
  level?: Health
  reason: string
  message: string
  breaches: readonly Breach[]
  /** Judged metrics that could not be measured. */
  notMeasured: readonly JudgedMetric[]
  thresholds: Readonly<Record<string, { warning: number; critical: number }>>
  result: CallResult
  /** One entry a second of the call. */
  samples: ReadonlyArray<{ second: number; metrics: Metrics }>
  /** Kept 7 days, where the probe's `traces` asks for it. */
  trace?: { messages: readonly TracedMessage[]; truncated: boolean }
}

export interface TransitionRecord {
  /** 1 for the first of a probe, no gaps. */
  sequence: number
  at: number
  from: Health
  to: Health
  severity: string
  reason: string
  message: string
  /** Absent: no execution caused it (Suspended, Stale, ...). */
  executionId?: string
}

/** One event for one webhook. */
export interface NewDelivery {
  /** The event's id, the same for every webhook and every attempt. */
  webhookId: string
  /** `spec.webhooks[].name`. */
  webhook: string
  sequence: number
  /** The state that this event tells. */
  newStatus: Health
  /** Body in the Standard format (JSON text). */
  body: string
  /** True: a maintenance window is open; it waits for `releaseHeld`. */
  held: boolean
  /** It was in hand before it could be stored: what came of it. */
  untold?: Untold
}

/** What names a delivery, before it has a number too. */
export type DeliveryKey = Pick<NewDelivery, 'webhookId' | 'webhook'>

export interface Attempted {
  at: number
  /** Absent: it was not answered. */
  responseCode?: number
  error?: string
}

export interface Untold {
  state: 'Pending' | 'Delivered' | 'Disabled'
  createdAt: number
  nextAttemptAt: number
  /** Oldest first. */
  attempts: readonly Attempted[]
  endpoint?: string
}

/** All that one round, or one change without a round, leaves behind. */
export interface Entry {
  probe: ProbeIdentity
  /** Of all locations of the round. */
  executions: readonly ExecutionRecord[]
  /** Absent: no round was finished by this (a stopped execution, a suspension). */
  round?: { slot: number; level: Health; reason: string; executionId: string; finishedAt: number }
  transition?: TransitionRecord
  deliveries: readonly NewDelivery[]
}

/**
 * What a probe's reconciler needs to go on where it stopped. Sequence and transitions are the name's and go on when a
 * probe is created again; all else is of this uid alone, so that a new probe starts as Unknown.
 */
export interface ProbeMemory {
  health: Health
  /** When the present state began; absent before the first transition. */
  since?: number
  sequence: number
  /** The last 10, oldest first. */
  transitions: readonly TransitionRecord[]
  /** Levels of the last 10 rounds since the last transition without an execution, oldest first. */
  recentLevels: readonly Health[]
  lastRound?: { slot: number; finishedAt: number }
  /** The one that decided the last round, without samples and trace. Absent once it is past its time. */
  lastExecution?: ExecutionRecord
  /** When the probe last left Healthy, while it has not returned. */
  leftHealthyAt?: number
}

export interface Page {
  /** From 1. */
  page: number
  /** 1 to 100. */
  perPage: number
}
export interface Listed<Item> {
  items: readonly Item[]
  total: number
}

export type DeliveryState = 'Pending' | 'Held' | 'Delivered' | 'Superseded' | 'Expired' | 'Disabled'

export interface Delivery extends NewDelivery {
  id: number
  probe: ProbeIdentity
  createdAt: number
  state: DeliveryState
  attempts: number
  nextAttemptAt: number
  /** Of the last attempt; absent: none was answered. */
  responseCode?: number
  error?: string
}

export interface History extends AsyncDisposable {
  /**
   * One transaction: all of it or nothing. What is there already is left as it is, so that a retry is safe; only a stopped
   * execution gives way to one of the same id that has a level. Errors: `HistoryConflict` for a transition that would
   * leave a gap, or contradict the one of its number; `HistoryLocked`, `HistoryFull` and the like, which may pass.
   */
  record(entry: Entry): Promise<void>
  /**
   * Puts back the transitions of a probe that come after the last one here: a backup was restored, or a volume lost, and
   * somebody else still knows them. Nothing is delivered for them. Resolves to how many those were.
   */
  restore(probe: ProbeIdentity, transitions: readonly TransitionRecord[]): Promise<number>
  memory(probe: ProbeIdentity): Promise<ProbeMemory>
  /** Newest first, without samples and trace. */
  executions(key: { namespace: string; name: string }, page: Page): Promise<Listed<ExecutionRecord>>
  execution(key: { namespace: string; name: string }, id: string): Promise<ExecutionRecord | undefined>
  /** By id alone, for `ringcheck trace`. */
  executionById(id: string): Promise<(ExecutionRecord & { probe: ProbeIdentity }) | undefined>
  /** Newest first. */
  transitions(key: { namespace: string; name: string }, page: Page): Promise<Listed<TransitionRecord>>
  /** Oldest first: the state at `from` (if known, with `at` = `from`) and every change after it, up to `to`. For uptime. */
  states(
    key: { namespace: string; name: string },
    from: number,
    to: number,
  ): Promise<ReadonlyArray<{ at: number; health: Health }>>
  readonly outbox: Outbox
  readonly objects: ObjectStore
  /**
   * Deletes what is past its time, as `Retention` says, in small batches with a pause between; the last transition of a
   * probe stays.
   */
  prune(now: number): Promise<void>
}

/** The webhook deliveries, as the deliverer sees them. */
export interface Outbox {
  /**
   * The oldest pending one of each (probe, webhook), where it is due: order is kept by never looking past it. By rising
   * id, from the first above `after`.
   */
  due(now: number, limit: number, after?: number): Promise<readonly Delivery[]>
  /** The first time after `now` at which one more of these becomes due; undefined: none will by itself. */
  nextDue(now: number): Promise<number | undefined>
  /** One that is not there is no error. `responseCode` absent: it was settled without an attempt. `endpoint` names the target, see `disabledEndpoint`. */
  settle(
    delivery: DeliveryKey,
    result: { state: 'Delivered' | 'Disabled'; responseCode?: number; error?: string; at: number; endpoint: string },
  ): Promise<void>
  /** A failed attempt. One that was superseded meanwhile stays so. */
  postpone(
    delivery: DeliveryKey,
    attempt: { nextAttemptAt: number; responseCode?: number; error: string; at: number },
  ): Promise<void>
  /**
   * Of the pending ones that failed at least once: superseded are those 10 min old that have a newer one behind them,
   * expired those 6 h old. Returns how many of each.
   */
  supersede(now: number): Promise<{ superseded: number; expired: number }>
  /**
   * The maintenance window of this probe is over: each webhook gets the difference between what it was told and what is.
   * That is its last held event, if it tells the present state and the webhook was last told another; no other held one.
   */
  releaseHeld(probe: ProbeIdentity): Promise<void>
  /** The `endpoint` with which the last settled delivery of this webhook was Disabled; undefined: it was not. */
  disabledEndpoint(delivery: Pick<Delivery, 'probe' | 'webhook'>): Promise<string | undefined>
  /** The webhooks of a probe whose last settled delivery was Disabled, by name. */
  disabledWebhooks(probe: ProbeIdentity): Promise<readonly string[]>
  /** Makes it pending again, under the same id and due at `now`, as if it had not been tried; its log stays. One that is held is left alone. */
  replay(id: number, now: number): Promise<'Replayed' | 'NotFound' | 'Held'>
  get(id: number): Promise<Delivery | undefined>
  /** Newest first. */
  list(page: Page & { namespace?: string; name?: string }): Promise<Listed<Delivery>>
  /** Oldest first. */
  attempts(id: number): Promise<readonly Attempted[]>
  counts(): Promise<{ pending: number; oldestCreatedAt?: number }>
}

/** Identities and status of local mode, where no API server keeps them. */
export interface ObjectStore {
  /** A UUID made at the first call for (kind, namespace, name); generation rises when `specHash` differs from the last one. */
  identify(object: {
    kind: string
    namespace: string
    name: string
    specHash: string
  }): Promise<{ uid: string; generation: number }>
  status(object: { kind: string; namespace: string; name: string }): Promise<unknown>
  /** Of an object that was identified. */
  writeStatus(object: { kind: string; namespace: string; name: string }, status: unknown): Promise<void>
  statuses(): Promise<ReadonlyArray<{ kind: string; namespace: string; name: string; status: unknown }>>
  /** One more than at the last start. */
  nextEpoch(): Promise<number>
}
