/** Processes of the bench, pinned to a core, and what the kernel says that they used; each ends with the bench, however that ends. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, start, temporaryFolder, until } from '../lab/process.ts'

/** The peer has a core to itself, and so has what is measured. */
export type Core = 'Peer' | 'Measured'

const CORES: Record<Core, string> = { Peer: '0', Measured: '1' }

export interface Command {
  readonly core: Core
  readonly command: string
  readonly arguments: readonly string[]
  readonly ready?: (log: string) => boolean
}

export interface Pinned extends AsyncDisposable {
  readonly child: Child
  readonly folder: string
}

export async function pinned({ core, command, arguments: rest, ready }: Command): Promise<Pinned> {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(temporaryFolder('bench'))
  const child = await start({
    // It replaces itself with the command: the process id stays.
    command: 'taskset',
    arguments: ['-c', CORES[core], command, ...rest],
    folder: path,
    ...(ready && { ready }),
  })
  stack.use(child)
  const owned = stack.move()
  return { child, folder: path, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** One of the programs beside this file. Traces of half a minute of calls at full speed need more than Node's own limit. */
export function program(core: Core, name: string, rest: readonly string[], ready?: string): Promise<Pinned> {
  return pinned({
    core,
    command: process.execPath,
    arguments: ['--expose-gc', '--max-old-space-size=8192', join(import.meta.dirname, name), ...rest],
    ...(ready !== undefined && { ready: (log) => lines(log, ready).length > 0 }),
  })
}

export type Line = Record<string, unknown>

/** What a program reported under the name of this event. */
export function lines(log: string, event: string): Line[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith(`{"event":"${event}"`) && line.endsWith('}'))
    .map((line): Line => JSON.parse(line))
}

/** Waits for the `count`th line of an event; throws when the program ends without it. */
export async function line(child: Child, event: string, { count = 1, within }: { count?: number; within: number }) {
  await until(
    () => {
      if (lines(child.log(), event).length >= count) return true
      if (!child.running) throw new Error(`a program of the bench ended early:\n${child.log().slice(-2_000)}`)
      return false
    },
    { what: `a program of the bench reports ${event}`, within: within * 1000 },
  )
  return lines(child.log(), event)[count - 1] ?? {}
}

export function number(line: Line, name: string): number {
  const value = line[name]
  // What cannot be said in JSON, as the percentile of nothing.
  if (value === null) return NaN
  if (typeof value !== 'number') throw new Error(`no number ${name} in ${JSON.stringify(line)}`)
  return value
}

const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** User and system time of a process so far, microseconds (proc_pid_stat(5): fields 14 and 15). */
export function processorTime(child: Child): number {
  if (!child.running) throw new Error(`a process of the bench ended early:\n${child.log().slice(-2_000)}`)
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6
}
