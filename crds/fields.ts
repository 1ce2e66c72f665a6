/** Which fields there are at a place of a kind, for the message about one that is not. */
import type { KindName } from './kinds.ts'
import { schemaOf } from './openapi.ts'
import type { Schema } from './openapi.ts'
import type { Path } from './yaml.ts'

/** Names of the fields at `path`; empty where there is no such place. */
export function fieldsAt(kind: KindName, path: Path): readonly string[] {
  let schema: Schema | undefined = schemaOf(kind)
  for (const part of path) {
    if (typeof part === 'number') schema = schema?.items
    else schema = schema?.properties?.[part] ?? openValues(schema)
  }
  return Object.keys(schema?.properties ?? {}).filter((name) => path.length > 0 || name !== 'status')
}

function openValues(schema: Schema | undefined): Schema | undefined {
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined
}
