/** The agent as a child process: takes its keys and plans from the process that forked it, and ends with it. It reads no configuration. */
import { once } from 'node:events'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createLog } from '../lib/log.ts'
import { AgentSettings } from './api/index.ts'
import type { AgentListening } from './api/index.ts'
import { assemble } from './assembly.ts'

/** Milliseconds from the parent's end, or SIGTERM, to ours; then what still hangs is left behind. */
const GOODBYE = 4500

export interface AgentOptions {
  /** This process, as one end of the IPC channel. */
  parent?: NodeJS.Process
  /** What peers read in User-Agent and Server. */
  userAgent?: string
}

/**
 * Runs until the parent disconnects or SIGTERM comes; then it refuses plans, hangs up, unregisters, and ends the process within 5 s.
 * After SIGTERM it also waits until the parent has read every result. SIGINT is left to the parent, which a terminal sends it to as well.
 * @throws Error when it was not forked
 */
export async function runAgent({ parent = process, userAgent = 'Ringcheck' }: AgentOptions = {}): Promise<void> {
  if (!parent.send) throw new Error('an agent is started by another process, not by hand')
  parent.on('SIGINT', () => {})
  const leaving = nextOf(parent, ['disconnect', 'SIGTERM'])
  const first = await Promise.race([leaving, once(parent, 'message')])
  try {
    if (typeof first !== 'string') await serve({ parent, userAgent, settings: AgentSettings.parse(first[0]), leaving })
    // Whatever still hangs would keep an orphan alive.
    parent.exit(0)
  } catch (error) {
    createLog({ name: 'agent', level: 'error' }).error({ error }, 'the agent failed')
    parent.exit(1)
  }
}

type Leaving = 'disconnect' | 'SIGTERM'

interface Serving extends Required<AgentOptions> {
  settings: ReturnType<typeof AgentSettings.parse>
  leaving: Promise<Leaving>
}

async function serve({ parent, userAgent, settings, leaving }: Serving): Promise<void> {
  const { name, key, certificate, ca, host, level, pretty } = settings
  const log = createLog({ name, level, pretty })
  const { runs, server, ...agent } = await assemble({
    ...{ userAgent, log },
    api: { host, port: 0 },
    credentials: { key, certificate, ca },
  })
  const listening: AgentListening = { port: server.port }
  parent.send?.(listening)
  const why = await leaving
  log.debug({ why, running: runs.running }, 'going away')
  const goodbye = runs.drain().then(() => (why === 'SIGTERM' ? runs.told() : undefined))
  await inTime(
    goodbye.then(() => agent[Symbol.asyncDispose]()),
    log,
  )
}

async function inTime(work: Promise<void>, log: Log): Promise<void> {
  const late = Promise.withResolvers<'late'>()
  using _ = systemClock.timer(GOODBYE, () => late.resolve('late'))
  const outcome = await Promise.race([work, late.promise])
  if (outcome === 'late') log.warn({ milliseconds: GOODBYE }, 'not everything was released in time')
}

function nextOf(parent: NodeJS.Process, events: readonly Leaving[]): Promise<Leaving> {
  return new Promise((resolve) => {
    for (const event of events) parent.once(event, () => resolve(event))
  })
}
