/** Lists every constraint of the schemas, so that a test can ask for a file that breaks it. It judges nothing. */
import { kinds } from './kinds.ts'
import type { KindName } from './kinds.ts'
import { schemaOf } from './openapi.ts'
import type { Schema } from './openapi.ts'

/** Steps from the root of a resource: names of fields, `[]` for an item, `*` for any key of a map. */
export type SchemaPath = readonly string[]

export type ConstraintType =
  | 'required'
  | 'unknown'
  | 'enum'
  | 'pattern'
  | 'minLength'
  | 'maxLength'
  | 'minimum'
  | 'maximum'
  | 'multipleOf'
  | 'minItems'
  | 'maxItems'
  | 'unique'
  | 'minProperties'
  | 'maxProperties'
  | 'format'
  | 'rule'

export interface Constraint {
  /** The same for a constraint of a schema that is used in several places. */
  readonly id: string
  readonly kind: KindName
  /** What it is about; for `required` the field that must be there. */
  readonly path: SchemaPath
  readonly type: ConstraintType
  /** The bound, the pattern, the allowed values, the sentence of a rule. */
  readonly value: unknown
  /** A rule the API server knows as well. */
  readonly cel?: boolean
  readonly schema: Schema
}

/** Each constraint of each kind's spec once. Status is written by us alone, metadata is the API server's. */
export function allConstraints(): Constraint[] {
  const found = new Map<string, Constraint>()
  // Object.keys forgets that the table is closed.
  for (const kind of Object.keys(kinds) as KindName[]) {
    const { spec } = schemaOf(kind).properties ?? {}
    if (spec) new Walk(kind, found).visit(spec, ['spec'], `${kind}.spec`)
  }
  return [...found.values()]
}

const VALUES = [
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'format',
] as const satisfies readonly (ConstraintType & keyof Schema)[]

class Walk {
  readonly #kind: KindName
  readonly #found: Map<string, Constraint>

  constructor(kind: KindName, found: Map<string, Constraint>) {
    this.#kind = kind
    this.#found = found
  }

  visit(schema: Schema, path: SchemaPath, place: string): void {
    const scope = schema['x-ringcheck-shared'] ?? place
    const add = (type: ConstraintType, value: unknown, more: Partial<Constraint> = {}) => {
      const id = `${scope} ${type} ${JSON.stringify(value)}`
      if (!this.#found.has(id)) this.#found.set(id, { id, kind: this.#kind, path, type, value, schema, ...more })
    }
    for (const type of VALUES) if (schema[type] !== undefined) add(type, schema[type])
    for (const name of schema.required ?? []) add('required', name, { path: [...path, name] })
    if (schema.properties && schema.additionalProperties === false) add('unknown', true)
    if (/^(set|map)$/.test(schema['x-kubernetes-list-type'] ?? '')) add('unique', true)
    for (const rule of rulesOf(schema)) add('rule', rule.message, rule.more)
    this.#descend(schema, path, scope)
  }

  #descend(schema: Schema, path: SchemaPath, scope: string): void {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      this.visit(field, [...path, name], `${scope}.${name}`)
    }
    if (schema.items) this.visit(schema.items, [...path, '[]'], `${scope}[]`)
    if (typeof schema.additionalProperties === 'object') {
      this.visit(schema.additionalProperties, [...path, '*'], `${scope}.*`)
    }
  }
}

interface FoundRule {
  readonly message: string
  readonly more: Partial<Constraint>
}

/** A rule about a change cannot be broken by one document: a test against an API server updates one. */
function rulesOf(schema: Schema): FoundRule[] {
  const cel = (schema['x-kubernetes-validations'] ?? []).filter(({ rule }) => !rule.includes('oldSelf'))
  return [
    ...cel.map(({ message }) => ({ message, more: { cel: true } })),
    ...(schema['x-ringcheck-rules'] ?? []).map((message) => ({ message, more: { cel: false } })),
  ]
}
