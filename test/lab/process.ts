/** Runs a real peer as a child process and sees to it that it ends, whatever happens to the test; knows nothing of what the peer speaks. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { commandPath } from './requirements.ts'

export interface Ending {
  /** Exit code, or null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ChildOptions {
  /** A command of the lab, or the path of a program. */
  readonly command: string
  readonly arguments: readonly string[]
  /** Working folder; its log is written there as `<name>.log`. */
  readonly folder: string
  /** What it is called in messages. Default: that of the program. */
  readonly name?: string
  readonly environment?: Readonly<Record<string, string>>
  /** One try of the peer's own protocol (what it logged so far is given): true when it answered. Asked again until it did. */
  readonly ready?: (log: string) => boolean | Promise<boolean>
  /** How long it may take until `ready` says so, milliseconds. */
  readonly readyWithin?: number
}

export interface Child extends AsyncDisposable {
  readonly pid: number
  readonly ended: Promise<Ending>
  readonly running: boolean
  /** All it wrote to standard output and error since its start. */
  log(): string
  /** SIGTERM, and after 3 s SIGKILL to the whole group; returns when it has ended. May be called again. */
  stop(): Promise<Ending>
  /** SIGKILL to the whole group, children of the child included: a crash. */
  kill(): Promise<Ending>
}

const PATIENCE = 3_000

/** Starts a child and returns when it is ready; when it ends before that, or is never ready, throws with its log. */
export async function start(options: ChildOptions): Promise<Child> {
  const { name = basename(options.command) } = options
  const logFile = join(options.folder, `${name}.log`)
  const output = openSync(logFile, 'a')
  const child = spawn(commandPath(options.command), options.arguments, {
    cwd: options.folder,
    env: { ...process.env, ...options.environment },
    // A group of its own, so that the children of the child can be ended with it.
    detached: true,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  const guard = guardOf(pid)
  const ended = new Promise<Ending>((resolve) => {
    child.once('exit', (code, signal) => {
      // What it left behind of its group goes as well.
      signalGroup(pid, 'SIGKILL')
      guard.release()
      resolve({ code, signal })
    })
  })
  const running = () => child.exitCode === null && child.signalCode === null

  const handle: Child = {
    pid,
    ended,
    get running() {
      return running()
    },
    log: () => readFileSync(logFile, 'utf8'),
    async stop() {
      if (running()) child.kill('SIGTERM')
      const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), PATIENCE)
      try {
        return await ended
      } finally {
        clearTimeout(timer)
      }
    },
    async kill() {
      if (running()) signalGroup(pid, 'SIGKILL')
      return await ended
    },
    async [Symbol.asyncDispose]() {
      await this.stop()
    },
  }

  try {
    await until(
      async () => {
        if (!running()) throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}`)
        return (await options.ready?.(handle.log())) ?? true
      },
      { what: `${name} is ready`, within: options.readyWithin ?? 15_000 },
    )
  } catch (cause) {
    const log = handle.log()
    await handle.kill()
    throw new Error(`${name} did not start:\n${log.slice(-4_000)}`, { cause })
  }
  return handle
}

/** Asks until the answer is yes; throws when it was not within `within` milliseconds. */
export async function until(
  question: () => boolean | Promise<boolean>,
  { what, within = 10_000 }: { what: string; within?: number },
): Promise<void> {
  const deadline = performance.now() + within
  while (!(await question())) {
    if (performance.now() > deadline) throw new Error(`waited ${within} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** A folder that goes when it is disposed of. */
export function temporaryFolder(name: string): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), `ringcheck-${name}-`))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // ESRCH: nobody is left in the group.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/**
 * Ends the group when this process ends without having done it, even by SIGKILL: the guard waits on a pipe that the kernel closes
 * with us. Anything else (an `exit` listener, a signal handler) does not survive the ways in which test workers end.
 */
export function guardOf(pid: number): { release(): void } {
  const guard = spawn('/bin/sh', ['-c', 'read -r word; [ "$word" = released ] || kill -s KILL -- "-$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  return { release: () => void guard.stdin.end('released\n') }
}
