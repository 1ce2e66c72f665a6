/** Holds the table of features of the SIP user agent together: what it is made of, and that the document has a place for it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { gaps, table, withTable } from './lab/feature-table.ts'
import { features, shows, tagDefinitions } from './lab/features.ts'

const document = readFileSync(join(import.meta.dirname, '../docs/reference/sip.md'), 'utf8')

/** All that must be shown, each by SIPp. */
const complete = new Set(
  features().flatMap(({ id, feature }) => (feature.noPeer === undefined ? shows({ SIPp: [id] }).tags : [])),
)

describe('the table of features', () => {
  test('has each feature once, in the document too', () => {
    const ids = features().map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const names = features().map(({ feature }) => feature.name)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(document.split(`| ${name} |`)).toHaveLength(2)
  })

  test('names the peers that showed a feature, and links what specifies it', () => {
    const { tags } = shows({ baresip: ['hold'], Kamailio: ['hold', 'tls'] })
    expect(tags).toEqual(['Kamailio:hold', 'Kamailio:tls', 'baresip:hold'])
    const made = table(new Set([...complete, ...tags]))
    const link = '[RFC 3264 8.4](https://www.rfc-editor.org/rfc/rfc3264#section-8.4)'
    expect(made).toContain(`| hold and resume | ${link} | Kamailio, SIPp, baresip |\n`)
    expect(made).toContain('| no peer: messages made by a generator of the test |\n')
  })

  test('a feature that nobody showed is a gap, and so is one that was shown against its reason', () => {
    expect(gaps(complete)).toEqual([])
    const without = new Set([...complete].filter((tag) => tag !== 'SIPp:glare'))
    expect(gaps(without)).toEqual(['Session: glare is shown by no test that passed'])
    expect(gaps(new Set([...complete, 'SIPp:fuzzing']))).toEqual([
      'Hostile input: fuzzing has a reason to be shown by nobody, and is shown by SIPp',
    ])
  })

  test('takes the place of the one before, and nothing else of the document', () => {
    const made = table(complete)
    const once = withTable(document, made)
    expect(withTable(once, made)).toBe(once)
    expect(once).toContain(made)
    expect(once.slice(0, once.indexOf('<!--'))).toBe(document.slice(0, document.indexOf('<!--')))
    expect(() => withTable('# SIP', made)).toThrow('has no place for the table')
  })

  test('every tag is known to Vitest', () => {
    const known = new Set(tagDefinitions().map(({ name }) => name))
    for (const tag of complete) expect(known).toContain(tag)
  })
})
