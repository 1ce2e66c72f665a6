/** What a kube-apiserver 1.36 says about a document that breaks one constraint. Test support; a test against a real one proves it. */
import { structural } from './crd.ts'
import type { Constraint, ConstraintType } from './constraints.ts'
import type { Broken } from './invalid.ts'
import { valueAt } from './breakers.ts'
import { fieldOf } from './messages.ts'
import { judgedMetrics, metrics } from './metrics.ts'
import { orderOf } from './threshold-schema.ts'

/**
 * The causes it gives, without the kind and name before them; `accepted` where only we can tell. Mostly one: it looks at
 * CEL rules also where a bound or a pattern is broken, so what breaks both is said twice.
 */
export function serverLines(constraint: Constraint, broken: Broken): string[] {
  return [serverLine(constraint, broken), ...alsoBroken(constraint, broken)]
}

const ALSO: Readonly<Record<string, string>> = {
  'SipLoadTest.spec.groups[].endpoints maximum 100000':
    'spec.groups: Invalid value: groups must have at most 100000 endpoints together',
  'SipProbe.spec.locations minItems 1':
    'spec.quorum: Invalid value: quorum must not be larger than the number of locations',
  'SipProbe.spec.quorum maximum 20':
    'spec.quorum: Invalid value: quorum must not be larger than the number of locations',
}

function alsoBroken({ id, type, schema }: Constraint, { document, refusal }: Broken): string[] {
  const field = fieldOf(refusal.path)
  const [rule] = schema['x-kubernetes-validations'] ?? []
  if ((type === 'minLength' || type === 'pattern') && rule?.rule.startsWith('duration(')) {
    const conversion = "type conversion error from 'string' to 'google.protobuf.Duration' evaluating rule"
    return [`${field}: Invalid value: "string": ${conversion}: ${rule.message}`]
  }
  const metric = judgedMetrics.find((key) => key === refusal.path.at(-2))
  if ((type !== 'minimum' && type !== 'maximum') || metric === undefined) return ALSO[id] ? [ALSO[id]] : []
  const pair = refusal.path.slice(0, -1)
  const distance = Number(valueAt(document, [...pair, 'critical'])) - Number(valueAt(document, [...pair, 'warning']))
  const higher = metrics[metric].direction === 'Higher'
  if (higher ? distance <= 0 : distance >= 0) return []
  return [`${fieldOf(pair)}.critical: Invalid value: ${orderOf(higher)}`]
}

function serverLine(constraint: Constraint, { document, refusal }: Broken): string {
  const field = fieldOf(refusal.path)
  const found = valueAt(document, refusal.path)
  return LINES[constraint.type]({
    constraint,
    field,
    value: String(constraint.value),
    found,
    shown: JSON.stringify(found),
  })
}

interface Context {
  readonly constraint: Constraint
  readonly field: string
  readonly value: string
  readonly found: unknown
  readonly shown: string
}

const LINES: Readonly<Record<ConstraintType, (context: Context) => string>> = {
  required: ({ field }) => `${field}: Required value`,
  unknown: ({ field }) => `unknown field "${field}"`,
  enum: ({ field, shown, constraint }) =>
    `${field}: Unsupported value: ${shown}: supported values: ${allowed(constraint)}`,
  pattern: (context) => inBody(context, `should match '${structural(context.constraint.schema).pattern ?? ''}'`),
  format: (context) => inBody(context, `must be of type date-time: ${context.shown}`),
  minLength: (context) => inBody(context, `should be at least ${context.value} chars long`),
  maxLength: ({ field, value }) => `${field}: Too long: may not be more than ${value} bytes`,
  minimum: (context) => inBody(context, `should be greater than or equal to ${context.value}`),
  maximum: (context) => inBody(context, `should be less than or equal to ${context.value}`),
  multipleOf: (context) => inBody(context, `should be a multiple of ${context.value}`),
  minItems: (context) => inBody(sized(context), `should have at least ${context.value} items`),
  maxItems: ({ field, value, found }) => `${field}: Too many: ${sizeOf(found)}: must have at most ${value} items`,
  unique: ({ field, constraint, found }) => `${field}: Duplicate value: ${duplicate(constraint, found)}`,
  minProperties: (context) => inBody(sized(context), `should have at least ${context.value} properties`),
  maxProperties: ({ field, value, found }) => `${field}: Too many: ${sizeOf(found)}: must have at most ${value} items`,
  rule: ({ constraint, field, shown, value }) =>
    constraint.cel ? `${field}: Invalid value: ${ruleValue(constraint, shown)}${value}` : 'accepted',
}

function inBody({ field, shown }: Context, sentence: string): string {
  return `${field}: Invalid value: ${shown}: ${field} in body ${sentence}`
}

function sized(context: Context): Context {
  return { ...context, shown: String(sizeOf(context.found)) }
}

function allowed({ schema }: Constraint): string {
  return (schema.enum ?? []).map((value) => JSON.stringify(value)).join(', ')
}

function sizeOf(value: unknown): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0
}

function duplicate({ schema }: Constraint, found: unknown): string {
  const key = schema['x-kubernetes-list-map-keys']?.[0]
  return key === undefined ? JSON.stringify(found) : JSON.stringify({ [key]: valueAt(found, [key]) })
}

/** A rule of a plain value prints it, one of an object or a list does not. */
function ruleValue({ schema }: Constraint, shown: string): string {
  return schema.type === 'object' || schema.type === 'array' ? '' : `${shown}: `
}
