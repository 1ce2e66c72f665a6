/** What a kind is made of: names, spec, status, columns; and what all kinds have in common. */
import { z } from 'zod'
import { objectName } from './common.ts'

export const GROUP = 'ringcheck.dev'
export const VERSION = 'v1alpha1'
export const API_VERSION = `${GROUP}/${VERSION}`

const texts = (most: number) => z.record(z.string().max(317), z.string().max(most))

/** The part of metav1.ObjectMeta that we read; what else the API server keeps there is dropped. */
export const metadata = z.object({
  name: objectName.meta({ description: 'Name, unique in its namespace.' }),
  namespace: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'be a name of a-z, 0-9 and -')
    .default('default')
    .meta({ description: 'What CallMeter calls a project.' }),
  uid: z.string().max(128).exactOptional(),
  generation: z.int().min(0).max(Number.MAX_SAFE_INTEGER).exactOptional(),
  resourceVersion: z.string().max(128).exactOptional(),
  creationTimestamp: z.string().max(40).exactOptional(),
  deletionTimestamp: z.string().max(40).exactOptional(),
  labels: texts(63).exactOptional(),
  annotations: texts(262_144).exactOptional(),
})

/** A column of `kubectl get`; `priority` 1 shows only with `-o wide`. */
export interface Column {
  readonly name: string
  readonly type: 'string' | 'number' | 'integer' | 'date' | 'boolean'
  readonly jsonPath: string
  readonly priority?: 1
}

interface Parts<Kind extends string, Spec extends z.ZodType, Status extends z.ZodType> {
  readonly kind: Kind
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  /** What it is, in a sentence; the first line of its reference page. */
  readonly description: string
  readonly spec: Spec
  readonly status: Status
  readonly columns: readonly Column[]
}

/** Adds the schema of the whole resource to the parts of a kind. */
export function defineKind<Kind extends string, Spec extends z.ZodType, Status extends z.ZodType>(
  parts: Parts<Kind, Spec, Status>,
) {
  const schema = z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(parts.kind),
    metadata,
    spec: parts.spec,
    status: parts.status.exactOptional(),
  })
  return { ...parts, schema }
}

export const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }
