/** The schema of a kind as JSON: what the CRD, the reference and the tests are made from. Ours still has our own keys in it. */
import { z } from 'zod'
import { kinds } from './kinds.ts'
import type { KindName } from './kinds.ts'
import type { CelRule } from './rules.ts'

/** The part of JSON schema that our schemas use. */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  description?: string
  default?: unknown
  enum?: readonly (string | number)[]
  const?: string
  format?: string
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  multipleOf?: number
  minItems?: number
  maxItems?: number
  minProperties?: number
  maxProperties?: number
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema | boolean
  propertyNames?: Schema
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map'
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-validations'?: CelRule[]
  'x-ringcheck-rules'?: string[]
  'x-ringcheck-shared'?: string
}

/** The schema of what a user may write, defaults not yet applied. */
export function schemaOf(kind: KindName): Schema {
  // zod's own type is the whole of JSON schema; a test walks all schemas and finds nothing beyond ours.
  return z.toJSONSchema(kinds[kind].schema, { io: 'input' }) as Schema
}
