/** Where people look at a probe, for those who are told of it. Pure; absent where the configuration names no address. */
import type { Key, Stored } from '../cluster/cluster.ts'

export interface PublicAddresses {
  /** Where the status pages are, as readers reach them. */
  publicUrl?: string | undefined
  dashboardUrl?: string | undefined
}

/** The status page is the first by name that shows the probe. */
export function linksOf(
  { namespace, name }: Key,
  pages: ReadonlyArray<Stored<'StatusPage'>>,
  { publicUrl, dashboardUrl }: PublicAddresses,
): { dashboard?: string; statusPage?: string } {
  const page = pages
    .filter(
      ({ metadata, spec }) =>
        metadata.namespace === namespace && spec.components.some(({ probeRef }) => probeRef.name === name),
    )
    .toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))[0]
  return {
    ...(dashboardUrl !== undefined && { dashboard: below(dashboardUrl, `probes/${namespace}/${name}`) }),
    ...(publicUrl !== undefined &&
      page && { statusPage: below(publicUrl, `status/${namespace}/${page.spec.slug ?? page.metadata.name}`) }),
  }
}

/** Names of Kubernetes need no escaping in a path. */
const below = (base: string, path: string): string => `${base.replace(/\/+$/, '')}/${path}`
