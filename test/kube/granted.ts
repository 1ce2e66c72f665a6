/** What a ServiceAccount may do, by the bindings that name it, beside what it did, by the audit log: both as `RESOURCE.GROUP VERB`. */
import { z } from 'zod'
import type { AuditEntry } from './audit.ts'
import type { Cluster } from './cluster.ts'

interface ServiceAccount {
  readonly namespace: string
  readonly name: string
}

const List = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) })

const Binding = z.object({
  kind: z.enum(['ClusterRoleBinding', 'RoleBinding']),
  roleRef: z.object({ kind: z.enum(['ClusterRole', 'Role']), name: z.string() }),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string().optional() })).default([]),
})

const Role = z.object({
  kind: z.enum(['ClusterRole', 'Role']),
  metadata: z.object({ name: z.string() }),
  rules: z
    .array(
      z.object({
        apiGroups: z.array(z.string()).default([]),
        resources: z.array(z.string()).default([]),
        verbs: z.array(z.string()),
      }),
    )
    .nullish()
    .transform((rules) => rules ?? []),
})

const sorted = (words: Iterable<string>): string[] => [...new Set(words)].toSorted()

const right = (resource: string, group: string, verb: string): string =>
  `${resource}${group === '' ? '' : `.${group}`} ${verb}`

/** `everywhere`: by ClusterRoleBindings; `inside`: in its own namespace, where all its RoleBindings are. */
export async function granted(
  { kubectl }: Cluster,
  { namespace, name }: ServiceAccount,
): Promise<{ everywhere: string[]; inside: string[] }> {
  const get = async <Item extends z.ZodType>(item: Item, ...words: string[]): Promise<z.output<Item>[]> =>
    List(item).parse(JSON.parse(await kubectl('get', ...words, '--output=json'))).items
  const bindings = await get(Binding, 'clusterrolebindings,rolebindings', '--all-namespaces')
  const roles = [...(await get(Role, 'clusterroles')), ...(await get(Role, 'roles', `--namespace=${namespace}`))]
  const isOurs = ({ subjects }: z.output<typeof Binding>) =>
    subjects.some((each) => each.kind === 'ServiceAccount' && each.name === name && each.namespace === namespace)
  const rightsBy = (kind: 'ClusterRoleBinding' | 'RoleBinding') =>
    bindings
      .filter((binding) => binding.kind === kind && isOurs(binding))
      .flatMap(({ roleRef }) => roles.find((each) => each.kind === roleRef.kind && each.metadata.name === roleRef.name))
      .flatMap((role) => role?.rules ?? [])
      .flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) => resources.flatMap((each) => verbs.map((verb) => right(each, group, verb)))),
      )
  return { everywhere: sorted(rightsBy('ClusterRoleBinding')), inside: sorted(rightsBy('RoleBinding')) }
}

/** What is no resource, such as `/version`, is left out: it is allowed to everybody who is known. */
export function used(entries: readonly AuditEntry[], serviceAccount: ServiceAccount): string[] {
  const asked = entries.filter((entry) => isOf(entry, serviceAccount))
  return sorted(
    asked.flatMap(({ verb, objectRef, responseStatus }) => {
      if (!objectRef) return []
      const { apiGroup = '', resource, subresource } = objectRef
      const of = subresource === undefined ? resource : `${resource}/${subresource}`
      // What is applied and was not there is created, which takes both rights.
      const isCreated = verb === 'patch' && responseStatus?.code === 201
      return [verb, ...(isCreated ? ['create'] : [])].map((each) => right(of, apiGroup, each))
    }),
  )
}

/** What it was refused, as URIs. */
export function refused(entries: readonly AuditEntry[], serviceAccount: ServiceAccount): string[] {
  const asked = entries.filter((entry) => isOf(entry, serviceAccount))
  return asked.flatMap(({ verb, requestURI, responseStatus }) =>
    responseStatus?.code === 403 ? [`${verb} ${requestURI}`] : [],
  )
}

function isOf({ user }: AuditEntry, { namespace, name }: ServiceAccount): boolean {
  return user.username === `system:serviceaccount:${namespace}:${name}`
}
