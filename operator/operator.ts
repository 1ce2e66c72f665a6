/** Puts the operator of local mode together and takes it apart again: store, folder, agents, reconcilers, webhooks and servers. It decides nothing itself. */
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { renderLadder, renderPcap } from '../agent/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Address } from '../lib/http.ts'
import { close, listen } from '../lib/http.ts'
import type { Log, LogLevel } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import { createAdmin } from '../lib/admin.ts'
import type { Agents } from './agents/agents.ts'
import { startLocalAgents } from './agents/local.ts'
import { createApi } from './api/index.ts'
import type { Cluster } from './cluster/cluster.ts'
import { openLocalCluster } from './cluster/local/index.ts'
import type { LocalConfig } from './config.ts'
import { claimDataFolder } from './data-folder.ts'
import { openHistory } from './history/index.ts'
import { registerOperatorMetrics } from './metrics.ts'
import { resolveTarget } from './probes/endpoints.ts'
import { linksOf } from './probes/links.ts'
import { ProbeMetrics } from './probes/metrics.ts'
import { Probes } from './probes/probes.ts'
import { Recorder } from './probes/recorder.ts'
import { StandbyOutbox } from './probes/standby.ts'
import { StoreState } from './probes/store-state.ts'
import { startRegistrars } from './registrars/registrars.ts'
import { startStatusPages } from './statuspages/index.ts'
import { createAddressCheck, Deliverer, LOOPBACK, masked, PRIVATE } from './webhooks/index.ts'

export interface OperatorOptions {
  config: LocalConfig
  /** Path of the program that is forked with the word `agent`. */
  entry: string
  /** How the agents log. */
  agentLog: { level: LogLevel; pretty: boolean }
  clock: Clock
  random: Random
  log: Log
}

export interface Operator extends AsyncDisposable {
  readonly cluster: Cluster
  readonly probes: Probes
  /** Where the servers really listen. */
  readonly addresses: Readonly<{ api: Address; pages: Address; admin: Address }>
}

const STORE_FILE = 'ringcheck.sqlite'
const PRUNE_EVERY = 3_600_000

/** Starts everything, in the order of the way of the data. Throws an Error whose message names the folder, file, address or flag. */
export async function startOperator(options: OperatorOptions): Promise<Operator> {
  const { config, entry, agentLog, clock, random, log } = options
  await using stack = new AsyncDisposableStack()
  stack.use(claimDataFolder(config.data))
  const place = config.databaseUrl === undefined ? { file: join(config.data, STORE_FILE) } : { url: config.databaseUrl }
  const history = stack.use(await openHistory({ ...place, clock, log }))
  const cluster = stack.use(await openLocalCluster({ folder: config.folder, objects: history.objects, clock, log }))
  const idle = [...cluster.list('SipLoadTest'), ...cluster.list('SipLoadTestRun')].map(({ metadata }) => metadata.name)
  if (idle.length > 0) log.warn({ names: idle }, 'load tests are declared, and not carried out by this version')

  const registry = new Registry()
  const metrics = new ProbeMetrics(registry)
  /** What comes last, and what the servers ask for before it is there. */
  const state: { agents?: Agents; probes?: Probes; draining: boolean } = { draining: false }
  const store = new StoreState((condition) => {
    if (condition.available) log.info({}, 'the history store is back')
    else log.error({}, `the history store is away, results wait in memory: ${condition.message}`)
  })
  const outbox = stack.use(new StandbyOutbox({ store: history.outbox, state: store, clock }))
  const deliverer = new Deliverer({
    outbox,
    resolve: (delivery) => resolveTarget(cluster, delivery),
    // Who writes the folder is who runs the process: this machine and the networks around it are no secret to them.
    check: createAddressCheck([...LOOPBACK, ...PRIVATE]),
    clock,
    random,
    log,
    onSettled: (delivery, result) => state.probes?.webhookSettled(delivery, result),
  })
  const recorder = new Recorder({
    history,
    outbox,
    state: store,
    clock,
    log,
    onRecorded: ({ executions }) => {
      deliverer.wake()
      state.agents?.stored(executions.map(({ id }) => id))
    },
    onStanding: () => deliverer.wake(),
    onConflict: (probe) => state.probes?.repair(probe) ?? Promise.resolve(),
  })
  registerOperatorMetrics(registry, { deliverer, recorder, store })
  // What was recorded last still goes out before the deliverer stops, and is stored before the store closes.
  stack.use(deliverer)
  stack.use(recorder)

  const admin = createAdmin({
    clock,
    metrics: () => metrics.text(),
    notReady: () => (state.agents && state.agents.ready() > 0 ? [] : ['no agent is ready']),
    draining: () => state.draining,
  })
  stack.defer(async () => {
    await close(admin.server)
    await admin.close()
  })
  const pages = stack.use(startStatusPages({ cluster, history, clock, random, log }))
  const api = createApi({
    world: {
      cluster,
      history,
      runNow: (key) => state.probes?.runNow(key) ?? Promise.resolve(undefined),
      replay: async (delivery) => {
        const result = await history.outbox.replay(delivery, clock.now())
        deliverer.wake()
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
    token: config.token,
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

  state.agents = stack.use(await startLocalAgents({ count: 1, entry, agentLog, clock, random, log }))
  stack.use(startRegistrars({ cluster, clock, random, log }))
  const probes = stack.use(
    new Probes({
      cluster,
      history,
      recorder,
      state: store,
      agents: state.agents,
      metrics,
      clock,
      random,
      log,
      scheduled: config.scheduled,
      links: (key) => linksOf(key, cluster.list('StatusPage'), config),
      onReleased: () => deliverer.wake(),
      onStatus: (key) => pages.invalidate(key),
    }),
  )
  state.probes = probes
  stack.use(pruneRegularly(history, clock, log))
  stack.defer(() => void (state.draining = true))
  const owned = stack.move()
  return { cluster, probes, addresses, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

type Server = ReturnType<typeof createAdmin>

async function serve(server: Server, flag: string, address: Address): Promise<Address> {
  await server.ready()
  return listen(server.server, { flag, ...address })
}

function pruneRegularly(history: Awaited<ReturnType<typeof openHistory>>, clock: Clock, log: Log): Disposable {
  let timer: Disposable
  const prune = () => {
    history.prune(clock.now()).catch((error: unknown) => log.error({ error }, 'old history cannot be deleted'))
    timer = clock.timer(PRUNE_EVERY, prune)
  }
  timer = clock.timer(PRUNE_EVERY, prune)
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
