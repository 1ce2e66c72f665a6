/** What people read of an event, whichever program shows it: headline, sentence, facts and links. No markup. Pure. */
import type { StatusChanged } from './body.ts'

export interface Words {
  headline: string
  message: string
  facts: ReadonlyArray<readonly [label: string, value: string]>
  links: ReadonlyArray<readonly [label: string, url: string]>
}

export function wordsOf({ data }: StatusChanged): Words {
  const { probe, previousStatus, newStatus, severity, reason, message, execution, metrics, links } = data
  return {
    headline: `${probe.displayName} is ${newStatus.toLowerCase()}`,
    message,
    facts: [
      ['Probe', `${probe.namespace}/${probe.name}`],
      ['Before', previousStatus.toLowerCase()],
      ['Severity', severity],
      ['Reason', reason],
      ...(execution?.sip ? [['SIP', `${execution.sip.code} ${execution.sip.reason}`] as const] : []),
      ...(execution ? [['Location', execution.location] as const] : []),
      ...metrics.map((metric) => [metric.metric, figure(metric)] as const),
      ...(data.startsAt === undefined ? [] : [['Since', data.startsAt] as const]),
      ...(data.endsAt === undefined ? [] : [['Until', data.endsAt] as const]),
    ],
    links: [
      ...(links.dashboard === undefined ? [] : [['Dashboard', links.dashboard] as const]),
      ...(links.statusPage === undefined ? [] : [['Status page', links.statusPage] as const]),
    ],
  }
}

/** `4 % (warning 3, critical 5)` */
function figure({ value, unit, warning, critical }: StatusChanged['data']['metrics'][number]): string {
  const bounds = [
    ...(warning === undefined ? [] : [`warning ${warning}`]),
    ...(critical === undefined ? [] : [`critical ${critical}`]),
  ]
  return `${value}${unit ? ` ${unit}` : ''}${bounds.length > 0 ? ` (${bounds.join(', ')})` : ''}`
}
