/** What others say of an operator with many probes: its own series, the API server, the kernel and the store. It judges nothing. */
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Cluster } from '../kube/cluster.ts'
import type { RunningOperator } from '../kube/ringcheck-operator.ts'

export interface Scrape {
  /** Milliseconds until the whole text was there. */
  readonly took: number
  /** Lines with a number. */
  readonly series: number
  /** The last round of each probe: when it ended, and how late it began. Milliseconds. */
  readonly rounds: ReadonlyMap<string, { readonly at: number; readonly lag: number }>
}

/** As Prometheus does it, with gzip. */
export async function scrape(operator: RunningOperator): Promise<Scrape> {
  const began = performance.now()
  const text = await operator.metrics()
  const took = performance.now() - began
  const lags = valuesOf(text, 'ringcheck_probe_schedule_lag_seconds')
  const ended = valuesOf(text, 'ringcheck_probe_last_execution_timestamp_seconds')
  const rounds = new Map([...ended].map(([name, at]) => [name, { at, lag: lags.get(name) ?? NaN }]))
  return { took, series: text.match(/^[a-z]/gm)?.length ?? 0, rounds }
}

const valuesOf = (text: string, series: string) =>
  new Map(
    [...text.matchAll(new RegExp(`^${series}{[^}]*probe="([^"]+)"} (.*)$`, 'gm'))].map(
      ([, name = '', value]) => [name, Number(value) * 1000] as const,
    ),
  )

const READS: ReadonlySet<string | undefined> = new Set(['GET', 'LIST', 'WATCH', 'WATCHLIST'])

/** How many requests so far wrote a probe or its status, and how many told an Event. */
export interface Writes {
  readonly probes: number
  readonly events: number
}

/** As the API server counts them. */
export async function writes({ kubectl }: Cluster): Promise<Writes> {
  const text = await kubectl('get', '--raw', '/metrics')
  const requests = [...text.matchAll(/^apiserver_request_total{(.*)} (\S+)$/gm)].map(([, labels = '', count]) => {
    const of = (label: string) => new RegExp(`${label}="(\\w+)"`).exec(labels)?.[1]
    return { resource: of('resource'), isRead: READS.has(of('verb')), count: Number(count) }
  })
  const sum = (resource: string) =>
    requests.reduce((sum, each) => (each.resource === resource && !each.isRead ? sum + each.count : sum), 0)
  return { probes: sum('sipprobes'), events: sum('events') }
}

/** Bytes of memory that are resident now, and at most since the start (proc(5): VmRSS, VmHWM). */
export function memory({ pid }: RunningOperator): { resident: number; peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024
  return { resident: bytes('VmRSS'), peak: bytes('VmHWM') }
}

/** Bytes that one execution adds to the store, with its trace and its place in the indexes. */
export function storeGrowth(file: string): number {
  using database = new DatabaseSync(file, { readOnly: true })
  const number = (text: string) => Number(Object.values(database.prepare(text).get() ?? {})[0])
  const pages = `select sum(pgsize) from dbstat join sqlite_schema using (name) where tbl_name in ('executions', 'samples', 'traces')`
  return number(pages) / number('select count(*) from executions')
}
