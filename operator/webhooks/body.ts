/** Builds the JSON text of the event `probe.status_changed` in the Standard format. It decides neither severity nor who is told. */
import { createHash } from 'node:crypto'
import { metricKeys, metrics } from '../../crds/index.ts'
import type { Breach, ExecutionRecord, ProbeIdentity, TransitionRecord } from '../history/history.ts'

export interface StatusChange {
  probe: ProbeIdentity & { displayName: string }
  transition: TransitionRecord
  /** The first evaluation of a new probe. */
  initial: boolean
  /** The one that caused it; absent: none did. */
  execution?: ExecutionRecord
  /** When the probe left Healthy, if it was not Healthy just before; milliseconds since 1970. */
  leftHealthyAt?: number
  /** Where people look; absent where the configuration names no public address. */
  links: { dashboard?: string; statusPage?: string }
}

/** The event as receivers of the Standard format get it. */
export type StatusChanged = ReturnType<typeof statusChanged>

/** JSON leaves out what is undefined: what is not known is absent, never null. */
export const statusChangedBody = (change: StatusChange): string => JSON.stringify(statusChanged(change))

function statusChanged({ probe, transition, initial, execution, leftHealthyAt, links }: StatusChange) {
  const { namespace, name, uid, displayName } = probe
  const { sequence, at, from, to, severity, reason, message } = transition
  const result = execution?.result
  const startsAt = from === 'Healthy' ? at : leftHealthyAt
  return {
    type: 'probe.status_changed' as const,
    timestamp: instant(at),
    data: {
      sequence,
      probe: { id: uid, name, displayName, namespace },
      previousStatus: from.toUpperCase(),
      newStatus: to.toUpperCase(),
      severity: severity.charAt(0).toLowerCase() + severity.slice(1),
      initial,
      reason,
      message,
      failureClass: result?.failureClass,
      execution: execution && {
        id: execution.id,
        startedAt: instant(execution.result.startedAt),
        location: execution.location,
        sip: execution.result.sip,
      },
      metrics: execution?.breaches.map((breach) => cause(breach, execution.thresholds)) ?? [],
      allMetrics: result?.metrics ?? {},
      links,
      startsAt: startsAt === undefined ? undefined : instant(startsAt),
      endsAt: to === 'Healthy' && startsAt !== undefined ? instant(at) : undefined,
      fingerprint: createHash('sha256').update(`SipProbe/${namespace}/${name}`).digest('hex'),
    },
  }
}

function cause({ metric, value, level }: Breach, thresholds: ExecutionRecord['thresholds']) {
  const key = metricKeys.find((candidate) => candidate === metric)
  const { warning, critical } = thresholds[metric] ?? {}
  return { metric, value, unit: key && metrics[key].unit, level: level.toUpperCase(), warning, critical }
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
