/** The two kinds of Kubernetes' own that local mode reads beside ours: Secret and ConfigMap, their data as text. */
import { z } from 'zod'
import type { DeepReadonly } from './common.ts'
import { metadata } from './kind.ts'

const texts = z.record(z.string().max(253), z.string().max(1_048_576))
const base64 = z.record(
  z.string().max(253),
  z
    .string()
    .max(1_500_000)
    .regex(/^[A-Za-z0-9+/\s]*={0,2}\s*$/, 'be base64'),
)

function decoded(data: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  )
}

const secret = z
  .strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Secret'),
    metadata,
    type: z.string().max(253).default('Opaque'),
    immutable: z.boolean().exactOptional(),
    data: base64.default({}),
    stringData: texts.default({}),
  })
  .transform(({ data, stringData, ...rest }) => ({ ...rest, data: { ...decoded(data), ...stringData } }))

const configMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata,
  immutable: z.boolean().exactOptional(),
  data: texts.default({}),
  /** Base64, as it was written. */
  binaryData: base64.default({}),
})

export const coreKinds = { Secret: secret, ConfigMap: configMap } as const
/** `data` is decoded and holds `stringData` too. Never print it. */
export type Secret = DeepReadonly<z.output<typeof secret>>
export type ConfigMap = DeepReadonly<z.output<typeof configMap>>
