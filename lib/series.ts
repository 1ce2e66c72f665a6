/**
 * Families of Prometheus series for thousands of subjects: a row of numbers each, and the text piece by piece. It knows no meaning
 * of a series. (prom-client keeps an object for every number, and makes the whole text at once.)
 */

/** The text of labels, such as `namespace="sales",probe="trunk"`, of names that need no escaping. */
export type Labels = string

export interface FamilyOptions<Member extends string> {
  name: string
  help: string
  /** What a subject has one number for, each with the text of its labels. */
  members: Iterable<readonly [Member, Labels]>
}

interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  forget(subject: Labels): void
  /** The lines of each subject. */
  lines(): Generator<string>
}
export type { Family as SeriesFamily }

/** Characters of a piece of the text: a few milliseconds' work. */
const PIECE = 1_048_576

/** Families one after the other, in pieces between which something else can run. */
export function* textOf(families: Iterable<Family>): Generator<string> {
  for (const family of families) {
    const { name, help, type } = family
    let piece = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
    for (const lines of family.lines()) {
      piece += lines
      if (piece.length < PIECE) continue
      yield piece
      piece = ''
    }
    yield piece
  }
}

/** The members of one closed label. */
export function by<Member extends string>(label: string, values: readonly Member[]): Array<[Member, Labels]> {
  return values.map((value) => [value, `${label}="${value}"`])
}

/** For a family that has one number a subject. */
export const ALONE = [['', '']] as const

/** Gauges and counters. A number that was not set is absent. */
export class Numbers<Member extends string> implements Family {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
  readonly #members: ReadonlyMap<Member, number>
  /** Of a line of each member, from its labels up to its number. */
  readonly #ends: readonly string[]
  readonly #rows = new Map<Labels, number[]>()

  constructor(type: 'gauge' | 'counter', { name, help, members }: FamilyOptions<Member>) {
    const all = [...members]
    this.type = type
    this.name = name
    this.help = help
    this.#members = new Map(all.map(([member], index) => [member, index]))
    this.#ends = all.map(([, labels]) => (labels ? `,${labels}} ` : '} '))
  }

  set(subject: Labels, member: Member, value: number): void {
    this.#row(subject)[this.#indexOf(member)] = value
  }

  /** What is absent counts from 0. */
  add(subject: Labels, member: Member, count: number): void {
    const row = this.#row(subject)
    const index = this.#indexOf(member)
    row[index] = (row[index] || 0) + count
  }

  /** Every member that is absent is there from now on, at 0. */
  begin(subject: Labels): void {
    const row = this.#row(subject)
    for (const [index, value] of row.entries()) if (Number.isNaN(value)) row[index] = 0
  }

  remove(subject: Labels, member: Member): void {
    const row = this.#rows.get(subject)
    if (row) row[this.#indexOf(member)] = NaN
  }

  forget(subject: Labels): void {
    this.#rows.delete(subject)
  }

  *lines(): Generator<string> {
    for (const [subject, row] of this.#rows) {
      const begin = `${this.name}{${subject}`
      let lines = ''
      for (const [index, value] of row.entries())
        if (!Number.isNaN(value)) lines += `${begin}${this.#ends[index]}${value}\n`
      yield lines
    }
  }

  #row(subject: Labels): number[] {
    const there = this.#rows.get(subject)
    if (there) return there
    const row = this.#ends.map(() => NaN)
    this.#rows.set(subject, row)
    return row
  }

  #indexOf(member: Member): number {
    const index = this.#members.get(member)
    if (index === undefined) throw new Error(`${this.name} has no member ${member}`)
    return index
  }
}

/** Histograms, each with the same buckets. */
export class Histograms implements Family {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  /** Upper bounds, ascending; above the last one is one bucket more. */
  readonly #bounds: readonly number[]
  /** How many fell into each bucket, and their sum behind the last one. */
  readonly #rows = new Map<Labels, number[]>()

  constructor({ name, help, bounds }: { name: string; help: string; bounds: readonly number[] }) {
    this.name = name
    this.help = help
    this.#bounds = bounds
  }

  observe(subject: Labels, value: number): void {
    const count = this.#bounds.length
    const row = this.#rows.get(subject) ?? Array.from({ length: count + 2 }, () => 0)
    this.#rows.set(subject, row)
    const found = this.#bounds.findIndex((bound) => value <= bound)
    const bucket = found === -1 ? count : found
    row[bucket] = (row[bucket] ?? 0) + 1
    row[count + 1] = (row[count + 1] ?? 0) + value
  }

  forget(subject: Labels): void {
    this.#rows.delete(subject)
  }

  *lines(): Generator<string> {
    const bounds = [...this.#bounds, '+Inf']
    for (const [subject, row] of this.#rows) {
      const begin = `${this.name}_bucket{${subject},le="`
      let lines = ''
      let total = 0
      for (const [index, bound] of bounds.entries()) {
        total += row[index] ?? 0
        lines += `${begin}${bound}"} ${total}\n`
      }
      const sum = row[this.#bounds.length + 1] ?? 0
      yield `${lines}${this.name}_sum{${subject}} ${sum}\n${this.name}_count{${subject}} ${total}\n`
    }
  }
}
