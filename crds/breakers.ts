/** Ways to break one constraint of a valid document. Some break more than that; whoever uses them looks. Test support. */
import type { Constraint, ConstraintType } from './constraints.ts'
import type { Schema } from './openapi.ts'
import type { Document } from './invalid.ts'
import type { Path } from './yaml.ts'

export interface Attempt {
  /** The place that is changed. */
  readonly at: Path
  /** Breaks a document that has this place. */
  readonly apply: (document: Document) => Document
}

/** What to set, or to remove with `undefined`. */
type Change = readonly [path: string, value: unknown]

/** Fields to set below the place of a rule, one or several ways. */
const RULE_BREAKERS: Readonly<Record<string, readonly (readonly Change[])[]>> = {
  'accounts or accountsRef is needed to register': [
    [
      ['accounts', []],
      ['accountsRef', undefined],
    ],
  ],
  'drachtio must be there for engine Drachtio and for no other': [[['drachtio', undefined]]],
  'transport must be WS or WSS for engine SipJs': [
    [
      ['transport', 'TCP'],
      ['engine', 'SipJs'],
      ['path', undefined],
      ['drachtio', undefined],
    ],
  ],
  'must be a pattern of *, ? and [...], with every [ closed': [[['', 'sip:[0-9']]],
  'target is needed by a Caller whose check is Call or Options': [[['target', undefined]]],
  'target must not be set for a Callee: it waits to be called': [
    [
      ['mode', 'Callee'],
      ['locations', undefined],
      ['quorum', undefined],
    ],
    [['role', 'Callee']],
  ],
  'check must be Call for a Callee': [
    [
      ['check', 'Options'],
      ['mode', 'Callee'],
      ['target', undefined],
    ],
  ],
  'locations must have exactly one entry for a Callee': [
    [
      ['mode', 'Callee'],
      ['target', undefined],
    ],
  ],
  'quorum must not be larger than the number of locations': [[['quorum', 3]]],
  'timeouts.call must not be longer than schedule.interval': [[['timeouts', { call: '10m' }]]],
  'must have exactly one of interval and cron': [[['cron', '0 3 * * *']]],
  'must be a cron expression of five fields: minute, hour, day of month, month, day of week': [[['', '61 * * * *']]],
  'must be a time zone of the IANA database, such as Europe/Berlin': [[['', 'Europe/Atlantis']]],
  'must have exactly one of tone, speech and fileRef': [
    [
      ['speech', {}],
      ['tone', {}],
    ],
  ],
  'must have exactly one of url and urlRef': [
    [
      ['url', undefined],
      ['urlRef', undefined],
    ],
  ],
  'must have either start and end, or cron and duration': [[['end', undefined]]],
  'end must be after start': [[['start', '2027-01-01T00:00:00Z']]],
  'must have exactly one of at and on': [[['at', undefined]]],
  'digits may be set for DtmfReceived only': [[['event', 'Answered']]],
  'must have exactly one action': [
    [
      ['mute', {}],
      ['hold', {}],
    ],
  ],
  'target is needed by a Caller': [[['target', undefined]]],
  'must have either count, with or without from, or usernames': [
    [
      ['usernames', ['1']],
      ['count', 1],
    ],
  ],
  'must have exactly one of uri and group': [
    [
      ['uri', undefined],
      ['group', undefined],
    ],
  ],
  'must have exactly one of callsPerSecond and over': [[['over', '10s']]],
  'must have exactly one of atLeast and atMost': [
    [
      ['atLeast', 1],
      ['atMost', 1],
    ],
  ],
  'stat must not be set for a figure that a run has once': [
    [
      ['metric', 'asr'],
      ['stat', 'avg'],
    ],
  ],
}

export function* breakers(constraint: Constraint, document: Document): Generator<Attempt> {
  for (const at of placesOf(constraint.path, document)) {
    if (constraint.type === 'rule') {
      yield* ruleBreakers(String(constraint.value), at)
      continue
    }
    for (const index of values(constraint, valueAt(document, at)).keys()) {
      yield { at, apply: (valid) => changed(valid, at, values(constraint, valueAt(valid, at))[index]) }
    }
  }
}

function* ruleBreakers(message: string, at: Path): Generator<Attempt> {
  const set = (path: Path, value: unknown): Attempt => ({ at: path, apply: (valid) => changed(valid, path, value) })
  if (message.startsWith('must be a duration')) {
    yield set(at, '1ms')
    yield set(at, '9999h')
  } else if (message.startsWith('critical must')) yield { at, apply: (valid) => swapped(valid, at) }
  else if (message.startsWith('groups must')) yield set([...at, 'groups', 0, 'endpoints'], 100_000)
  else if (message.startsWith('target.group')) yield set([...at, 'groups', 0, 'target', 'group'], 'nobody')
  for (const changes of RULE_BREAKERS[message] ?? []) {
    yield {
      at,
      apply: (valid) =>
        changes.reduce((done, [path, value]) => changed(done, path === '' ? at : [...at, path], value), valid),
    }
  }
}

