/** Runs the product itself as its users do, `ringcheck serve` over a folder of manifests, and reads what it says; it decides nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import { guardOf, until } from './process.ts'

const ROOT = join(import.meta.dirname, '../..')

export interface ServeOptions {
  /** Folder of manifests. */
  folder: string
  /** Folder of the history store and of the log. */
  data: string
  /** Beside that of the tests. */
  environment?: Readonly<Record<string, string>>
}

export interface ProbeView {
  metadata: { uid: string; generation: number }
  status: {
    health: string
    reason: string
    message: string
    sequence: number
    transitions: Array<{ sequence: number; from: string; to: string; at: string; reason: string }>
    lastExecution?: { id: string; finishedAt: string; metrics: Record<string, number>; notMeasured: string[] }
    conditions: Array<{ type: string; status: string; reason: string; message: string }>
  } | null
}

export interface Ringcheck extends AsyncDisposable {
  /** Starts again after `kill`, on the same ports and data. */
  start(): Promise<void>
  /** `data` of the answer of `/api/v1` + path. */
  get<Data>(path: string): Promise<Data>
  /** Text of `/api/v1` + path, and its status. */
  fetch(path: string, init?: RequestInit): Promise<{ status: number; text: string }>
  probe(name: string): Promise<ProbeView>
  /** Waits until the probe's status is as asked. */
  becomes(
    name: string,
    what: string,
    matches: (status: NonNullable<ProbeView['status']>) => boolean,
    within: number,
  ): Promise<NonNullable<ProbeView['status']>>
  metrics(): Promise<string>
  page(path: string): Promise<string>
  readonly urls: { api: string; pages: string; admin: string }
  readonly pid: number
  readonly running: boolean
  /** SIGKILL to this process alone, as an out-of-memory kill does: its agents must notice by themselves. */
  kill(): Promise<void>
  /** SIGTERM; resolves to the exit code and the milliseconds it took. */
  stop(): Promise<{ code: number | null; milliseconds: number }>
  log(): string
}

/** Starts it and returns when its API answers. */
export async function ringcheck({ folder, data, environment }: ServeOptions): Promise<Ringcheck> {
  const ports = { api: await freePort(), pages: await freePort(), admin: await freePort() }
  const urls = {
    api: `http://127.0.0.1:${ports.api}`,
    pages: `http://127.0.0.1:${ports.pages}`,
    admin: `http://127.0.0.1:${ports.admin}`,
  }
  const logFile = join(data, 'serve.log')
  let child: ReturnType<typeof spawn> | undefined
  let guard: ReturnType<typeof guardOf> | undefined
  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null

  async function text(url: string, init?: RequestInit): Promise<{ status: number; text: string }> {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) })
    return { status: response.status, text: await response.text() }
  }
  const answers = async () => (await text(`${urls.admin}/readyz`).catch(() => undefined))?.status === 200

  const product: Ringcheck = {
    urls,
    get pid() {
      return child?.pid ?? 0
    },
    get running() {
      return running()
    },
    async start() {
      const output = openSync(logFile, 'a')
      const flags = Object.entries(ports).flatMap(([name, port]) => [`--${name}`, `127.0.0.1:${port}`])
      child = spawn(process.execPath, [join(ROOT, 'cli/main.ts'), 'serve', folder, '--data', data, ...flags], {
        stdio: ['ignore', output, output],
        env: { ...process.env, ...environment },
        // A group of its own, its agents in it, that ends when the test process does.
        detached: true,
      })
      closeSync(output)
      guard?.release()
      guard = guardOf(child.pid ?? 0)
      await until(() => !running() || answers(), { what: 'ringcheck serve to be ready', within: 20_000 })
      if (!running()) throw new Error(`ringcheck serve ended at its start:\n${product.log()}`)
    },
    fetch: (path, init) => text(`${urls.api}/api/v1${path}`, init),
    async get<Data>(path: string) {
      const answer = await product.fetch(path)
      if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.text}`)
      return (JSON.parse(answer.text) as { data: Data }).data
    },
    probe: (name) => product.get<ProbeView>(`/projects/default/probes/${name}`),
    async becomes(name, what, matches, within) {
      let last: ProbeView['status'] = null
      const looked = async () => {
        const answer = await product.fetch(`/projects/default/probes/${name}`)
        if (answer.status !== 200) return false
        last = (JSON.parse(answer.text) as { data: ProbeView }).data.status ?? null
        return last !== null && matches(last)
      }
      await until(looked, { what: `${name} to be ${what}`, within }).catch((cause: unknown) => {
        throw new Error(`${String(cause)}; it is ${JSON.stringify(last)}`, { cause })
      })
      return last ?? Promise.reject(new Error('no status'))
    },
    metrics: async () => (await text(`${urls.admin}/metrics`)).text,
    page: async (path) => (await text(`${urls.pages}${path}`)).text,
    async kill() {
      if (!child || !running()) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    async stop() {
      const started = performance.now()
      if (child && running()) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      return { code: child?.exitCode ?? null, milliseconds: performance.now() - started }
    },
    log: () => readFileSync(logFile, 'utf8'),
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => child?.kill('SIGKILL'), 15_000)
      await product.stop()
      clearTimeout(timer)
      guard?.release()
    },
  }
  await product.start()
  return product
}
