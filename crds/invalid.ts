/** Makes `testdata/invalid` from `testdata/valid`: for each constraint the smallest document that breaks it and nothing else. Test support. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { breakers } from './breakers.ts'
import type { Attempt } from './breakers.ts'
import { allConstraints } from './constraints.ts'
import type { Constraint } from './constraints.ts'
import { fieldsAt } from './fields.ts'
import { kinds } from './kinds.ts'
import { fieldOf, refusals } from './messages.ts'
import type { Refusal } from './messages.ts'
import { parseDocuments } from './parse.ts'
import { serverLines } from './server-lines.ts'
import { problemLine } from './validate.ts'
import { readDocument } from './yaml.ts'
import type { Path } from './yaml.ts'

export const testdata = join(import.meta.dirname, 'testdata')

export type Document = Record<string, unknown>

/** A document with exactly one fault. */
export interface Broken {
  readonly document: Document
  readonly refusal: Refusal
}

/** The documents of `testdata/valid`, as plain values. */
export async function validDocuments(): Promise<Document[]> {
  const documents: Document[] = []
  for (const name of (await readdir(join(testdata, 'valid'))).toSorted()) {
    const text = await readFile(join(testdata, 'valid', name), 'utf8')
    for (const part of text.split(/^---$/m)) {
      const { value } = readDocument(part, 1)
      if (isDocument(value)) documents.push(value)
    }
  }
  return documents
}

/** The first way found to break `constraint` alone; undefined where there is none. */
export function breakOnly(constraint: Constraint, documents: readonly Document[]): Broken | undefined {
  for (const document of documents) {
    if (document['kind'] !== constraint.kind) continue
    for (const attempt of breakers(constraint, document)) {
      const broken = brokenBy(constraint, attempt.apply(document))
      if (broken) return minimized(constraint, attempt, { valid: document, broken })
    }
  }
  return undefined
}

function brokenBy(constraint: Constraint, document: Document): Broken | undefined {
  const { kind } = constraint
  const result = kinds[kind].schema.safeParse(document)
  if (result.success) return undefined
  const all = refusals(result.error.issues, document, (path) => fieldsAt(kind, path))
  const [refusal] = all
  return refusal && all.length === 1 && isAbout(constraint, refusal) ? { document, refusal } : undefined
}

const ABOUT: Readonly<Partial<Record<Constraint['type'], RegExp>>> = {
  required: /^required, but missing$/,
  unknown: /^unknown field/,
  enum: /must be one of/,
  pattern: /^found .*; must (be|begin|match|have) /,
  minLength: /^has .* character.*at least/,
  maxLength: /^has .* characters; at most/,
  minimum: /or more$/,
  maximum: /or less$/,
  multipleOf: /multiple/,
  minItems: /^has .* entr.*at least/,
  maxItems: /^has .* entries; at most/,
  unique: /already in the list/,
  minProperties: /at least one/,
  maxProperties: /^must have at most/,
  format: /RFC 3339/,
}

function isAbout({ type, value }: Constraint, { message }: Refusal): boolean {
  return type === 'rule' ? message === value : (ABOUT[type]?.test(message) ?? false)
}

interface Pair {
  readonly valid: Document
  readonly broken: Broken
}

/** Takes away whatever can go while the document is valid without the fault and the fault stays the same. */
function minimized(constraint: Constraint, { at, apply }: Attempt, first: Pair): Broken {
  const small: Document = { ...first.valid, metadata: { name: 'example' } }
  let best: Pair = { valid: small, broken: brokenBy(constraint, apply(small)) ?? first.broken }
  const shortestFirst = pathsOf(small['spec'], ['spec']).toSorted((one, other) => one.length - other.length)
  // Twice: what could not go while something else needed it may go after that.
  for (const path of [...shortestFirst, ...shortestFirst]) {
    if (isPrefix(path, at) || (typeof path.at(-1) === 'number' && isPrefix(path.slice(0, -1), at))) continue
    const valid = without(best.valid, path)
    if (!kinds[constraint.kind].schema.safeParse(valid).success) continue
    const broken = brokenBy(constraint, apply(valid))
    if (broken && fieldOf(broken.refusal.path) === fieldOf(best.broken.refusal.path)) best = { valid, broken }
  }
  return best.broken
}

function isPrefix(path: Path, of: Path): boolean {
  return path.every((part, index) => of[index] === part)
}

function pathsOf(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, Array.isArray(value) ? Number(key) : key]
    return [here, ...pathsOf(inner, here)]
  })
}

function without(document: Document, path: Path): Document {
  const copy = structuredClone(document)
  let holder: unknown = copy
  for (const part of path.slice(0, -1)) {
    if (typeof holder !== 'object' || holder === null) return copy
    holder = Reflect.get(holder, part)
  }
  const last = path.at(-1)
  if (typeof holder !== 'object' || holder === null || last === undefined) return copy
  if (Array.isArray(holder)) holder.splice(Number(last), 1)
  else Reflect.deleteProperty(holder, last)
  return copy
}

export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The name of the file of a constraint: kind, place, what is broken. */
export function fileOf({ kind, path, type, value }: Constraint): string {
  const place = path.filter((part) => part !== '[]' && part !== '*').join('-')
  const what = type === 'rule' ? ruleName(String(value)) : type
  return `${kind}-${place}-${what}.yaml`.toLowerCase()
}

function ruleName(message: string): string {
  return /^must be a duration/.test(message)
    ? 'range'
    : message
        .replaceAll(/[^A-Za-z0-9]+/g, '-')
        .slice(0, 36)
        .replace(/-$/, '')
}

/** The file: what `validate` and what an API server say, then the document. */
export function textOf(name: string, constraint: Constraint, broken: Broken): string {
  const body = stringify(broken.document, { lineWidth: 0, version: '1.1' })
  const server = serverLines(constraint, broken)
    .map((line) => `# server: ${line}\n`)
    .join('')
  const header = (line: string) => `# validate: ${line}\n${server}${body}`
  const [problem] = parseDocuments(header('-'), `crds/testdata/invalid/${name}`).problems
  if (!problem) throw new Error(`${name} has no fault`)
  return header(problemLine(problem))
}

async function main(): Promise<void> {
  const documents = await validDocuments()
  for (const constraint of allConstraints()) {
    const broken = breakOnly(constraint, documents)
    if (!broken) {
      process.stderr.write(`no document breaks only ${constraint.id}\n`)
      continue
    }
    const name = fileOf(constraint)
    await writeFile(join(testdata, 'invalid', name), textOf(name, constraint, broken))
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
