import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { definitionOf } from './crd.ts'
import { staleFiles } from './generate.ts'
import { kinds } from './kinds.ts'
import type { KindName } from './kinds.ts'
import { schemaOf } from './openapi.ts'
import type { Schema } from './openapi.ts'

// Object.keys forgets that the table is closed.
const kindNames = Object.keys(kinds) as KindName[]

test('the generated files are what the schemas say', async () => {
  expect(await staleFiles()).toEqual([])
})

interface Place {
  readonly place: string
  readonly schema: Schema
}

function places(schema: Schema, place: string): Place[] {
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => places(field, `${place}.${name}`))
  const values =
    typeof schema.additionalProperties === 'object' ? places(schema.additionalProperties, `${place}.*`) : []
  return [{ place, schema }, ...fields, ...values, ...(schema.items ? places(schema.items, `${place}[]`) : [])]
}

const all = kindNames.flatMap((kind) => {
  const { spec, status } = schemaOf(kind).properties ?? {}
  return [...places(spec ?? {}, `${kind}.spec`), ...places(status ?? {}, `${kind}.status`)]
})
const violating = (holds: (schema: Schema) => boolean) =>
  all.filter(({ schema }) => !holds(schema)).map(({ place }) => place)

describe('every schema is bounded and structural', () => {
  test('everything has a type', () => expect(violating(({ type }) => type !== undefined)).toEqual([]))
  test('every text has a longest length or a closed set', () =>
    expect(
      violating(
        ({ type, maxLength, enum: values }) => type !== 'string' || maxLength !== undefined || values !== undefined,
      ),
    ).toEqual([]))
  test('every list has a most and a type', () =>
    expect(
      violating(
        (schema) =>
          schema.type !== 'array' || (schema.maxItems !== undefined && schema['x-kubernetes-list-type'] !== undefined),
      ),
    ).toEqual([]))
  test('every number has bounds', () =>
    expect(
      violating(
        ({ type, minimum, maximum }) =>
          (type !== 'number' && type !== 'integer') || (minimum !== undefined && maximum !== undefined),
      ),
    ).toEqual([]))
  test('every map has a most', () =>
    expect(
      violating(
        ({ additionalProperties, maxProperties, propertyNames }) =>
          typeof additionalProperties !== 'object' || maxProperties !== undefined || propertyNames?.enum !== undefined,
      ),
    ).toEqual([]))
  test('every closed set is in CamelCase, but for metrics and statistics', () =>
    expect(
      violating(
        (schema) =>
          schema.enum === undefined ||
          schema.enum.length > 8 ||
          schema.enum.includes('p95') ||
          schema.enum.every((value) => /^[A-Z]/.test(String(value))),
      ),
    ).toEqual([]))
  test('every field of a spec is documented', () => {
    const fields = all.filter(({ place }) => place.includes('.spec.') && !place.endsWith(']') && !place.endsWith('*'))
    expect(fields.filter(({ schema }) => !schema.description).map(({ place }) => place)).toEqual([])
  })
})

test('a definition keeps nothing of ours and nothing the API server does not know', () => {
  const text = JSON.stringify(kindNames.map(definitionOf))
  for (const key of [
    'x-ringcheck',
    'propertyNames',
    '"const"',
    '"additionalProperties":false',
    '$schema',
    '$ref',
    '\\\\/',
  ]) {
    expect(text).not.toContain(key)
  }
})

test('no schema has a check that is not a rule: the API server would not know of it', () => {
  const marked = new Set<unknown>()
  for (const kind of kindNames) visitChecks(kinds[kind].spec, marked)
  expect([...marked]).toEqual([])
})

/** Adds each schema with a custom check that its metadata does not tell of. */
function visitChecks(schema: z.core.$ZodType, unmarked: Set<unknown>): void {
  const { def } = schema._zod
  const custom = (def.checks ?? []).filter((check) => check._zod.def.check === 'custom')
  const meta = z.globalRegistry.get(schema) ?? {}
  const told = [
    'x-kubernetes-validations',
    'x-ringcheck-rules',
    'x-kubernetes-list-type',
    'minProperties',
    'maxProperties',
    'format',
  ]
  if (custom.length > 0 && !told.some((key) => key in meta)) unmarked.add(meta)
  if (schema instanceof z.ZodObject)
    for (const field of Object.values(schema.shape)) visitChecks(field as z.core.$ZodType, unmarked)
  if (schema instanceof z.ZodArray) visitChecks(schema.element as z.core.$ZodType, unmarked)
  if ('innerType' in def) visitChecks(def.innerType as z.core.$ZodType, unmarked)
}
