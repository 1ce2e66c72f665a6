/** How results are printed: a table for people, JSON or YAML for machines. It knows no kind. */
import { stripVTControlCharacters } from 'node:util'
import { stringify } from 'yaml'
import type { Health } from '../crds/index.ts'
import type { Terminal, Words } from './command.ts'
import { UsageError } from './command.ts'

export const outputFlag = { value: 'table|json|yaml', default: 'table', help: 'How the result is printed' } as const

const formats = ['table', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

export function formatOf(words: Words): Format {
  const text = words.text('output')
  const found = formats.find((format) => format === text)
  if (!found) throw new UsageError(`--output ${text}: allowed are ${formats.join(', ')}`)
  return found
}

/** Prints `data` for machines, or calls `table` for people. */
export function print(terminal: Terminal, format: Format, data: unknown, table: () => string): void {
  if (format === 'json') terminal.out(`${JSON.stringify(data, null, 2)}\n`)
  else if (format === 'yaml') terminal.out(stringify(data))
  else terminal.out(table())
}

/** Columns as wide as their widest cell; the last one is not padded. Colours do not count as width. */
export function table(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const lines = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))))
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column === line.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)),
        )
        .join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('')
}

const width = (cell: string): number => stripVTControlCharacters(cell).length

const COLOURS: Readonly<Record<Health, number>> = { Healthy: 32, Degraded: 33, Unhealthy: 31, Unknown: 90 }

export function coloured(terminal: Pick<Terminal, 'colours'>, health: Health, text: string = health): string {
  return terminal.colours ? `\u001b[${COLOURS[health]}m${text}\u001b[0m` : text
}

/** `4.41`, `12.3 ms`: a measured value as people read it; `-` where nothing was measured. */
export function measured(value: number | undefined, unit = '', digits = 1): string {
  if (value === undefined) return '-'
  return `${value.toFixed(digits)}${unit && ` ${unit}`}`
}

/** `12s`, `3m`, `2h`, `5d`: how long ago, as kubectl shows ages. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}
