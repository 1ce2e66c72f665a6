import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allConstraints } from './constraints.ts'
import { fileOf, testdata } from './invalid.ts'
import { kinds } from './kinds.ts'
import type { KindName } from './kinds.ts'
import { fieldOf } from './messages.ts'
import { schemaOf } from './openapi.ts'
import type { Schema } from './openapi.ts'
import { parseDocuments } from './parse.ts'
import { duplicates, problemLine } from './validate.ts'
import { readDocument } from './yaml.ts'

const names = (folder: string) => readdirSync(join(testdata, folder)).toSorted()
const read = (folder: string, name: string) => readFileSync(join(testdata, folder, name), 'utf8')
const headers = (text: string, word: string) =>
  [...text.matchAll(new RegExp(`^# ${word}: (.*)$`, 'gm'))].map((match) => match[1])

/** Constraints that another one of the same field implies, so that no document breaks them alone. */
const implied = ['StatusPage.spec.branding.accentColor maxLength 7']

describe('invalid files', () => {
  test('there are some', () => {
    expect(names('invalid').length).toBeGreaterThan(500)
  })

  test.each(names('invalid'))('%s gives exactly its validate lines', (name) => {
    const text = read('invalid', name)
    const { problems, resources } = parseDocuments(text, `crds/testdata/invalid/${name}`)
    const all = [...problems, ...duplicates(resources)]
    expect(all.map(problemLine)).toEqual(headers(text, 'validate'))
    expect(headers(text, 'validate')).not.toHaveLength(0)
    expect(headers(text, 'server')).not.toHaveLength(0)
  })

  const constraints = allConstraints().filter(({ id }) => !implied.includes(id))

  test('every constraint has a name of its own', () => {
    expect(new Set(constraints.map(fileOf)).size).toBe(constraints.length)
  })

  test('every constraint of the schemas has a file that breaks only it', () => {
    const there = new Set(names('invalid'))
    expect(constraints.filter((constraint) => !there.has(fileOf(constraint))).map(({ id }) => id)).toEqual([])
  })

  test.each(constraints.map((constraint) => [fileOf(constraint), constraint] as const))(
    '%s breaks its constraint at its place',
    (name, constraint) => {
      const [problem] = parseDocuments(read('invalid', name), name).problems
      const place = constraint.path.join('.').replaceAll('.[]', '[0]')
      const field = problem?.field.replaceAll(/\[\d+\]/g, '[0]') ?? ''
      const isHere = field === place || field.startsWith(`${place}.`) || field.startsWith(`${place}[`)
      expect(isHere || constraint.path.includes('*'), `${field} is not at ${place}`).toBe(true)
      expect(constraint.type === 'rule' ? problem?.message : constraint.value).toBe(constraint.value)
    },
  )

  test('a rule that only we can check is accepted by the server, all others are not', () => {
    const accepted = names('invalid').filter((name) => headers(read('invalid', name), 'server')[0] === 'accepted')
    const own = constraints.filter(({ type, cel }) => type === 'rule' && cel === false).map(fileOf)
    expect(accepted.filter((name) => !name.startsWith('file-'))).toEqual(own.toSorted())
  })
})

describe('valid files', () => {
  test.each(names('valid'))('%s has no problem', (name) => {
    const { problems, resources } = parseDocuments(read('valid', name), name)
    expect(problems.map(problemLine)).toEqual([])
    expect(resources.length).toBeGreaterThan(0)
  })

  test('every field of every spec is in one of them', () => {
    const used = new Set(names('valid').flatMap((name) => read('valid', name).split(/^---$/m).flatMap(fieldsOf)))
    // Object.keys forgets that the table is closed.
    const all = (Object.keys(kinds) as KindName[]).flatMap((kind) => {
      const { spec } = schemaOf(kind).properties ?? {}
      return placesOf(spec ?? {}, `${kind}.spec`)
    })
    const shared = /\.(media|scenario|webhooks)\b/
    const missing = all.filter((place) => !used.has(place) && !(place.startsWith('SipLoadTest.') && shared.test(place)))
    expect(
      missing.filter(
        (place) => !/locations\[\]\.thresholds\./.test(place) && !/source\.(speech|tone|fileRef)/.test(place),
      ),
    ).toEqual([])
  })
})

function placesOf(schema: Schema, place: string): string[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    `${place}.${name}`,
    ...placesOf(field, `${place}.${name}`),
  ])
  return schema.items ? [...inner, ...placesOf(schema.items, `${place}[]`)] : inner
}

function fieldsOf(text: string): string[] {
  const { value } = readDocument(text, 1)
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('spec' in value)) return []
  return walk(value.spec, ['spec']).map((path) => `${String(value.kind)}.${path}`)
}

function walk(value: unknown, path: (string | number)[]): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, Array.isArray(value) ? Number(key) : key]
    return [fieldOf(here).replaceAll(/\[\d+\]/g, '[]'), ...walk(inner, here)]
  })
}
