/** Where a change is announced; shared by probes and load tests. How it is delivered is not a matter of the resource. */
import { z } from 'zod'
import { label, list, secretKey, text } from './common.ts'
import { severities } from './failures.ts'
import { ruled, SHARED } from './rules.ts'

export const httpUrl = text(2048, 0)
  .regex(/^https?:\/\/[^\s]+$/, 'be a URL that begins with https:// or http://')
  .meta({ [SHARED]: 'Url' })

const fields = {
  name: label.meta({ description: 'Its name in the delivery log.' }),
  url: httpUrl.exactOptional().meta({ description: 'Where to POST.' }),
  urlRef: secretKey
    .exactOptional()
    .meta({ description: 'The same from a Secret, for addresses that are secrets themselves.' }),
  secretRef: secretKey.exactOptional().meta({
    description: 'Signing secret (`whsec_...`), of PagerDuty the routing key. Absent: deliveries are not signed.',
  }),
  format: z
    .enum(['Standard', 'Slack', 'Teams', 'PagerDuty'])
    .default('Standard')
    .meta({ description: 'Shape of the body. `Standard` is Standard Webhooks 1.0.0.' }),
}

const oneAddress = {
  message: 'must have exactly one of url and urlRef',
  cel: 'has(self.url) != has(self.urlRef)',
  holds: (value: { url?: unknown; urlRef?: unknown }) => (value.url === undefined) !== (value.urlRef === undefined),
}

/** Of a load test: told when a run has finished. */
export const runWebhook = ruled(z.strictObject(fields), oneAddress).meta({ [SHARED]: 'RunWebhook' })

/** Of a probe: told of transitions. */
export const webhook = ruled(
  z.strictObject({
    ...fields,
    severities: list(z.enum(severities), severities.length, 1)
      .default([...severities])
      .meta({ description: 'Which transitions are announced.' }),
  }),
  oneAddress,
).meta({ [SHARED]: 'Webhook' })
