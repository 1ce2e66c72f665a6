/** Turns what a schema refused into sentences that say what was found and what is allowed. Never shows what may be a secret. */
import type { z } from 'zod'
import { nearest } from './nearest.ts'
import type { Path } from './yaml.ts'

export interface Refusal {
  readonly path: Path
  readonly message: string
}

/** Names of the fields an object may have; empty where that is not known. */
export type FieldsAt = (path: Path) => readonly string[]

/** One refusal or more for each issue; `input` is what was parsed. */
export function refusals(issues: readonly z.core.$ZodIssue[], input: unknown, fieldsAt: FieldsAt): Refusal[] {
  return issues.flatMap((issue) => refusalsOf(issue, input, fieldsAt))
}

function refusalsOf(issue: z.core.$ZodIssue, input: unknown, fieldsAt: FieldsAt): Refusal[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol')
  const found = valueAt(input, path)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownField(key, fieldsAt(path)) }))
  }
  if (issue.code === 'invalid_key' || issue.code === 'invalid_element') {
    return issue.issues.flatMap((inner) =>
      refusalsOf(inner, input, fieldsAt).map(({ message }) => ({ path, message: `the name ${message}` })),
    )
  }
  return [{ path, message: sentence(issue, found, show(found, path)) }]
}

function sentence(issue: z.core.$ZodIssue, found: unknown, shown: string): string {
  if (issue.code === 'too_small') return tooSmall(issue.origin, Number(issue.minimum), found, shown)
  if (issue.code === 'too_big') return tooBig(issue.origin, Number(issue.maximum), found, shown)
  if (issue.code === 'not_multiple_of') return `found ${shown}; must be a multiple of ${issue.divisor}`
  if (issue.code === 'invalid_format') return `found ${shown}; must ${wanted(issue)}`
  if (issue.code !== 'invalid_type' && issue.code !== 'invalid_value') return issue.message
  if (found === undefined) return 'required, but missing'
  return issue.code === 'invalid_type'
    ? `found ${shown}; must be ${typeName(issue.expected)}`
    : notOneOf(shown, found, issue.values)
}

function wanted(issue: z.core.$ZodIssueInvalidStringFormat): string {
  const hint = /^be |^begin |^have /.test(issue.message)
  return hint ? issue.message : `match ${(issue.pattern ?? '').replace(/^\/|\/$/g, '').replaceAll('\\/', '/')}`
}

function notOneOf(shown: string, found: unknown, allowed: readonly unknown[]): string {
  const names = allowed.map(String)
  const guess = typeof found === 'string' ? nearest(found, names) : undefined
  return `found ${shown}; must be one of ${names.join(', ')}${guess ? `; did you mean ${guess}?` : ''}`
}

function tooSmall(origin: string, least: number, found: unknown, shown: string): string {
  if (origin === 'string') return `has ${count(lengthOf(found), 'character')}; at least ${least} must be there`
  if (origin === 'array') return `has ${count(lengthOf(found), 'entry')}; at least ${least} must be there`
  return `found ${shown}; must be ${least} or more`
}

function tooBig(origin: string, most: number, found: unknown, shown: string): string {
  if (origin === 'string') return `has ${count(lengthOf(found), 'character')}; at most ${most} are allowed`
  if (origin === 'array') return `has ${count(lengthOf(found), 'entry')}; at most ${most} are allowed`
  return `found ${shown}; must be ${most} or less`
}

function count(number: number, noun: 'character' | 'entry'): string {
  if (number === 1) return `1 ${noun}`
  return `${number} ${noun === 'entry' ? 'entries' : 'characters'}`
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : 0
}

function unknownField(key: string, allowed: readonly string[]): string {
  const guess = nearest(key, allowed)
  if (guess) return `unknown field; did you mean ${guess}?`
  if (allowed.length === 0) return 'unknown field'
  return `unknown field; there are ${allowed.join(', ')}`
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected
}

/** Fields whose value must not be repeated, wherever they are. */
const CONFIDENTIAL = /password|secret|token|credential|url|ref$|^data$|^stringData$/i

function show(value: unknown, path: Path): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (path.some((part) => typeof part === 'string' && CONFIDENTIAL.test(part)))
    return TYPE_NAMES[typeof value] ?? 'another value'
  if (typeof value !== 'string') return String(value)
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = Object.entries(value).find(([key]) => key === String(part))?.[1]
  }
  return value
}

/** `spec.groups[0].name` */
export function fieldOf(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`)).join('')
}
