/** The features of all tables, and the tags with which a lab test says which of them it shows against which peer. The tables made of them are feature-table.ts. */
import { type Feature, type Peer, PEERS } from './feature.ts'
import { MEDIA_FEATURES } from './features-media.ts'
import { SIP_FEATURES } from './features-sip.ts'

/** Tables by the document that has them. An id stands in one of them only. */
export const TABLES = {
  'docs/reference/sip.md': SIP_FEATURES,
  'docs/reference/media.md': MEDIA_FEATURES,
} as const

export type Document = keyof typeof TABLES
/** The documents in the order of their tables. */
export const DOCUMENTS = ['docs/reference/sip.md', 'docs/reference/media.md'] as const satisfies Document[]

type Ids<Groups> = { [Group in keyof Groups]: keyof Groups[Group] & string }[keyof Groups]
export type FeatureId = Ids<typeof SIP_FEATURES> | Ids<typeof MEDIA_FEATURES>
export type Tag = `${Peer}:${FeatureId}`

declare module 'vitest' {
  interface TestTags {
    feature: Tag
  }
}

export interface Row {
  group: string
  id: FeatureId
  feature: Feature
}

/** All features of a document in the order of its table. */
export function featuresOf(document: Document): Row[] {
  return Object.entries(TABLES[document]).flatMap(([group, members]) =>
    Object.entries<Feature>(members).flatMap(([id, feature]) => (isFeature(id) ? [{ group, id, feature }] : [])),
  )
}

function isFeature(id: string): id is FeatureId {
  return Object.values(TABLES).some((groups) => Object.values(groups).some((members) => id in members))
}

/** What a test says it shows when it passes, as options of `test` and `describe`: `test('...', shows({ Kamailio: ['tls', 'register'] }), ...)`. */
export function shows(shown: Partial<Record<Peer, readonly FeatureId[]>>): { tags: Tag[] } {
  return { tags: PEERS.flatMap((peer) => (shown[peer] ?? []).map((id): Tag => `${peer}:${id}`)) }
}

/** The tags that Vitest knows: a tag that is none of these fails the run. */
export function tagDefinitions(): { name: Tag; description: string }[] {
  return DOCUMENTS.flatMap(featuresOf).flatMap(({ id, feature }) =>
    PEERS.map((peer): { name: Tag; description: string } => ({
      name: `${peer}:${id}`,
      description: `${feature.name}, shown by ${peer}`,
    })),
  )
}
