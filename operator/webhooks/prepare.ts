/** From where a probe says a delivery goes to what is sent there: the URL checked, the body in the format asked for, signed where the format knows signatures. It sends nothing. */
import { createHash } from 'node:crypto'
import type { SipProbeSpec } from '../../crds/index.ts'
import type { AddressCheck } from './addresses.ts'
import type { StatusChanged } from './body.ts'
import { pagerDutyBody } from './pagerduty.ts'
import type { Message } from './sign.ts'
import { parseSecrets, signedHeaders } from './sign.ts'
import { slackBody } from './slack.ts'
import { checkTarget } from './target.ts'
import { teamsBody } from './teams.ts'

type Format = SipProbeSpec['webhooks'][number]['format']

/** Where a delivery goes, read anew for each attempt. */
export interface Target {
  url: string
  format: Format
  /** The Secret's text: signing secrets, see `parseSecrets`, of PagerDuty the routing key; absent: deliveries are not signed. */
  secret?: string
  /** Names the Secret, not its text: with another name or `url` an endpoint that was disabled is tried again. */
  secretRef?: string
}

export interface Prepared {
  url: URL
  /** Names the target in the store without showing it. */
  endpoint: string
  /** Of one attempt. `body` of the message is in the Standard format. */
  post: (message: Message) => { headers: Record<string, string>; body: string }
}

export function prepare(target: Target, check: AddressCheck): Prepared | { unavailable: string } {
  const checked = checkTarget(target.url, check)
  if ('refused' in checked) return { unavailable: checked.refused }
  const post = target.format === 'PagerDuty' ? forPagerDuty(target.secret) : signed(target.format, target.secret)
  return typeof post === 'function' ? { url: checked.url, endpoint: endpointOf(target), post } : post
}

/** How a body in the Standard format becomes one of another. */
const bodies: Readonly<Record<Exclude<Format, 'PagerDuty'>, (body: string) => string>> = {
  Standard: (body) => body,
  Slack: (body) => slackBody(eventOf(body)),
  Teams: (body) => teamsBody(eventOf(body)),
}

function signed(format: keyof typeof bodies, secret: string | undefined): Prepared['post'] | { unavailable: string } {
  const parsed = secret === undefined ? { secrets: [] } : parseSecrets(secret)
  if ('problem' in parsed) return { unavailable: parsed.problem }
  return (message) => {
    const body = bodies[format](message.body)
    return { headers: signedHeaders({ ...message, body }, parsed.secrets), body }
  }
}

/** Its receiver knows no signature; the key in the body is what it trusts. */
function forPagerDuty(secret: string | undefined): Prepared['post'] | { unavailable: string } {
  const key = secret?.trim() ?? ''
  if (!/^[\x21-\x7e]{1,128}$/.test(key))
    return { unavailable: 'PagerDuty needs its routing key in secretRef: one word' }
  return (message) => ({ headers: signedHeaders(message, []), body: pagerDutyBody(eventOf(message.body), key) })
}

/** Written by this folder alone (`statusChangedBody`), so it is not checked again. */
const eventOf = (body: string): StatusChanged => JSON.parse(body)

function endpointOf({ url, secretRef }: Target): string {
  return createHash('sha256')
    .update(JSON.stringify([url, secretRef ?? null]))
    .digest('hex')
}
