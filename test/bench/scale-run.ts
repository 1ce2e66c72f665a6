/** One size of the bench of many probes: the operator, two agents outside of the cluster, the responder and an API server, each a process of its own. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../cli/terminal.fixture.ts'
import { GROUP, VERSION } from '../../crds/index.ts'
import { loadKubeConfig, openKubeClient } from '../../operator/cluster/kubernetes/index.ts'
import type { Cluster } from '../kube/cluster.ts'
import { startCluster } from '../kube/cluster.ts'
import type { RunningOperator } from '../kube/ringcheck-operator.ts'
import { ringcheckOperator } from '../kube/ringcheck-operator.ts'
import { freePort } from '../lab/ports.ts'
import type { Child } from '../lab/process.ts'
import { start, temporaryFolder, until } from '../lab/process.ts'
import { processorTime } from './process.ts'
import { pause } from './reporting.ts'
import { percentile } from './statistics.ts'

export interface Scale {
  /** Milliseconds from the start of the process until everything that is declared is known, after a restart. */
  readonly startUp: number
  /** Bytes, at the end of the window, and the most since the start (proc(5): VmRSS, VmHWM). */
  readonly resident: number
  readonly peak: number
  /** Of one core, 0 to 1, in the window; Prometheus scrapes in it. */
  readonly processor: number
  /** Milliseconds from the slot to the dispatch, of the rounds in the window. */
  readonly lag: { readonly p50: number; readonly p99: number; readonly most: number; readonly rounds: number }
  /** Milliseconds from the call of kubectl until a new probe was called. */
  readonly applied: number
}

const ENTRY = join(import.meta.dirname, '../../cli/main.ts')
const AGENTS = 2
/** What was due while the operator was away is over then. */
const SETTLE = 40_000
const SCRAPE_EVERY = 30_000
/** Requests at once that declare probes. */
const CONNECTIONS = 16

export async function scaleOf(probes: number, seconds: number, say: (text: string) => void): Promise<Scale> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('scale')).path
  const cluster = stack.use(await startCluster({ level: 'api' }))
  await cluster.installCrds()
  const port = await freePort()
  stack.use(await ringcheck(folder, 'responder', ['respond', '--listen', `127.0.0.1:${port}`], 'responder on'))
  const agents: Array<{ url: string }> = []
  for (let index = 0; index < AGENTS; index++) {
    const tls = join(folder, `agent-${index}`)
    await run('agent', 'enroll', '127.0.0.1', '--out', tls, '--namespace=default', '--kubeconfig', cluster.kubeconfig)
    const [api, admin] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    const words = ['agent', '--tls', tls, '--listen', api, '--admin', admin]
    stack.use(await ringcheck(folder, `agent-${index}`, words, 'takes plans'))
    agents.push({ url: `https://${api}` })
  }
  await cluster.kubectl.with(registrar(port), 'apply', '--filename', '-')
  await declare(cluster, probes)
  say(`${probes} probes are declared`)

  const environment = { RINGCHECK_IMAGE: 'localhost/ringcheck:none' }
  const options = {
    folder,
    kubeconfig: cluster.kubeconfig,
    name: 'operator',
    config: { locations: { default: { agents } } },
    environment,
  }
  {
    await using first = await ringcheckOperator(options)
    const isOver = async () => {
      await pause(2_000)
      return (await rounds(first)).size === probes
    }
    await until(isOver, { what: 'each was called once', within: 600_000 })
  }
  say('each was called once')
  const began = performance.now()
  await using operator = await ringcheckOperator(options)
  const startUp = performance.now() - began
  await pause(SETTLE)
  const before = { at: Date.now(), processor: processorTime(operator) }
  for (let scraped = 0; scraped < seconds * 1000; scraped += SCRAPE_EVERY) {
    await operator.metrics()
    await pause(Math.min(SCRAPE_EVERY, seconds * 1000 - scraped))
  }
  const took = Date.now() - before.at
  const processor = (processorTime(operator) - before.processor) / 1000 / took
  const memory = readFileSync(`/proc/${operator.pid}/status`, 'utf8')
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(memory)?.[1]) * 1024
  const lags = [...(await rounds(operator)).values()].flatMap(({ at, lag }) => (at >= before.at ? [lag] : []))
  const sorted = lags.toSorted((one, other) => one - other)
  return {
    startUp,
    resident: bytes('VmRSS'),
    peak: bytes('VmHWM'),
    processor,
    lag: {
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      most: sorted.at(-1) ?? NaN,
      rounds: sorted.length,
    },
    applied: await timeToCall(cluster),
  }
}

function ringcheck(folder: string, name: string, words: readonly string[], ready: string): Promise<Child> {
  return start({
    ...{ command: process.execPath, name, folder, arguments: [ENTRY, ...words], readyWithin: 60_000 },
    ready: (log) => log.includes(ready),
  })
}

/** The last round of each probe: when it ended, and how late it began. Milliseconds. */
async function rounds(operator: RunningOperator): Promise<Map<string, { at: number; lag: number }>> {
  const text = await operator.metrics()
  const values = (series: string) =>
    new Map(
      [...text.matchAll(new RegExp(`^${series}{[^}]*probe="([^"]+)"} (.*)$`, 'gm'))].map(
        ([, name = '', value]) => [name, Number(value) * 1000] as const,
      ),
    )
  const lags = values('ringcheck_probe_schedule_lag_seconds')
  const ended = values('ringcheck_probe_last_execution_timestamp_seconds')
  return new Map([...ended].map(([name, at]) => [name, { at, lag: lags.get(name) ?? NaN }]))
}

const registrar = (port: number) => `
apiVersion: ${GROUP}/${VERSION}
kind: SipRegistrar
metadata: { name: pbx, namespace: default }
spec: { domain: 127.0.0.1, port: ${port}, register: false }
`

const probe = (name: string) => ({
  apiVersion: `${GROUP}/${VERSION}`,
  kind: 'SipProbe',
  metadata: { name, namespace: 'default' },
  spec: { registrarRef: { name: 'pbx' }, target: 'sip:echo@127.0.0.1', check: 'Options', schedule: { interval: '5m' } },
})

/** kubectl would take minutes for thousands. */
async function declare({ kubeconfig }: Cluster, count: number): Promise<void> {
  await using client = await openKubeClient({
    config: loadKubeConfig(kubeconfig),
    connections: CONNECTIONS,
    timeout: 30_000,
  })
  const where = { group: GROUP, version: VERSION, namespace: 'default', plural: 'sipprobes' }
  const names = Array.from({ length: count }, (_, index) => `probe-${index}`).values()
  const work = async () => {
    for (const name of names) await client.objects.createNamespacedCustomObject({ ...where, body: probe(name) })
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, work))
}

async function timeToCall({ kubectl }: Cluster): Promise<number> {
  const began = Date.now()
  await kubectl.with(JSON.stringify(probe('late')), 'apply', '--filename', '-')
  await kubectl('wait', '--for=jsonpath={.status.lastExecution.startedAt}', 'sipprobe/late', '--timeout=60s')
  const called = await kubectl('get', 'sipprobe', 'late', '--output', 'jsonpath={.status.lastExecution.startedAt}')
  return Date.parse(called) - began
}
