/** A real PostgreSQL on loopback with an empty database for whoever asks; its data goes when it is disposed of. */
import { execFileSync } from 'node:child_process'
import { chownSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { freePort } from './ports.ts'
import type { Child } from './process.ts'
import { start, temporaryFolder } from './process.ts'
import { commandPath } from './requirements.ts'

export interface Postgres extends AsyncDisposable {
  /** URL of a new empty database. */
  database(): Promise<string>
  /** Runs one of its programs (`pg_dump`, ...); throws with what it said when it fails. */
  run(program: string, words: readonly string[]): void
  /** As its administrator stops it: connections are cut, what was committed is on the disk. */
  stop(): Promise<void>
  /** SIGKILL: a crash. */
  kill(): Promise<void>
  /** Again on the same port and the same data. */
  start(): Promise<void>
  /** It takes connections and answers nothing until `thaw`. */
  freeze(): void
  thaw(): void
}

const USER = 'ringcheck'
const PASSWORD = 'pw-lab'
/** PostgreSQL refuses to run as root; `nobody` has this number everywhere. */
const NOBODY = 65_534

export async function postgres(): Promise<Postgres> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('postgres')).path
  const asRoot = process.getuid?.() === 0
  if (asRoot) chownSync(folder, NOBODY, NOBODY)
  const other = asRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : []
  const programs = binaries()
  const data = join(folder, 'data')
  const password = join(folder, 'password')
  writeFileSync(password, PASSWORD)
  if (asRoot) chownSync(password, NOBODY, NOBODY)
  execFileSync(
    commandPath('setpriv'),
    [
      ...[...other, join(programs, 'initdb'), '-D', data, '-U', USER, `--pwfile=${password}`],
      ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const port = await freePort()
  const url = (name: string) => `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/${name}`
  // No test pulls the plug of the machine: without fsync what was committed outlives the process all the same.
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off']
  const run = () =>
    start({
      command: 'setpriv',
      arguments: [...other, join(programs, 'postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting])],
      folder,
      ready: () => answers(url('postgres')),
      readyWithin: 30_000,
    })
  let child: Child = await run()
  stack.defer(async () => void (await child.kill()))
  let databases = 0
  const owned = stack.move()
  return {
    async database() {
      const name = `history_${++databases}`
      await ask(url('postgres'), `create database ${name}`)
      return url(name)
    },
    run(program, words) {
      execFileSync(join(programs, program), words, { stdio: ['ignore', 'ignore', 'pipe'] })
    },
    async stop() {
      // "Fast shutdown": SIGTERM would wait for every connection to end by itself.
      process.kill(child.pid, 'SIGINT')
      await child.ended
    },
    async kill() {
      for (const each of family(child.pid)) process.kill(each, 'SIGKILL')
      await child.ended
    },
    async start() {
      child = await run()
    },
    freeze() {
      for (const each of family(child.pid)) process.kill(each, 'SIGSTOP')
    },
    thaw() {
      for (const each of family(child.pid)) process.kill(each, 'SIGCONT')
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The server and its processes, each of which has a group of its own. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}

/** Debian keeps them off the PATH, by version. */
function binaries(): string {
  const found = globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().at(-1)
  if (found === undefined) throw new Error('PostgreSQL is not installed: run "make lab"')
  return dirname(found)
}

async function ask(url: string, question: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(question)
  } finally {
    await client.end()
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await ask(url, 'select 1')
    return true
  } catch {
    return false
  }
}
