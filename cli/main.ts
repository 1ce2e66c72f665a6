#!/usr/bin/env node
/** The `ringcheck` command: finds the command that was named and turns what it returns into an exit code. */
import type { Command, Terminal } from './command.ts'
import { UsageError, help, readWords } from './command.ts'
import { commands } from './commands/index.ts'
import { USAGE } from './exit.ts'
import { VERSION } from './version.ts'

function overview(): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`)
  return [
    'ringcheck places real SIP calls, measures what a caller hears, and says whether it works.',
    '',
    'Usage: ringcheck COMMAND [flags]',
    '',
    'Commands:',
    ...lines,
    '',
    'Exit codes: 0 Healthy, 1 Unhealthy, 2 Unknown, 3 usage or API error, 4 Degraded; validate: 0 valid, 1 invalid.',
    'ringcheck COMMAND --help shows the flags and examples of a command.',
    '',
  ].join('\n')
}

/** Runs one command line; every expected error is a message and an exit code. */
export async function main(words: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = words
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    terminal.out(overview())
    return name === undefined ? USAGE : 0
  }
  if (name === '--version') {
    terminal.out(`${VERSION}\n`)
    return 0
  }
  const entry = commands.find((candidate) => candidate.name === name)
  if (!entry) {
    terminal.err(`ringcheck: there is no command ${name}; there are: ${commands.map((each) => each.name).join(', ')}\n`)
    return USAGE
  }
  const command = await entry.load()
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(help(command))
    return 0
  }
  return execute(command, rest, terminal)
}

async function execute(command: Command, words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await command.run(readWords(command, words), terminal)
  } catch (error) {
    if (!(error instanceof Error)) throw error
    terminal.err(`ringcheck ${command.name}: ${error.message}\n`)
    if (error instanceof UsageError)
      terminal.err(`Usage: ringcheck ${command.name} ${command.usage}\nringcheck ${command.name} --help shows more.\n`)
    return USAGE
  }
}

function processTerminal(): Terminal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  // A reader that went away (| head) is no fault of ours.
  process.stdout.on('error', () => stop.abort())
  const interactive = process.stdout.isTTY === true
  const environment = process.env // oxlint-disable-line node/no-process-env -- the one place that reads the environment
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive,
    colours: interactive && environment['NO_COLOR'] === undefined,
    signal: stop.signal,
    environment,
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), processTerminal())
