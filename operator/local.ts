/** The operator of local mode: a folder of YAML, a store, agents as children, and nobody else who could lead. */
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Log, LogLevel } from '../lib/log.ts'
import type { Random } from '../lib/random.ts'
import { startLocalAgents } from './agents/local.ts'
import { tokenAuthenticator } from './api/index.ts'
import { openLocalCluster } from './cluster/local/index.ts'
import type { LocalConfig } from './config.ts'
import { claimDataFolder } from './data-folder.ts'
import { openHistory } from './history/index.ts'
import type { Operator } from './operator.ts'
import { startOperator } from './operator.ts'
import { createAddressCheck, LOOPBACK, PRIVATE } from './webhooks/index.ts'

export interface LocalOperatorOptions {
  config: LocalConfig
  /** Path of the program that is forked with the word `agent`. */
  entry: string
  /** How the agents log. */
  agentLog: { level: LogLevel; pretty: boolean }
  clock: Clock
  random: Random
  log: Log
}

const STORE_FILE = 'ringcheck.sqlite'

/** Resolves when agents are ready. Throws an Error whose message names the folder, file, address or flag. */
export async function startLocalOperator(options: LocalOperatorOptions): Promise<Operator> {
  const { config, entry, agentLog, clock, random, log } = options
  await using stack = new AsyncDisposableStack()
  stack.use(claimDataFolder(config.data))
  const place = config.databaseUrl === undefined ? { file: join(config.data, STORE_FILE) } : { url: config.databaseUrl }
  const history = stack.use(await openHistory({ ...place, clock, log }))
  const cluster = stack.use(await openLocalCluster({ folder: config.folder, objects: history.objects, clock, log }))
  const idle = [...cluster.list('SipLoadTest'), ...cluster.list('SipLoadTestRun')].map(({ metadata }) => metadata.name)
  if (idle.length > 0) log.warn({ names: idle }, 'load tests are declared, and not carried out by this version')
  const operator = stack.use(
    await startOperator({
      config,
      cluster,
      history,
      authenticate: config.token === undefined ? undefined : tokenAuthenticator(config.token),
      startAgents: () => startLocalAgents({ count: 1, entry, agentLog, clock, random, log }),
      // Who writes the folder is who runs the process: this machine and the networks around it are no secret to them.
      check: createAddressCheck([...LOOPBACK, ...PRIVATE]),
      scheduled: config.scheduled,
      notReady: (agents) => (agents && agents.ready() > 0 ? [] : ['no agent is ready']),
      clock,
      random,
      log,
    }),
  )
  stack.use(await operator.lead({ epoch: cluster.epoch, holds: () => true }))
  const owned = stack.move()
  return { ...operator, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
