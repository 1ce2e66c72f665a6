/** The table of features in docs/reference/sip.md: made of the tags of tests that passed, put into the document, and what is wrong with it. Reads and writes no file. */
import { type Feature, type FeatureId, features, type Peer, PEERS } from './features.ts'

const BEGIN = '<!-- Made of the tags of tests that passed: npm run lab -- --update -->'
const END = '<!-- end of what is made -->'

/** Tags of tests that passed, by feature, in the order of PEERS. */
export function shownBy(tags: ReadonlySet<string>): (id: FeatureId) => Peer[] {
  return (id) => PEERS.filter((peer) => tags.has(`${peer}:${id}`))
}

/** What the tags leave open, one line each: a feature that nobody shows, or one that is shown although the registry says nobody can. */
export function gaps(tags: ReadonlySet<string>): string[] {
  const peersOf = shownBy(tags)
  return features().flatMap(({ group, id, feature }) => {
    const peers = peersOf(id)
    if (peers.length === 0 && feature.noPeer === undefined) return [`${group}: ${id} is shown by no test that passed`]
    if (peers.length > 0 && feature.noPeer !== undefined) {
      return [`${group}: ${id} has a reason to be shown by nobody, and is shown by ${peers.join(', ')}`]
    }
    return []
  })
}

export function table(tags: ReadonlySet<string>): string {
  const peersOf = shownBy(tags)
  const rows = Map.groupBy(features(), ({ group }) => group)
  const sections = [...rows].map(([group, members]) => {
    const lines = members.map(({ id, feature }) => row(feature, peersOf(id)))
    return [`### ${group}`, '', '| feature | specified in | shown by |', '| --- | --- | --- |', ...lines, ''].join('\n')
  })
  return sections.join('\n')
}

function row({ name, source, noPeer }: Feature, peers: readonly Peer[]): string {
  const unseen = noPeer === undefined ? 'not shown' : `no peer: ${noPeer}`
  const shown = peers.length > 0 ? peers.join(', ') : unseen
  return `| ${name} | ${source.replaceAll(/RFC (\d+)(?: ([\d.]+))?/g, link)} | ${shown} |`
}

function link(text: string, number: string, section: string | undefined): string {
  const anchor = section === undefined ? '' : `#section-${section}`
  return `[${text}](https://www.rfc-editor.org/rfc/rfc${number}${anchor})`
}

/** The document with the table in its place. @throws when it has no place for it */
export function withTable(document: string, made: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the document has no place for the table: ${BEGIN} ... ${END}`)
  return `${document.slice(0, begin + BEGIN.length)}\n\n${made}\n${document.slice(end)}`
}
