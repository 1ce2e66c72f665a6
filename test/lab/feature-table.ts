/** The tables of features in docs/reference: made of the tags of tests that passed, put into the document, and what is wrong with them. Reads and writes no file. */
import { type Feature, type Peer, PEERS } from './feature.ts'
import { type FeatureId, type Row } from './features.ts'

const BEGIN = '<!-- Made of the tags of tests that passed: npm run lab -- --update -->'
const END = '<!-- end of what is made -->'

/** The files whose tests passed with a tag, from the root of the project, by the tag. */
export type Evidence = ReadonlyMap<string, ReadonlySet<string>>

interface Shown {
  peer: Peer
  /** The first one of the files. */
  file: string
}

/** By whom a feature is shown, in the order of PEERS. */
function shownBy(evidence: Evidence, id: FeatureId): Shown[] {
  return PEERS.flatMap((peer) => {
    const [file] = [...(evidence.get(`${peer}:${id}`) ?? [])].toSorted()
    return file === undefined ? [] : [{ peer, file }]
  })
}

/** What the tags leave open, one line each: a feature that the document has and nobody shows, or one that is shown although the registry says nobody can. */
export function gaps(rows: readonly Row[], evidence: Evidence, document: string): string[] {
  return rows.flatMap(({ group, id, feature }) => {
    const shown = shownBy(evidence, id)
    if (shown.length === 0 && feature.noPeer === undefined && document.includes(`| ${feature.name} |`)) {
      return [`${group}: ${id} is shown by no test that passed`]
    }
    if (shown.length > 0 && feature.noPeer !== undefined) {
      const peers = shown.map(({ peer }) => peer).join(', ')
      return [`${group}: ${id} has a reason to be shown by nobody, and is shown by ${peers}`]
    }
    return []
  })
}

/** What nobody shows, and nothing else checks, is not in it. */
export function table(rows: readonly Row[], evidence: Evidence): string {
  const made = rows.flatMap(({ group, id, feature }) => {
    const shown = shownBy(evidence, id)
    return shown.length > 0 || feature.noPeer !== undefined ? [{ group, line: line(feature, shown) }] : []
  })
  const sections = [...Map.groupBy(made, ({ group }) => group)].map(([group, members]) => {
    const lines = members.map((member) => member.line)
    return [`### ${group}`, '', '| feature | specified in | shown by |', '| --- | --- | --- |', ...lines, ''].join('\n')
  })
  return sections.join('\n')
}

function line({ name, source, noPeer, checkedBy }: Feature, shown: readonly Shown[]): string {
  const peers = shown.map(({ peer, file }) => fileLink(peer, file)).join(', ')
  const reason = checkedBy === undefined ? noPeer : fileLink(noPeer ?? '', checkedBy)
  // It reads what was sent, and is nobody's other end.
  const isRead = shown.every(({ peer }) => peer === 'tshark')
  const by = shown.length === 0 ? `no peer: ${reason}` : isRead ? `no peer: read by ${peers}` : peers
  return `| ${name} | ${source.replaceAll(/RFC (\d+)(?: ((?:[A-Z]\.)?[\d.]+))?/g, link)} | ${by} |`
}

/** @param file from the root of the project: the document is in docs/reference */
function fileLink(text: string, file: string): string {
  return `[${text}](../../${file})`
}

function link(text: string, number: string, section: string | undefined): string {
  const kind = /^[A-Z]/.test(section ?? '') ? 'appendix' : 'section'
  const anchor = section === undefined ? '' : `#${kind}-${section}`
  return `[${text}](https://www.rfc-editor.org/rfc/rfc${number}${anchor})`
}

/** The document with the table in its place. @throws when it has no place for it */
export function withTable(document: string, made: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the document has no place for the table: ${BEGIN} ... ${END}`)
  return `${document.slice(0, begin + BEGIN.length)}\n\n${made}\n${document.slice(end)}`
}
