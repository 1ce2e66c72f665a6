/** Makes the CustomResourceDefinition of a kind from its schema: structural OpenAPI v3, without the keys that are ours alone. */
import { GROUP, VERSION } from './kind.ts'
import { kinds } from './kinds.ts'
import type { KindName } from './kinds.ts'
import { schemaOf } from './openapi.ts'
import type { Schema } from './openapi.ts'

/** The whole definition, ready to be written as YAML. */
export function definitionOf(kind: KindName): object {
  const { plural, singular, shortNames, columns } = kinds[kind]
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: ['ringcheck'] },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: rootOf(kind) },
        },
      ],
    },
  }
}

function rootOf(kind: KindName): object {
  const { spec, status } = schemaOf(kind).properties ?? {}
  return {
    type: 'object',
    description: kinds[kind].description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structural(spec ?? {}),
      status: structural(status ?? {}),
    },
  }
}

/** The part of a schema that the API server understands, and all of it that it needs. */
export function structural(schema: Schema): Schema {
  const {
    properties,
    items,
    additionalProperties,
    propertyNames,
    pattern,
    'x-ringcheck-rules': _ownRules,
    'x-ringcheck-shared': _shared,
    ...rest
  } = schema
  const most = schema.maxProperties ?? propertyNames?.enum?.length
  return {
    ...rest,
    ...(pattern !== undefined && { pattern: pattern.replaceAll('\\/', '/') }),
    ...(properties && { properties: mapValues(properties, structural) }),
    ...(items && { items: structural(items) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: structural(additionalProperties) }),
    ...(most !== undefined && { maxProperties: most }),
  }
}

function mapValues<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
