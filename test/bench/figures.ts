/** The figures of one bench: each with its unit and range, as a table, and against the targets. */
import type { Compared } from './measure.ts'
import type { Target } from './scenarios.ts'
import { type Spread, spread } from './statistics.ts'
import { table } from './table.ts'

interface Figure extends Spread {
  readonly name: string
  /** `calls/s`, `us`, `ms`, `B`; empty for ratios and counts. */
  readonly unit: string
}

interface Verdict {
  readonly figure: string
  readonly met: boolean
  readonly text: string
}

export class Figures {
  readonly all: Figure[] = []
  readonly #rows: string[][] = []

  /** Two arms, and their ratio under the name `<name> ratio`. */
  compared(name: string, unit: string, { subject, reference, ratio }: Compared): void {
    this.#keep(name, unit, subject)
    this.#keep(`${name}, reference`, unit, reference)
    this.#keep(`${name} ratio`, '', ratio)
    const range = `${digits(ratio.lowest)}-${digits(ratio.highest)}`
    this.#rows.push([name, unit, digits(subject.median), digits(reference.median), digits(ratio.median), range])
  }

  pairs(name: string, unit: string, values: { subject: readonly number[]; reference: readonly number[] }): void {
    const ratios = values.subject.map((value, index) => value / (values.reference[index] ?? NaN))
    const { subject, reference } = values
    this.compared(name, unit, { subject: spread(subject), reference: spread(reference), ratio: spread(ratios) })
  }

  add(name: string, unit: string, value: Spread): void {
    this.#keep(name, unit, value)
    const range = value.samples > 1 ? `${digits(value.lowest)}-${digits(value.highest)}` : ''
    this.#rows.push([name, unit, digits(value.median), '', '', range])
  }

  single(name: string, unit: string, value: number): void {
    this.add(name, unit, spread([value]))
  }

  table(): string {
    return table(['', 'unit', 'subject', 'reference', 'ratio', 'range'], this.#rows)
  }

  /** Only targets of what was measured are judged; a ratio is judged by its median. */
  judge(targets: readonly Target[]): Verdict[] {
    return targets.flatMap(({ figure, limit, sense, goal }) => {
      const found = this.all.find(({ name }) => name === figure)
      if (!found) return []
      const within = (bound: number): boolean => (sense === 'AtLeast' ? found.median >= bound : found.median <= bound)
      const met = within(limit)
      const beyond = goal === undefined ? '' : `, goal ${goal} ${within(goal) ? 'met' : 'missed'}`
      const bound = `${sense === 'AtLeast' ? 'at least' : 'at most'} ${limit} ${found.unit}`.trimEnd()
      const text = `${met ? 'met   ' : 'missed'}  ${figure}: ${digits(found.median)}, ${bound}${beyond}`
      return [{ figure, met, text }]
    })
  }

  #keep(name: string, unit: string, value: Spread): void {
    this.all.push({ name, unit, ...value })
  }
}

function digits(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)
}
