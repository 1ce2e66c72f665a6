/** The small schemas that several kinds share: names, references, durations, lists, conditions. No kind is described here. */
import { Cron } from 'croner'
import { z } from 'zod'
import { DURATION_PATTERN, milliseconds } from './duration.ts'
import { hasRightShape, ruled, SHARED } from './rules.ts'

/** A parsed value that nobody may change. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** Text of `from` to `to` characters. With a pattern that needs a character `from` is 0: one fault, one complaint. */
export function text(to: number, from = 1): z.ZodString {
  return from === 0 ? z.string().max(to) : z.string().min(from).max(to)
}

/** A list whose items may repeat and whose order is kept; replaced as a whole by server-side apply. */
export function list<Item extends z.ZodType>(item: Item, most: number, least = 0) {
  const items = z.array(item).max(most)
  return (least > 0 ? items.min(least) : items).meta({ 'x-kubernetes-list-type': 'atomic' })
}

/** A list of plain values, none of them twice. */
export function setOf<Item extends z.ZodType<string | number>>(item: Item, most: number, least = 0) {
  const items = z.array(item).max(most)
  const set = (least > 0 ? items.min(least) : items).meta({ 'x-kubernetes-list-type': 'set' })
  return set.superRefine((values, context) => {
    for (const [index, value] of values.entries()) {
      if (values.indexOf(value) < index) context.addIssue({ code: 'custom', path: [index], message: duplicate(value) })
    }
  })
}

/** A list of objects, each with its own value under `key`; server-side apply merges it item by item. */
export function mapOf<Item extends z.ZodType<object>>(
  item: Item,
  key: string & keyof z.output<Item>,
  most: number,
  least = 0,
) {
  const items = z.array(item).max(most)
  const map = (least > 0 ? items.min(least) : items).meta({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [key],
  })
  return map.superRefine((values, context) => {
    const seen = new Set<unknown>()
    for (const [index, value] of values.entries()) {
      const name = value[key]
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [index], message: duplicate({ [key]: name }) })
      seen.add(name)
    }
  })
}

function duplicate(value: unknown): string {
  return `${JSON.stringify(value)} is already in the list: each may be there once`
}

/** A duration from `from` to `to`, both included; stays a string, see `milliseconds`. */
export function duration(from: string, to: string) {
  const [least, most] = [milliseconds(from), milliseconds(to)]
  return ruled(
    z
      .string()
      .min(2)
      .max(24)
      .regex(DURATION_PATTERN, 'be a duration such as 30s, 5m or 1h30m')
      .meta({ [SHARED]: 'Duration' }),
    {
      message: `must be a duration from ${from} to ${to}`,
      cel: `duration(self) >= duration('${from}') && duration(self) <= duration('${to}')`,
      holds: (value) => milliseconds(value) >= least && milliseconds(value) <= most,
    },
  )
}

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

/** A point in time, RFC 3339 with a zone. */
export const instant = z
  .string()
  .max(40)
  .meta({ format: 'date-time', [SHARED]: 'Instant' })
  .refine((value) => RFC3339.test(value) && !Number.isNaN(Date.parse(value)), {
    message: 'must be a date and time of RFC 3339, such as 2026-03-01T22:00:00Z',
    when: hasRightShape,
  })

/** A zone of the IANA database; only we can tell whether there is one of that name. */
export const timeZone = ruled(
  text(64, 0)
    .regex(
      /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/,
      'be a time zone of the IANA database, such as Europe/Berlin',
    )
    .meta({ description: 'Time zone of the IANA database, such as `Europe/Berlin`.', [SHARED]: 'TimeZone' }),
  { message: 'must be a time zone of the IANA database, such as Europe/Berlin', holds: isTimeZone },
)

/** Those that were found: looking for one takes longer than all the rest of an object, and they are some hundreds. */
const timeZones = new Set<string>()

function isTimeZone(name: string): boolean {
  if (timeZones.has(name)) return true
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    timeZones.add(name)
    return true
  } catch {
    return false
  }
}

/** Five fields: minute, hour, day of month, month, day of week. */
export const cron = ruled(
  text(100, 9).meta({
    description:
      'Five fields: minute, hour, day of month, month, day of week. `*/5 8-18 * * 1-5` is every 5 minutes of a working day.',
    [SHARED]: 'Cron',
  }),
  {
    message: 'must be a cron expression of five fields: minute, hour, day of month, month, day of week',
    holds: isCron,
  },
)

function isCron(expression: string): boolean {
  if (expression.startsWith('@')) return false
  try {
    new Cron(expression, { paused: true, mode: '5-part' })
    return true
  } catch {
    return false
  }
}

/** The name of an object in the same namespace (RFC 1123 subdomain). */
export const objectName = text(253, 0).regex(
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  'be a name of a-z, 0-9, - and ., as Kubernetes has them',
)

/** A short name inside a resource: of a group, a location, a webhook (RFC 1123 label). */
export const label = text(63, 0)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'be a name of a-z, 0-9 and -')
  .meta({ [SHARED]: 'Label' })

const dataKey = text(253, 0)
  .regex(/^[-._a-zA-Z0-9]+$/, 'be a key of letters, digits, -, _ and .')
  .meta({ description: 'Key in its data.' })

/** One value of a Secret of the same namespace. */
export const secretKey = z
  .strictObject({ name: objectName.meta({ description: 'Name of the Secret.' }), key: dataKey })
  .meta({ description: 'A value of a Secret in the same namespace.', [SHARED]: 'SecretKey' })

/** One value of a ConfigMap of the same namespace. */
export const configKey = z
  .strictObject({ name: objectName.meta({ description: 'Name of the ConfigMap.' }), key: dataKey })
  .meta({ description: 'A value of a ConfigMap in the same namespace.', [SHARED]: 'ConfigKey' })

/** Another resource of the same namespace, by name. */
export const nameReference = z
  .strictObject({ name: objectName.meta({ description: 'Its name, in the same namespace.' }) })
  .meta({ description: 'A resource of the same namespace.', [SHARED]: 'NameReference' })

export const displayName = text(100).meta({
  description: 'The name that people read in webhooks and on pages. Absent: `metadata.name`.',
  [SHARED]: 'DisplayName',
})

/** A SIP or SIPS URI (RFC 3261 section 19.1); the SIP engine parses it fully when it is used. */
export const sipUri = text(512, 0)
  .regex(/^sips?:([^@\s<>]+@)?[^@\s<>]+$/, 'be a SIP URI such as sip:echo@example.org')
  .meta({ [SHARED]: 'SipUri' })

/** metav1.Condition. `Ready` is about us, `Healthy` about the target. */
export const condition = z
  .object({
    type: text(316),
    status: z.enum(['True', 'False', 'Unknown']),
    observedGeneration: z.int().min(0).max(Number.MAX_SAFE_INTEGER).exactOptional(),
    lastTransitionTime: instant,
    reason: text(1024),
    message: text(32_768, 0),
  })
  .meta({ description: 'A condition as Kubernetes defines it.', [SHARED]: 'Condition' })
export type Condition = DeepReadonly<z.output<typeof condition>>

export const conditions = mapOf(condition, 'type', 16).meta({ description: 'What is so about this resource.' })
