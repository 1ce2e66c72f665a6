/** The CI job of the guide on security, with the rights that the guide gives it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'

const GUIDE = join(import.meta.dirname, '../../docs/guides/security.md')

/** Its ServiceAccount, Role and RoleBinding are there until this is disposed of. */
export async function gateOf({ kubectl }: Pick<Cluster, 'kubectl'>, namespace: string) {
  const [, manifests = ''] = /```yaml\n([^`]*name: gate[^`]*)```/.exec(readFileSync(GUIDE, 'utf8')) ?? []
  const ours = manifests.replaceAll('namespace: sales', `namespace: ${namespace}`)
  await kubectl.with(ours, 'apply', '--filename', '-')
  return {
    /** @param audience absent: the API server */
    async token(audience?: string): Promise<string> {
      const whom = audience === undefined ? [] : [`--audience=${audience}`]
      return (await kubectl('create', 'token', 'gate', '--namespace', namespace, ...whom)).trim()
    },
    async [Symbol.asyncDispose]() {
      await kubectl.with(ours, 'delete', '--filename', '-')
    },
  }
}
