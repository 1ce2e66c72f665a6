/** Holds manifests against the schemas of a running API server, strictly: a field that the server does not know is an error. */
import { execFile } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../lab/process.ts'
import { programPath } from './binaries.ts'
import type { Kubectl } from './kubectl.ts'

export interface Kubeconform extends Disposable {
  /** Resources that were looked at. Throws with kubeconform's words, one line each, when it does not take all of them. */
  check(manifests: string): Promise<number>
}

/** What no API server of a test knows: the parts that we use of kinds of other projects, in JSON schemas of their documentation. */
const FOREIGN = join(import.meta.dirname, 'foreign-kinds')

/** The schemas are those of now: the kinds must be installed already. */
export async function openKubeconform(kubectl: Kubectl): Promise<Kubeconform> {
  const path = await programPath('kubeconform')
  using stack = new DisposableStack()
  const folder = stack.use(temporaryFolder('schemas')).path
  cpSync(FOREIGN, folder, { recursive: true })
  const { paths } = JSON.parse(await kubectl('get', '--raw', '/openapi/v3'))
  for (const version of Object.keys(paths)) {
    const { components } = JSON.parse(await kubectl('get', '--raw', `/openapi/v3/${version}`))
    writeSchemas(folder, components?.schemas ?? {})
  }
  const owned = stack.move()
  const location = join(folder, '{{.ResourceKind}}{{.KindSuffix}}.json')
  return {
    async check(manifests) {
      const running = promisify(execFile)(path, ['-schema-location', location, '-output', 'json', '-summary'])
      running.child.stdin?.end(manifests)
      const output = await running.then(
        ({ stdout }) => stdout,
        (cause: unknown) => (cause instanceof Error && 'stdout' in cause ? String(cause.stdout) : ''),
      )
      const { resources, summary } = JSON.parse(output)
      if (summary.invalid + summary.errors + summary.skipped > 0)
        throw new Error(
          resources.map(({ kind, name, msg }: Record<string, string>) => `${kind} ${name}: ${msg}`).join('\n'),
        )
      return summary.valid
    },
    [Symbol.dispose]: () => owned.dispose(),
  }
}

interface Schema {
  properties?: object
  additionalProperties?: unknown
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-group-version-kind'?: { group: string; version: string; kind: string }[]
}

/** One file a kind, under the name that kubeconform looks for. */
function writeSchemas(folder: string, schemas: Record<string, Schema>): void {
  const strict = JSON.parse(JSON.stringify(schemas), (_, value: unknown) => closed(value))
  for (const [name, schema] of Object.entries(schemas)) {
    for (const { group, version, kind } of schema['x-kubernetes-group-version-kind'] ?? []) {
      const file = [kind, group.split('.')[0], version].filter(Boolean).join('-').toLowerCase()
      const document = { $ref: `#/components/schemas/${name}`, components: { schemas: strict } }
      writeFileSync(join(folder, `${file}.json`), JSON.stringify(document))
    }
  }
}

/** A schema that names fields allows no others, unless it says so itself. */
function closed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const schema: Schema = value
  const open = schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true
  return schema.properties && typeof schema.properties === 'object' && !open && 'type' in schema
    ? { ...schema, additionalProperties: false }
    : value
}
