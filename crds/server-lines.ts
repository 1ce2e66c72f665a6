/** What a kube-apiserver 1.36 says about a document that breaks one constraint. Test support; a test against a real one proves it. */
import { structural } from './crd.ts'
import type { Constraint } from './constraints.ts'
import type { Broken } from './invalid.ts'
import { valueAt } from './breakers.ts'
import { fieldOf } from './messages.ts'

/** The cause it gives, without the kind and name before it; `accepted` where only we can tell. */
export function serverLine(constraint: Constraint, { document, refusal }: Broken): string {
  const field = fieldOf(refusal.path)
  const found = valueAt(document, refusal.path)
  const shown = JSON.stringify(found)
  const invalid = (sentence: string, value = shown) =>
    `${field}: Invalid value: ${value}: ${field} in body should ${sentence}`
  const value = String(constraint.value)
  switch (constraint.type) {
    case 'required':
      return `${field}: Required value`
    case 'unknown':
      return `unknown field "${field}"`
    case 'enum':
      return `${field}: Unsupported value: ${shown}: supported values: ${allowed(constraint)}`
    case 'pattern':
      return invalid(`match '${structural(constraint.schema).pattern ?? ''}'`)
    case 'format':
      return `${field}: Invalid value: ${shown}: ${field} in body must be of type date-time: ${shown}`
    case 'minLength':
      return invalid(`be at least ${value} chars long`)
    case 'maxLength':
      return `${field}: Too long: may not be more than ${value} bytes`
    case 'minimum':
      return invalid(`be greater than or equal to ${value}`)
    case 'maximum':
      return invalid(`be less than or equal to ${value}`)
    case 'multipleOf':
      return invalid(`be a multiple of ${value}`)
    case 'minItems':
      return invalid(`have at least ${value} items`, String(sizeOf(found)))
    case 'maxItems':
      return `${field}: Too many: ${sizeOf(found)}: must have at most ${value} items`
    case 'unique':
      return `${field}: Duplicate value: ${duplicate(constraint, found)}`
    case 'minProperties':
      return invalid(`have at least ${value} properties`, String(sizeOf(found)))
    case 'maxProperties':
      return `${field}: Too many: ${sizeOf(found)}: must have at most ${value} items`
    case 'rule':
      return constraint.cel ? `${field}: Invalid value: ${ruleValue(constraint, shown)}${value}` : 'accepted'
  }
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
