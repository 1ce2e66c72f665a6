/** An event for version 2 of PagerDuty's Events API: one alert for each probe, resolved when it is Healthy. Pure. */
import type { StatusChanged } from './body.ts'
import { wordsOf } from './words.ts'

const SEVERITIES: Readonly<Record<string, 'critical' | 'warning' | 'info'>> = {
  UNHEALTHY: 'critical',
  DEGRADED: 'warning',
  UNKNOWN: 'info',
}

/** Characters of a summary. */
const LONGEST_SUMMARY = 1024

/** @param routingKey of an integration "Events API V2" */
export function pagerDutyBody(event: StatusChanged, routingKey: string): string {
  const { timestamp, data } = event
  const { fingerprint, newStatus, probe, reason, failureClass, allMetrics, execution, links } = data
  const { headline, message, links: shown } = wordsOf(event)
  const severity = SEVERITIES[newStatus]
  const alert = { routing_key: routingKey, dedup_key: fingerprint }
  if (severity === undefined) return JSON.stringify({ ...alert, event_action: 'resolve' })
  return JSON.stringify({
    ...alert,
    event_action: 'trigger',
    client: 'Ringcheck',
    client_url: links.dashboard,
    links: shown.map(([text, href]) => ({ text, href })),
    payload: {
      summary: `${headline}: ${message}`.slice(0, LONGEST_SUMMARY),
      source: `${probe.namespace}/${probe.name}`,
      severity,
      timestamp,
      component: probe.name,
      group: probe.namespace,
      class: failureClass ?? reason,
      custom_details: { reason, execution, metrics: allMetrics },
    },
  })
}
