/** The agent as a process: puts its parts together, takes plans from the process that forked it, and ends with it. It reads no configuration. */
import { once } from 'node:events'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createLog } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { expectShortLives } from '../lib/short-lives.ts'
import { AgentSettings, Runs, startServer } from './api/index.ts'
import type { AgentListening } from './api/index.ts'
import { everywhere } from './everywhere.ts'
import { createMediaEngine } from './media/index.ts'
import { eventLoopLag, startRun } from './run/index.ts'
import { createNativeEngine } from './sip/index.ts'

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
  expectShortLives()
  const clock = systemClock
  const random = systemRandom
  const log = createLog({ name, level, pretty })
  const stack = new AsyncDisposableStack()
  try {
    const engine = stack.use(await createNativeEngine({ host: everywhere(), clock, random, userAgent, log }))
    const media = stack.use(createMediaEngine({ clock, random }))
    const surroundings = { engine, media, clock, random, log, lag: eventLoopLag }
    const runs = stack.use(new Runs({ clock, log, start: (plan, emit) => startRun(plan, { ...surroundings, emit }) }))
    const server = stack.use(await startServer({ runs, log, key, certificate, ca, host }))
    const listening: AgentListening = { port: server.port }
    parent.send?.(listening)
    log.debug({ ...listening, sip: engine.ports }, 'plans are taken')
    const why = await leaving
    log.debug({ why, running: runs.running }, 'going away')
    const goodbye = runs.drain().then(() => (why === 'SIGTERM' ? runs.told() : undefined))
    await inTime(
      goodbye.then(() => stack.disposeAsync()),
      log,
    )
  } catch (error) {
    await inTime(stack.disposeAsync(), log)
    throw error
  }
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
