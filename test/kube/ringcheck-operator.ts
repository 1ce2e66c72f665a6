/** Runs the product itself as a pod does, `ringcheck operator`, against a real API server, with agents as its children where no image is named for them. It decides nothing. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../lab/ports.ts'
import type { Child } from '../lab/process.ts'
import { start } from '../lab/process.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Milliseconds: of ten thousand probes the text is long. */
const SCRAPED_WITHIN = 30_000

export interface RunningOperator extends Child {
  /** Of the REST API, without a path. */
  readonly url: string
  /** `data` of the answer of `/api/v1` + path. */
  get<Data>(path: string): Promise<Data>
  /** The Prometheus text. */
  metrics(): Promise<string>
  /** Of `/readyz`, or undefined when nobody answers. */
  readiness(): Promise<number | undefined>
}

/** Returns when it is ready. */
export async function ringcheckOperator(options: {
  folder: string
  kubeconfig: string
  /** Of its pod. One that ended may start again. */
  name: string
  /** More of its configuration. */
  config?: object
  /** Beside that of the tests. */
  environment?: Readonly<Record<string, string>>
  /** A program that becomes the operator, and its words. */
  under?: readonly string[]
}): Promise<RunningOperator> {
  const { kubeconfig, name } = options
  const folder = join(options.folder, name)
  mkdirSync(folder, { recursive: true })
  const admin = `127.0.0.1:${await freePort()}`
  const config = join(folder, 'config.yaml')
  const pages = `127.0.0.1:${await freePort()}`
  const api = `127.0.0.1:${await freePort()}`
  const agents = options.environment?.['RINGCHECK_IMAGE'] === undefined ? 'Children' : 'Pods'
  writeFileSync(config, JSON.stringify({ admin, pages, api, data: folder, agents, ...options.config }))
  const ask = (path: string, within = 2_000) => fetch(`http://${admin}${path}`, { signal: AbortSignal.timeout(within) })
  async function get<Data>(path: string): Promise<Data> {
    const response = await fetch(`http://${api}/api/v1${path}`, { signal: AbortSignal.timeout(10_000) })
    const text = await response.text()
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${text}`)
    return (JSON.parse(text) as { data: Data }).data
  }
  const readiness = async () => (await ask('/readyz').catch(() => undefined))?.status
  const words = [process.execPath, join(ROOT, 'cli/main.ts'), 'operator', '--config', config]
  const [command = '', ...rest] = [...(options.under ?? []), ...words]
  const child = await start({
    command,
    name,
    arguments: rest,
    folder,
    environment: { KUBECONFIG: kubeconfig, POD_NAME: name, POD_NAMESPACE: 'default', ...options.environment },
    ready: async () => (await readiness()) === 200,
    readyWithin: 60_000,
  })
  // Its log and whether it runs are read when they are asked for.
  return Object.assign(child, {
    url: `http://${api}`,
    metrics: async () => (await ask('/metrics', SCRAPED_WITHIN)).text(),
    readiness,
    get,
  })
}
