/** Puts the operator together on a cluster and a store that are there, and takes it apart again: servers, pages, and what leads. It decides nothing itself. */
import { Registry } from 'prom-client'
import { renderLadder, renderPcap } from '../agent/index.ts'
import { createAdmin } from '../lib/admin.ts'
import type { Clock } from '../lib/clock.ts'
import type { Address } from '../lib/http.ts'
import { close, listen } from '../lib/http.ts'
import type { Log } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import type { Agents } from './agents/agents.ts'
import { createApi } from './api/index.ts'
import type { Authenticator } from './cluster/access.ts'
import type { Cluster, Key, Term } from './cluster/cluster.ts'
import type { History } from './history/index.ts'
import type { Leading } from './leading.ts'
import { startLeading } from './leading.ts'
import { registerReplicaMetrics } from './metrics.ts'
import type { ReplicaMetrics } from './metrics.ts'
import { startStatusPages } from './statuspages/index.ts'
import type { AddressCheck } from './webhooks/index.ts'
import { masked } from './webhooks/index.ts'

/** What every way of running it has. */
export interface ServingConfig {
  /** REST API. */
  api: Address
  /** Public status pages. */
  pages: Address
  /** Health and metrics. */
  admin: Address
  publicUrl?: string | undefined
  dashboardUrl?: string | undefined
}

export interface OperatorOptions {
  config: ServingConfig
  cluster: Cluster
  history: History
  /** Asked at the beginning of each term. */
  startAgents: (term: Term) => Promise<Agents>
  /** Whose tokens the API takes. Absent: it asks for none, on loopback only. */
  authenticate?: Authenticator | undefined
  /** Where webhooks may go. */
  check: AddressCheck
  /** False: nothing runs by its schedule. */
  scheduled: boolean
  /** Milliseconds between two rounds of a probe: one that asks for less is refused. Absent: as its kind says. */
  minInterval?: number
  /** Empty: ready. Otherwise why not, in words. */
  notReady: (agents: Agents | undefined) => readonly string[]
  clock: Clock
  random: Random
  log: Log
}

export interface Operator extends AsyncDisposable {
  readonly cluster: Cluster
  /** Where the servers really listen. */
  readonly addresses: Readonly<{ api: Address; pages: Address; admin: Address }>
  readonly metrics: ReplicaMetrics
  /** Runs what only the leader may run, until the result is disposed of; one term at a time. */
  lead(term: Term): Promise<AsyncDisposable>
  /** Undefined: it is not there, cannot run, or another replica leads. */
  runNow(probe: Key): Promise<{ executionId: string; finished: Promise<void> } | undefined>
}

/** Starts the servers. Throws an Error whose message names the address and the flag. */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { config, cluster, history, clock, random, log } = options
  await using stack = new AsyncDisposableStack()
  const registry = new Registry()
  const state: { leading?: Leading; draining: boolean } = { draining: false }
  const metrics = registerReplicaMetrics(registry, { leads: () => state.leading !== undefined, cluster })

  const admin = createAdmin({
    clock,
    metrics: async function* () {
      yield await registry.metrics()
      if (state.leading) yield* state.leading.metrics()
    },
    notReady: () => options.notReady(state.leading?.agents),
    draining: () => state.draining,
  })
  stack.defer(async () => {
    await close(admin.server)
    await admin.close()
  })
  const { publicUrl, dashboardUrl } = config
  const pages = stack.use(
    startStatusPages({
      ...{ cluster, history, clock, random, log },
      observer: metrics.queue('StatusPage'),
      ...(publicUrl !== undefined && { publicUrl }),
    }),
  )
  const runNow = async (probe: Key) => state.leading?.probes.runNow(probe)
  const api = createApi({
    world: {
      cluster,
      history,
      runNow,
      replay: async (delivery) => {
        const result = await history.outbox.replay(delivery, clock.now())
        state.leading?.deliverer.wake()
        return result
      },
      renderLadder,
      renderPcap,
      mask: masked,
    },
    clock,
    log,
    random,
    host: config.api.host,
    authenticate: options.authenticate,
  })
  stack.defer(async () => {
    await close(api.server)
    await api.close()
  })
  // A port that is taken is found before anything is called.
  const addresses = {
    admin: await serve(admin, '--admin', config.admin),
    api: await serve(api, '--api', config.api),
    pages: await serve(pages.server, '--pages', config.pages),
  }
  stack.defer(() => void (state.draining = true))

  async function lead(term: Term): Promise<AsyncDisposable> {
    const leading = await startLeading({
      ...options,
      term,
      addresses: { publicUrl, dashboardUrl },
      queue: metrics.queue,
      onStatus: (key) => pages.invalidate(key),
    })
    state.leading = leading
    return {
      async [Symbol.asyncDispose]() {
        delete state.leading
        await leading[Symbol.asyncDispose]()
      },
    }
  }

  const owned = stack.move()
  return { cluster, addresses, metrics, lead, runNow, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

type Server = ReturnType<typeof createAdmin>

async function serve(server: Server, flag: string, address: Address): Promise<Address> {
  await server.ready()
  return listen(server.server, { flag, ...address })
}
