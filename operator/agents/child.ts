/** One agent as a child process: it is given its certificate over IPC, says its port, and is started again when it dies. */
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import type { Clock } from '../../lib/clock.ts'
import { sleep } from '../../lib/clock.ts'
import type { BackoffLimits } from '../../lib/backoff.ts'
import { backoff } from '../../lib/backoff.ts'
import type { Log, LogLevel } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { AgentListening, createAgentClient } from '../../agent/api/index.ts'
import type { AgentSettings } from '../../agent/api/index.ts'
import type { Authority, Identity } from './certificates.ts'
import type { ReadyAgent } from './execution.ts'

export interface AgentChildOptions {
  name: string
  authority: Authority
  /** Ours, with which we come to the agent. */
  client: Identity
  clock: Clock
  random: Random
  log: Log
  /** A file whose command `agent` calls `runAgent`. */
  entry: string
  agentLog: { level?: LogLevel; pretty?: boolean }
}

const HOST = '127.0.0.1'
const RESTART: BackoffLimits = { first: 200, longest: 30_000 }
/** A child that lived so long was not broken from the start: the next one comes quickly again. Milliseconds. */
const STEADY = 60_000
/** Milliseconds from the fork to its port. */
const READY_WITHIN = 15_000
/** It hangs up and unregisters within 5 s; then it is no longer asked. */
const EXIT_WITHIN = 8000

export class AgentChild implements AsyncDisposable {
  readonly #options: AgentChildOptions
  readonly #stopping = new AbortController()
  readonly #attempted = Promise.withResolvers<void>()
  #process: ChildProcess | undefined
  #ready: ReadyAgent | undefined
  #life: Promise<void> = Promise.resolve()

  constructor(options: AgentChildOptions) {
    this.#options = options
  }

  /** @param onReady called each time it takes plans (again) */
  start(onReady: () => void): void {
    this.#life = this.#live(onReady)
  }

  /** Takes plans now. */
  get ready(): ReadyAgent | undefined {
    return this.#ready?.gone.aborted ? undefined : this.#ready
  }

  /** Resolves when it became ready or failed for the first time. */
  get attempted(): Promise<void> {
    return this.#attempted.promise
  }

  /** SIGTERM; SIGKILL when it does not go. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#process?.kill('SIGTERM')
    using _ = this.#options.clock.timer(EXIT_WITHIN, () => {
      this.#options.log.warn({}, 'the agent does not go, it is killed')
      this.#process?.kill('SIGKILL')
    })
    await this.#life
  }

  async #live(onReady: () => void): Promise<void> {
    const { clock, random, log } = this.#options
    let failures = 0
    while (!this.#stopping.signal.aborted) {
      const began = clock.monotonic()
      const how = await this.#once(onReady)
      this.#attempted.resolve()
      if (this.#stopping.signal.aborted) return
      failures = clock.monotonic() - began > STEADY ? 1 : failures + 1
      const delay = backoff(failures, RESTART, random)
      log.warn({ how, failures, delay: Math.round(delay) }, 'the agent is gone, it is started again')
      await sleep(clock, delay, this.#stopping.signal)
    }
  }

  /** One process from its start to its end; tells how it ended. */
  async #once(onReady: () => void): Promise<string> {
    const { entry, clock, log } = this.#options
    const child = fork(entry, ['agent'], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#process = child
    const gone = new AbortController()
    const ended = exitOf(child).finally(() => gone.abort())
    try {
      using _ = clock.timer(READY_WITHIN, () => void (this.#ready ?? child.kill('SIGKILL')))
      const port = await this.#introduce(child, gone.signal)
      if (port === undefined) {
        child.kill('SIGKILL')
        return await ended
      }
      await using client = createAgentClient({ ...this.#identity(), url: `https://${HOST}:${port}` })
      this.#ready = { name: this.#options.name, client, gone: gone.signal }
      log.info({ agentPid: child.pid, port }, 'the agent is ready')
      this.#attempted.resolve()
      onReady()
      return await ended
    } finally {
      this.#ready = undefined
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      this.#process = undefined
    }
  }

  #identity() {
    const { authority, client, clock, random } = this.#options
    const credentials = { ca: authority.ca, ...client }
    return { credentials: () => credentials, clock, random }
  }

  /** Hands over its certificate and waits for its port; undefined: it ended before. */
  async #introduce(child: ChildProcess, gone: AbortSignal): Promise<number | undefined> {
    const { authority, name, agentLog } = this.#options
    const identity = await authority.issueServer(name, [HOST])
    const settings: AgentSettings = { ...identity, ca: authority.ca, host: HOST, name, ...agentLog }
    const ended = Promise.withResolvers<undefined>()
    gone.addEventListener('abort', () => ended.resolve(undefined), { once: true })
    // It may have ended while its certificate was made.
    if (gone.aborted) return undefined
    const answer = Promise.withResolvers<unknown>()
    child.once('message', answer.resolve)
    // That it cannot be sent is told by the child's end.
    child.send(settings, () => {})
    const listening = AgentListening.safeParse(await Promise.race([answer.promise, ended.promise]))
    return listening.data?.port
  }
}

async function exitOf(child: ChildProcess): Promise<string> {
  const ended = Promise.withResolvers<string>()
  child.once('exit', (code, signal) => ended.resolve(signal ?? `exit code ${code}`))
  child.once('error', (error) => ended.resolve(error.message))
  return await ended.promise
}
