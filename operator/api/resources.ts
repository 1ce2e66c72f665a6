/** Routes that read what is declared, the same way for every kind: projects, their resources, and what could not be taken. */
import type { KindName } from '../../crds/index.ts'
import { data, pageOf, paging, readQuery } from './answer.ts'
import { failure } from './errors.ts'
import { named, pathNames } from './router.ts'
import type { Router } from './router.ts'
import { resourceView } from './views.ts'
import type { World } from './world.ts'

/** Last part of the path -> kind. */
export const collections = {
  probes: 'SipProbe',
  registrars: 'SipRegistrar',
  loadtests: 'SipLoadTest',
  loadtestruns: 'SipLoadTestRun',
  statuspages: 'StatusPage',
} as const satisfies Record<string, KindName>

export function resourceRoutes(router: Router, { cluster, mask }: World): void {
  // It tells of every kind in every namespace.
  const everything = Object.values(collections).map((kind) => ({ verb: 'list', kind }) as const)
  router.on('/projects', () => everything, {
    GET(request) {
      const query = readQuery(request, paging)
      return query.kind === 'Failure' ? query : pageOf(projects(cluster), query.value)
    },
  })
  // Files of local mode: where rights differ from one to another there are none.
  router.on('/problems', () => [], {
    GET(request) {
      const query = readQuery(request, paging)
      return query.kind === 'Failure' ? query : pageOf(cluster.problems(), query.value)
    },
  })
  for (const [collection, kind] of Object.entries(collections)) {
    router.on(`/projects/:namespace/${collection}`, named({ verb: 'list', kind }), {
      GET(request) {
        const query = readQuery(request, paging)
        if (query.kind === 'Failure') return query
        const { namespace } = pathNames(request)
        const found = cluster
          .list(kind)
          .filter(({ metadata }) => metadata.namespace === namespace)
          .toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
          .map((resource) => resourceView(resource, mask))
        return pageOf(found, query.value)
      },
    })
    router.on(`/projects/:namespace/${collection}/:name`, named({ verb: 'get', kind }), {
      GET(request) {
        const { namespace, name } = pathNames(request)
        const found = cluster.get(kind, { namespace, name })
        if (found) return data(resourceView(found, mask))
        return failure('ResourceNotFound', `There is no ${kind} ${name} in ${namespace}.`)
      },
    })
  }
}

/** Every namespace in which something is declared, by name, with how much of each kind. */
function projects(cluster: World['cluster']) {
  const found = new Map<string, Record<string, number>>()
  for (const [collection, kind] of Object.entries(collections)) {
    for (const { metadata } of cluster.list(kind)) {
      const counts =
        found.get(metadata.namespace) ?? Object.fromEntries(Object.keys(collections).map((key) => [key, 0]))
      counts[collection] = (counts[collection] ?? 0) + 1
      found.set(metadata.namespace, counts)
    }
  }
  return [...found]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([namespace, counts]) => ({ namespace, ...counts }))
}