function swapped(document: Document, at: Path): Document {
  const warning = valueAt(document, [...at, 'warning'])
  return changed(
    changed(document, [...at, 'warning'], valueAt(document, [...at, 'critical'])),
    [...at, 'critical'],
    warning,
  )
}

const NONSENSE = ['Nonsense', 'a b', '-', ' ', '!x', 'x y', 'sip:', '5 minutes']

function values({ type, value, schema, path }: Constraint, found: unknown): readonly unknown[] {
  if (type === 'rule') return []
  return VALUES[type]({ value, bound: Number(value), schema, last: path.at(-1), found })
}

interface Context {
  readonly value: unknown
  readonly bound: number
  readonly schema: Constraint['schema']
  /** Name of the field. */
  readonly last: string | undefined
  readonly found: unknown
}

/** What to put in the place of the value found; `undefined` takes it away. */
const VALUES: Readonly<Record<Exclude<ConstraintType, 'rule'>, (context: Context) => readonly unknown[]>> = {
  required: () => [undefined],
  unknown: ({ found }) => (typeof found === 'object' && found !== null ? [{ ...found, nonsense: 1 }] : []),
  enum: () => ['Nonsense'],
  pattern: () => NONSENSE,
  format: () => ['tomorrow'],
  minLength: () => [''],
  maxLength: ({ found, bound }) => tooLong(String(found), bound),
  minimum: ({ bound, schema }) => [bound - (schema.multipleOf ?? 1)],
  maximum: ({ bound, schema }) => [bound + (schema.multipleOf ?? 1)],
  multipleOf: ({ bound }) => [bound * 2 + 1],
  minItems: () => [[]],
  maxItems: ({ found, bound, schema }) => (Array.isArray(found) ? [tooMany(found, bound, schema)] : []),
  unique: ({ found }) => (Array.isArray(found) ? [[...found, found[0]]] : []),
  minProperties: () => [{}],
  maxProperties: ({ bound, last }) => [
    Object.fromEntries(Array.from({ length: bound + 1 }, (_, index) => [`g${index}`, last === 'labels' ? 'x' : 1])),
  ],
}

function tooLong(found: string, most: number): readonly string[] {
  const missing = Math.max(most + 1 - found.length, 1)
  return [
    ...(/T.*Z$/.test(found) ? [found.replace(/Z$/, `.${'0'.repeat(most)}Z`)] : []),
    found + 'a'.repeat(missing),
    found + '0'.repeat(missing),
    found.slice(0, -1) + '0'.repeat(missing) + found.slice(-1),
    '0'.repeat(missing) + found,
    '1000h10000m100000s1000000ms',
  ]
}

function tooMany(found: readonly unknown[], most: number, schema: Schema): unknown[] {
  const [first] = found
  const key = schema['x-kubernetes-list-map-keys']?.[0]
  const copies = Array.from({ length: most + 1 - found.length }, (_, index) => {
    if (typeof first === 'string') return schema.items?.enum ? first : another(first, index)
    if (typeof first !== 'object' || first === null || key === undefined) return structuredClone(first)
    return { ...structuredClone(first), [key]: `extra${index}` }
  })
  return [...found, ...copies]
}

/** A text like the first one, but another one. */
function another(first: string, index: number): string {
  return first.includes(':') ? first : `${index}x${first}`
}

function placesOf(path: readonly string[], document: Document): Path[] {
  let places: Path[] = [[]]
  for (const part of path) {
    places = places.flatMap((place) => stepsOf(valueAt(document, place), part).map((step) => [...place, step]))
  }
  return places
}

function stepsOf(value: unknown, part: string): (string | number)[] {
  if (typeof value !== 'object' || value === null) return []
  if (part === '[]') return Array.isArray(value) ? value.map((_, index) => index) : []
  if (part === '*') return Object.keys(value)
  return Object.hasOwn(value, part) ? [part] : []
}

export function valueAt(value: unknown, path: Path): unknown {
  let found = value
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined
    found = Reflect.get(found, part)
  }
  return found
}

/** A copy with another value at `path`; `undefined` removes the field. */
function changed(document: Document, path: Path, value: unknown): Document {
  const copy = structuredClone(document)
  const holder = valueAt(copy, path.slice(0, -1))
  const last = path.at(-1)
  if (typeof holder !== 'object' || holder === null || last === undefined) return copy
  if (value === undefined) Reflect.deleteProperty(holder, last)
  else Reflect.set(holder, last, structuredClone(value))
  return copy
}
