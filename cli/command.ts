/** What a command is, and how its words are read; it carries none out. */
import { parseArgs } from 'node:util'

/** The surroundings of a command, passed in so that a test can look at them. */
export interface Terminal {
  out(text: string): void
  err(text: string): void
  /** Standard output is a terminal that a person looks at. */
  interactive: boolean
  colours: boolean
  /** Aborts at SIGINT or SIGTERM. */
  signal: AbortSignal
  environment: Readonly<Record<string, string | undefined>>
}

export interface Flag {
  /** Shown in the help in place of the value; absent: a switch. */
  value?: string
  /** Allowed several times. */
  multiple?: boolean
  default?: string
  help: string
}

export interface Words {
  positionals: readonly string[]
  /** The last value given, else the default. */
  text(flag: string): string | undefined
  all(flag: string): readonly string[]
  has(flag: string): boolean
}

export interface Command {
  name: string
  /** After the name, e.g. `URI [flags]`. */
  usage: string
  /** Sentences below the usage line. */
  description: string
  flags: Readonly<Record<string, Flag>>
  examples: ReadonlyArray<readonly [command: string, meaning: string]>
  /** How many words without a flag it takes. */
  positionals: { least: number; most: number }
  /** Resolves to the exit code. */
  run(words: Words, terminal: Terminal): Promise<number>
}

/** Words that cannot be understood: shown with the usage line, exit code 3. */
export class UsageError extends Error {}

export function readWords(command: Command, words: readonly string[]): Words {
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([name, flag]) => [
      name,
      { type: flag.value === undefined ? 'boolean' : 'string', multiple: true } as const,
    ]),
  )
  const parsed = parse(words, options)
  const { least, most } = command.positionals
  const count = parsed.positionals.length
  if (count < least || count > most) {
    const wanted =
      least === most ? String(least) : `${least} to ${most === Number.POSITIVE_INFINITY ? 'any number' : most}`
    throw new UsageError(`expected ${wanted} argument${wanted === '1' ? '' : 's'}, got ${count}`)
  }
  const all = (flag: string) =>
    (parsed.values[flag] ?? []).filter((value): value is string => typeof value === 'string')
  return {
    positionals: parsed.positionals,
    all,
    text: (flag) => all(flag).at(-1) ?? command.flags[flag]?.default,
    has: (flag) => parsed.values[flag] !== undefined,
  }
}

function parse(words: readonly string[], options: Record<string, { type: 'boolean' | 'string'; multiple: true }>) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

export function help(command: Command): string {
  const flags = Object.entries(command.flags).map(([name, flag]) => {
    const left = `--${name}${flag.value === undefined ? '' : ` ${flag.value}`}`
    return `  ${left.padEnd(26)} ${flag.help}${flag.default === undefined ? '' : ` (default ${flag.default})`}`
  })
  const examples = command.examples.map(([line, meaning]) => `  # ${meaning}\n  ringcheck ${line}`)
  return [
    `Usage: ringcheck ${command.name} ${command.usage}`,
    '',
    command.description,
    ...(flags.length > 0 ? ['', 'Flags:', ...flags] : []),
    '',
    'Examples:',
    ...examples,
    '',
  ].join('\n')
}

/** The value of a flag that has but these. @throws UsageError */
export function oneOf<Value extends string>(words: Words, flag: string, allowed: readonly Value[]): Value {
  const text = words.text(flag)
  const found = allowed.find((value) => value === text)
  if (found === undefined) throw new UsageError(`--${flag} ${text}: allowed are ${allowed.join(', ')}`)
  return found
}
