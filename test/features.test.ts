/** Holds the tables of features together: what they are made of, and that each document has a place for its own. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Evidence, gaps, table, withTable } from './lab/feature-table.ts'
import { DOCUMENTS, featuresOf, shows, tagDefinitions } from './lab/features.ts'

const ROOT = join(import.meta.dirname, '..')
const FILE = 'test/integration/sip/calls.test.ts'
const SIP = featuresOf('docs/reference/sip.md')

const read = (document: string) => readFileSync(join(ROOT, document), 'utf8')
const missing = (files: readonly string[]) => files.filter((file) => !existsSync(join(ROOT, file)))
const evidenceOf = (tags: readonly string[]): Evidence => new Map(tags.map((tag) => [tag, new Set([FILE])]))

/** All that must be shown, each by SIPp. */
const complete = SIP.flatMap(({ id, feature }) => (feature.noPeer === undefined ? shows({ SIPp: [id] }).tags : []))

test('an id stands in one table only, and every tag is known to Vitest', () => {
  const ids = DOCUMENTS.flatMap((document) => featuresOf(document).map(({ id }) => id))
  expect(new Set(ids).size).toBe(ids.length)
  const known = new Set<string>(tagDefinitions().map(({ name }) => name))
  for (const tag of shows({ tshark: ids, coturn: ids }).tags) expect(known).toContain(tag)
})

describe.each(DOCUMENTS)('the table of %s', (document) => {
  const rows = featuresOf(document)

  test('has no feature twice, nor has the document', () => {
    const names = rows.map(({ feature }) => feature.name)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(read(document).split(`| ${name} |`).length).toBeLessThanOrEqual(2)
  })

  test('names checks that are there, for features that no peer shows', () => {
    const checked = rows.filter(({ feature }) => feature.checkedBy !== undefined)
    expect(checked.filter(({ feature }) => feature.noPeer === undefined)).toEqual([])
    expect(missing(checked.map(({ feature }) => feature.checkedBy ?? ''))).toEqual([])
  })

  test('links files that are there', () => {
    const linked = read(document).matchAll(/\]\(\.\.\/\.\.\/([^)]+)\)/g)
    expect(missing([...linked].map(([, file = '']) => file))).toEqual([])
  })
})

describe('a table of features', () => {
  test('names the peers that showed a feature and a test of each, and links what specifies it', () => {
    const { tags } = shows({ baresip: ['hold'], Kamailio: ['hold', 'tls'] })
    expect(tags).toEqual(['Kamailio:hold', 'Kamailio:tls', 'baresip:hold'])
    const made = table(SIP, new Map([...evidenceOf([...complete, ...tags]), ['SIPp:hold', new Set(['b.ts', 'a.ts'])]]))
    const specified = '[RFC 3264 8.4](https://www.rfc-editor.org/rfc/rfc3264#section-8.4)'
    const peers = `[Kamailio](../../${FILE}), [SIPp](../../a.ts), [baresip](../../${FILE})`
    expect(made).toContain(`| hold and resume | ${specified} | ${peers} |\n`)
    expect(made).toContain('| no peer: messages made by a generator of the test |\n')
  })

  test('takes tshark, which only reads, for no peer', () => {
    const rows = featuresOf('docs/reference/media.md')
    const evidence = evidenceOf(shows({ tshark: ['rr', 'sr'], baresip: ['sr'] }).tags)
    expect(table(rows, evidence)).toMatch(/\| RR, sent \| .* \| no peer: read by \[tshark\]\(\S+\) \|\n/)
    expect(table(rows, evidence)).toMatch(/\| SR, sent \| .* \| \[baresip\]\(\S+\), \[tshark\]\(\S+\) \|\n/)
  })

  test('links the check of what no peer shows', () => {
    const made = table(featuresOf('docs/reference/media.md'), new Map())
    const check = '[a formula; the values that are published for it](../../agent/quality/emodel.test.ts)'
    expect(made).toContain(`| R and MOS of narrowband speech | ITU-T G.107 | no peer: ${check} |\n`)
  })

  test('leaves out what is not there yet', () => {
    expect(table(SIP, new Map())).not.toContain('| hold and resume |')
    expect(gaps(SIP, new Map(), '# SIP')).toEqual([])
  })

  test('has a gap where nobody shows any more what the document has, or somebody shows it against its reason', () => {
    const committed = table(SIP, evidenceOf(complete))
    expect(gaps(SIP, evidenceOf(complete), committed)).toEqual([])
    const without = complete.filter((tag) => tag !== 'SIPp:glare')
    expect(gaps(SIP, evidenceOf(without), committed)).toEqual(['Session: glare is shown by no test that passed'])
    expect(gaps(SIP, evidenceOf([...complete, 'SIPp:fuzzing']), committed)).toEqual([
      'Hostile input: fuzzing has a reason to be shown by nobody, and is shown by SIPp',
    ])
  })

  test('takes the place of the one before, and nothing else of the document', () => {
    const document = read('docs/reference/sip.md')
    const made = table(SIP, evidenceOf(complete))
    const once = withTable(document, made)
    expect(withTable(once, made)).toBe(once)
    expect(once).toContain(made)
    expect(once.slice(0, once.indexOf('<!--'))).toBe(document.slice(0, document.indexOf('<!--')))
    expect(() => withTable('# SIP', made)).toThrow('has no place for the table')
  })
})

test('every feature of the SIP user agent is in its document', () => {
  for (const { feature } of SIP) expect(read('docs/reference/sip.md')).toContain(`| ${feature.name} |`)
})
