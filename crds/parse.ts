/** Reads manifests: YAML documents into resources of our kinds, Secrets and ConfigMaps, or problems with their place. Never throws. */
import { z } from 'zod'
import { conditions } from './common.ts'
import type { Condition } from './common.ts'
import { coreKinds } from './core.ts'
import type { ConfigMap, Secret } from './core.ts'
import { fieldsAt } from './fields.ts'
import { API_VERSION } from './kind.ts'
import { kinds } from './kinds.ts'
import type { KindName, Resource } from './kinds.ts'
import { fieldOf, refusals } from './messages.ts'
import type { Refusal } from './messages.ts'
import { nearest } from './nearest.ts'
import { readDocument } from './yaml.ts'
import type { Path, ReadDocument } from './yaml.ts'

export interface Parsed {
  readonly resource: Resource | Secret | ConfigMap
  readonly file: string
  /** Line on which the document begins, 1-based. */
  readonly line: number
}

export interface Problem {
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly column: number
  /** `spec.thresholds.mos.critical`; empty when it is about the document as a whole. */
  readonly field: string
  readonly message: string
}

/** Bytes of a file; a ConfigMap may have 1 MiB, and a folder of resources is text. */
const MOST_BYTES = 4 * 1024 * 1024
const MOST_DOCUMENTS = 5000

export interface ParseResult {
  readonly resources: readonly Parsed[]
  readonly problems: readonly Problem[]
}

/** Every document that is valid, and every problem of those that are not. One broken document loses nothing of the others. */
export function parseDocuments(content: string | Uint8Array, file: string): ParseResult {
  const whole = (message: string) => ({ resources: [], problems: [{ file, line: 1, column: 1, field: '', message }] })
  if (content.length > MOST_BYTES) return whole(`is too large: ${content.length} bytes, at most ${MOST_BYTES} are read`)
  const text = typeof content === 'string' ? content : decode(content)
  if (text === undefined) return whole('is not a text in UTF-8')
  const documents = split(text)
  if (documents.length > MOST_DOCUMENTS) {
    return whole(`has ${documents.length} documents, at most ${MOST_DOCUMENTS} are read`)
  }
  const resources: Parsed[] = []
  const problems: Problem[] = []
  for (const { body, line } of documents) {
    const outcome = parseDocument(body, line)
    if (outcome.resource) resources.push({ resource: outcome.resource, file, line: outcome.line })
    for (const problem of outcome.problems) problems.push({ file, ...problem })
  }
  return { resources, problems }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

export type ParsedObject =
  | { readonly kind: 'Parsed'; readonly resource: Resource }
  /** `message` names each field that cannot be taken, and why; `conditions` are those that its status has. */
  | { readonly kind: 'Refused'; readonly message: string; readonly conditions: readonly Condition[] }

/** One object as the API server holds it. A status that an older version wrote may be none today; then there is none. */
export function parseObject(kind: KindName, value: unknown): ParsedObject {
  const { schema } = kinds[kind]
  const whole = schema.safeParse(value)
  if (whole.success) return { kind: 'Parsed', resource: whole.data }
  const declared = declaredPart(value)
  const rest = schema.safeParse(declared)
  if (rest.success) return { kind: 'Parsed', resource: rest.data }
  const refused = refusals(rest.error.issues, declared, (path) => fieldsAt(kind, path))
  const message = refused.map((refusal) => `${fieldOf(refusal.path)}: ${refusal.message}`).join('; ')
  return { kind: 'Refused', message, conditions: withConditions.safeParse(value).data?.status.conditions ?? [] }
}

const withConditions = z.object({ status: z.object({ conditions }) })

const declaredPart = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'status')) : value

/** Cuts at the lines that begin with `---`: such a line ends a document whatever it is in, so what is broken stays in its part. */
function split(text: string): { body: string; line: number }[] {
  const parts: { body: string; line: number }[] = []
  let lines: string[] = []
  let first = 1
  for (const [index, line] of text.split('\n').entries()) {
    if (/^---(\s|$)/.test(line) && lines.some((before) => !before.startsWith('%'))) {
      parts.push({ body: lines.join('\n'), line: first })
      lines = []
      first = index + 1
    }
    lines.push(line)
  }
  parts.push({ body: lines.join('\n'), line: first })
  return parts
}

type Located = Omit<Problem, 'file'>
interface Outcome {
  readonly resource?: Resource | Secret | ConfigMap
  readonly line: number
  readonly problems: readonly Located[]
}

function parseDocument(body: string, firstLine: number): Outcome {
  const document = readDocument(body, firstLine)
  const { line } = document.position([])
  const problems = document.complaints.map(({ path, ...complaint }) => ({ ...complaint, field: fieldOf(path) }))
  if (problems.length > 0 || document.value === undefined || document.value === null) return { line, problems }
  const result = check(document.value)
  if ('resource' in result) return { resource: result.resource, line, problems }
  const refused = result.refused.map((refusal) => locate(refusal, document))
  return { line, problems: refused.toSorted((one, other) => one.line - other.line || one.column - other.column) }
}

function locate({ path, message }: Refusal, document: ReadDocument): Located {
  return { ...document.position(path), field: fieldOf(path), message }
}

type Checked = { readonly resource: Resource | Secret | ConfigMap } | { readonly refused: readonly Refusal[] }

function check(value: unknown): Checked {
  if (!isObject(value)) return refuse([], 'must be an object with apiVersion, kind, metadata and spec')
  const { kind } = value
  if (kind === undefined) return refuse(['kind'], `required, but missing; there are ${kindNames.join(', ')}`)
  if (typeof kind !== 'string' || !isKindName(kind)) return refuse(['kind'], unknownKind(kind))
  const expected = isCore(kind) ? 'v1' : API_VERSION
  if (value['apiVersion'] !== expected) return refuse(['apiVersion'], wrongVersion(value['apiVersion'], kind, expected))
  if (isCore(kind)) return checked(coreKinds[kind].safeParse(value), value, () => [])
  // As the API server does with a subresource: what a file says about status is ignored.
  const declared = declaredPart(value)
  return checked(kinds[kind].schema.safeParse(declared), declared, (path) => fieldsAt(kind, path))
}

function checked(
  result: z.ZodSafeParseResult<Resource | Secret | ConfigMap>,
  input: unknown,
  fields: (path: Path) => readonly string[],
): Checked {
  if (result.success) return { resource: result.data }
  return { refused: refusals(result.error.issues, input, fields) }
}

const kindNames = [...Object.keys(kinds), ...Object.keys(coreKinds)]

function isKindName(name: string): name is KindName | keyof typeof coreKinds {
  return kindNames.includes(name)
}

function isCore(kind: KindName | keyof typeof coreKinds): kind is keyof typeof coreKinds {
  return kind in coreKinds
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(path: Path, message: string): Checked {
  return { refused: [{ path, message }] }
}

function unknownKind(kind: unknown): string {
  const guess = typeof kind === 'string' ? nearest(kind, kindNames) : undefined
  const found = typeof kind === 'string' ? JSON.stringify(kind.slice(0, 60)) : `a ${typeof kind}`
  return `found ${found}; ${guess ? `did you mean ${guess}?` : `must be one of ${kindNames.join(', ')}`}`
}

function wrongVersion(found: unknown, kind: string, expected: string): string {
  if (found === undefined) return `required, but missing; ${kind} is of ${expected}`
  const shown = typeof found === 'string' ? JSON.stringify(found.slice(0, 60)) : `a ${typeof found}`
  return `found ${shown}; ${kind} is of ${expected}`
}
