/** One size of the bench of many probes: the operator, two agents outside of the cluster, the responder and an API server, each a process of its own. */
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { run } from '../../cli/terminal.fixture.ts'
import type { Cluster } from '../kube/cluster.ts'
import { startCluster } from '../kube/cluster.ts'
import type { RunningOperator } from '../kube/ringcheck-operator.ts'
import { ringcheckOperator } from '../kube/ringcheck-operator.ts'
import { freePort } from '../lab/ports.ts'
import type { Child } from '../lab/process.ts'
import { start, temporaryFolder } from '../lab/process.ts'
import { processorTime } from './process.ts'
import { pause } from './reporting.ts'
import { declare, pauseAll, registrar, timeToCall } from './scale-probes.ts'
import { memory, scrape, storeGrowth, writes } from './scale-readings.ts'
import type { Writes } from './scale-readings.ts'
import { percentile } from './statistics.ts'

export interface Scale {
  /** Milliseconds from the start of the process until everything that is declared is known, after a restart. */
  readonly startUp: number
  /** Bytes, at the end of the window, and the most since the start. */
  readonly resident: number
  readonly peak: number
  /** Of one core, 0 to 1, in the window; Prometheus scrapes in it. */
  readonly processor: number
  /** Milliseconds from the slot to the dispatch, of the rounds in the window. */
  readonly lag: { readonly p50: number; readonly p99: number; readonly most: number; readonly rounds: number }
  /** Milliseconds of the slowest scrape in the window. */
  readonly scrape: number
  readonly seriesPerProbe: number
  /** Requests in the window that wrote the status of a probe, and that told an Event, for each execution in it. */
  readonly writesPerExecution: Writes
  /** Bytes. */
  readonly storePerExecution: number
  /** Milliseconds from the call of kubectl until a new probe was called. */
  readonly applied: number
  /** Requests that wrote anything of a probe while all of them were paused. */
  readonly idleWrites: number
  /** Of the machine in the window, of which our own is a part. */
  readonly load: number
}

/** What Node takes by itself in a pod with the chart's limit of memory, 1Gi: on a machine that has more it would collect later. */
const HEAP = '--max-old-space-size=512 --max-semi-space-size=8'
const ENTRY = join(import.meta.dirname, '../../cli/main.ts')
const AGENTS = 2
/** What was due while the operator was away is over then. */
const SETTLE = 40_000
const SCRAPE_EVERY = 30_000
/** Longer than a probe is left alone. */
const IDLE = 70_000
const LOOK_EVERY = 5_000
/** All of them once; on a machine that is busy with other things too. */
const CALLED_WITHIN = 1_200_000

export async function scaleOf(probes: number, seconds: number, say: (text: string) => void): Promise<Scale> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('scale')).path
  const cluster = stack.use(await startCluster({ level: 'api' }))
  await cluster.installCrds()
  const agents = await startAgents(folder, cluster, stack)
  await declare(cluster, probes)
  say(`${probes} probes are declared`)

  const environment = { RINGCHECK_IMAGE: 'localhost/ringcheck:none', NODE_OPTIONS: HEAP }
  const config = { locations: { default: { agents } } }
  const options = { folder, kubeconfig: cluster.kubeconfig, name: 'operator', config, environment }
  {
    await using first = await ringcheckOperator(options)
    await calledOnce(first, probes, say)
  }
  const began = performance.now()
  await using operator = await ringcheckOperator(options)
  const startUp = performance.now() - began
  await pause(SETTLE)
  say(`measuring for ${seconds} s`)
  const before = { at: Date.now(), processor: processorTime(operator), writes: await writes(cluster) }
  let slowest = 0
  for (let scraped = 0; scraped < seconds * 1000; scraped += SCRAPE_EVERY) {
    const next = pause(Math.min(SCRAPE_EVERY, seconds * 1000 - scraped))
    slowest = Math.max(slowest, (await scrape(operator)).took)
    await next
  }
  const took = Date.now() - before.at
  const processor = (processorTime(operator) - before.processor) / 1000 / took
  const written = await writes(cluster)
  const { resident, peak } = memory(operator)
  const [load = NaN] = loadavg()
  const { rounds, series } = await scrape(operator)
  const lags = [...rounds.values()].flatMap(({ at, lag }) => (at >= before.at && at < before.at + took ? [lag] : []))
  const sorted = lags.toSorted((one, other) => one - other)
  // Where nobody calls it in time, all the rest is known all the same.
  const applied = await timeToCall(cluster).catch((error: unknown) => (say(String(error)), NaN))
  return {
    ...{ startUp, resident, peak, processor, applied, load, scrape: slowest },
    lag: {
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      most: sorted.at(-1) ?? NaN,
      rounds: sorted.length,
    },
    seriesPerProbe: series / probes,
    writesPerExecution: {
      probes: (written.probes - before.writes.probes) / sorted.length,
      events: (written.events - before.writes.events) / sorted.length,
    },
    storePerExecution: storeGrowth(join(folder, options.name, 'ringcheck.sqlite')),
    idleWrites: await writesWhileIdle(cluster, say),
  }
}

/** With what they call. */
async function startAgents(
  folder: string,
  cluster: Cluster,
  stack: AsyncDisposableStack,
): Promise<Array<{ url: string }>> {
  const port = await freePort()
  stack.use(await ringcheck(folder, 'responder', ['respond', '--listen', `127.0.0.1:${port}`], 'responder on'))
  await cluster.kubectl.with(registrar(port), 'apply', '--filename', '-')
  const agents: Array<{ url: string }> = []
  for (let index = 0; index < AGENTS; index++) {
    const tls = join(folder, `agent-${index}`)
    await run('agent', 'enroll', '127.0.0.1', '--out', tls, '--namespace=default', '--kubeconfig', cluster.kubeconfig)
    const [api, admin] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
    const words = ['agent', '--tls', tls, '--listen', api, '--admin', admin]
    stack.use(await ringcheck(folder, `agent-${index}`, words, 'takes plans'))
    agents.push({ url: `https://${api}` })
  }
  return agents
}

function ringcheck(folder: string, name: string, words: readonly string[], ready: string): Promise<Child> {
  return start({
    ...{ command: process.execPath, name, folder, arguments: [ENTRY, ...words], readyWithin: 60_000 },
    ready: (log) => log.includes(ready),
  })
}

async function calledOnce(operator: RunningOperator, probes: number, say: (text: string) => void): Promise<void> {
  const began = performance.now()
  for (let called = 0; called < probes;) {
    if (!operator.running || performance.now() - began > CALLED_WITHIN)
      throw new Error(`${called} of ${probes} were called once:\n${operator.log().slice(-2_000)}`)
    await pause(LOOK_EVERY)
    // One that takes too long is no end: calls come first.
    const { rounds, took } = await scrape(operator).catch(() => ({ rounds: undefined, took: NaN }))
    called = rounds?.size ?? called
    say(`${called} were called once; a scrape took ${took.toFixed()} ms`)
  }
}

async function writesWhileIdle(cluster: Cluster, say: (text: string) => void): Promise<number> {
  await pauseAll(cluster)
  // Each says once that it is paused.
  const all = async () => {
    const { probes, events } = await writes(cluster)
    return probes + events
  }
  let last = await all()
  for (let isQuiet = false; !isQuiet;) {
    await pause(LOOK_EVERY)
    const now = await all()
    isQuiet = now === last
    last = now
  }
  say('all are paused')
  await pause(IDLE)
  return (await all()) - last
}
