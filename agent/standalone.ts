/** The agent as a process of its own, in a pod or on a machine elsewhere: certificates from a folder, a plain port for health, and an end that lets calls end. */
import { Registry } from 'prom-client'
import { createAdmin } from '../lib/admin.ts'
import { sleep, systemClock } from '../lib/clock.ts'
import type { Address } from '../lib/http.ts'
import { close, listen } from '../lib/http.ts'
import { openCredentials } from './api/index.ts'
import { assemble } from './assembly.ts'
import type { AssemblyOptions } from './assembly.ts'
import { registerAgentMetrics } from './metrics.ts'

export interface StandaloneOptions extends Omit<AssemblyOptions, 'credentials'> {
  /** Folder with tls.crt, tls.key and ca.crt; a change is followed without a restart. */
  tls: string
  /** Health and metrics, plain. */
  admin: Address
  /** Each time the process is told to go (SIGTERM, SIGINT): the first time calls may end, the second time they are hung up. */
  onGo: (told: () => void) => void
}

/** Milliseconds that running calls are given to end, and then their results to be fetched: the longest probe call, and a little. */
const CALLS_WITHIN = 640_000
const FETCHED_WITHIN = 10_000

/** Runs until it is told to go and everything is said. Rejects with a ListenError, or an Error that names the file or address. */
export async function runStandalone(options: StandaloneOptions): Promise<void> {
  const { tls, admin: address, onGo, log } = options
  const goodbye = new AbortController()
  const hurry = new AbortController()
  onGo(() => (goodbye.signal.aborted ? hurry : goodbye).abort())
  await using stack = new AsyncDisposableStack()
  const credentials = stack.use(await openCredentials(tls, systemClock, log))
  const assembly = stack.use(await assemble({ ...options, credentials: credentials.present }))
  const { runs, server } = assembly
  credentials.watch((fresh) => server.renew(fresh))
  const draining = () => goodbye.signal.aborted
  const registry = new Registry()
  stack.use(registerAgentMetrics(registry, { ...assembly, userAgent: options.userAgent, draining }))
  const admin = createAdmin({
    clock: systemClock,
    metrics: async function* () {
      yield await registry.metrics()
    },
    notReady: () => [],
    draining,
  })
  stack.defer(async () => {
    await close(admin.server)
    await admin.close()
  })
  await admin.ready()
  await listen(admin.server, { flag: '--admin', ...address })
  log.info({ port: server.port }, 'the agent takes plans')

  await aborted(goodbye.signal)
  runs.refuse()
  log.info({ running: runs.running }, 'going away: calls may end, no new ones are taken')
  await within(CALLS_WITHIN, hurry.signal, runs.over())
  await runs.drain()
  await within(FETCHED_WITHIN, undefined, runs.told())
}

/** Waits for the work, at most so many milliseconds, and no longer than until the signal. */
async function within(milliseconds: number, signal: AbortSignal | undefined, work: Promise<void>): Promise<void> {
  const done = new AbortController()
  const either = signal ? AbortSignal.any([signal, done.signal]) : done.signal
  await Promise.race([work, sleep(systemClock, milliseconds, either)])
  done.abort()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
