/** Mutates valid manifests by a seed; the unit test and the soak test run it with different counts. Test support. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../lib/random.ts'
import type { Random } from '../lib/random.ts'
import { parseDocuments } from './parse.ts'
import { duplicates, warnings } from './validate.ts'

const folder = join(import.meta.dirname, 'testdata', 'valid')

/** Pieces that have broken YAML readers and validators. */
const PIECES = [
  '\t',
  '---\n',
  '...\n',
  '*a ',
  '&a ',
  '<<: ',
  '{',
  '}',
  '[',
  ']',
  '? ',
  ': ',
  '- ',
  '|',
  '>',
  '"',
  "'",
  '\u0000',
  '\ud800',
  '\ufeff',
  '!!binary ',
  '!!js/function ',
  '%YAML 9.9\n',
  '__proto__: ',
  'constructor: ',
  'toString: ',
  '1e999',
  '.nan',
  '-.inf',
  '0x7fffffffffffffff',
  '99999999999999999999',
  'null',
  'on',
  '#',
  '\r',
  '[[[[[[[[',
  'a'.repeat(5000),
]

/** What one mutated text did. */
export interface FuzzResult {
  readonly text: string
  readonly problems: number
  readonly resources: number
}

/**
 * Parses `count` mutated texts, each with 1 to 6 changes. The caller measures; nothing here may throw.
 * @param seed the same seed gives the same texts
 */
export function* fuzz(count: number, seed: number): Generator<FuzzResult> {
  const random = seededRandom(seed)
  const texts = readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
  for (let round = 0; round < count; round++) {
    let text = pick(random, texts) ?? ''
    for (let changes = 1 + Math.floor(random() * 6); changes > 0; changes--) text = mutated(random, text, texts)
    const { problems, resources } = parseDocuments(text, 'fuzz.yaml')
    duplicates(resources)
    warnings(resources)
    yield { text, problems: problems.length, resources: resources.length }
  }
}

function mutated(random: Random, text: string, texts: readonly string[]): string {
  const at = Math.floor(random() * (text.length + 1))
  const length = Math.floor(random() * 40)
  const [before, after] = [text.slice(0, at), text.slice(at)]
  const other = pick(random, texts) ?? ''
  const from = Math.floor(random() * other.length)
  const ways = [
    () => before + (pick(random, PIECES) ?? '') + after,
    () => before + after.slice(length),
    () => before + after.slice(0, length) + after,
    () => before + other.slice(from, from + length * 4) + after,
    () => before + String.fromCharCode(Math.floor(random() * 0x250)) + after.slice(1),
    () => text.replaceAll(/\d+/g, (digits) => (random() < 0.1 ? '-1' : digits)),
    () => before,
  ]
  return (pick(random, ways) ?? (() => text))()
}

function pick<T>(random: Random, items: readonly T[]): T | undefined {
  return items[Math.floor(random() * items.length)]
}
