/** Puts the parts of an agent together and takes them apart again; how the process got its keys, and when it goes, is not decided here. */
import type { Address } from '../lib/http.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { systemRandom } from '../lib/random.ts'
import { expectShortLives } from '../lib/short-lives.ts'
import type { AgentServer, Credentials } from './api/index.ts'
import { Runs, startServer } from './api/index.ts'
import { everywhere } from './everywhere.ts'
import { createMediaEngine } from './media/index.ts'
import type { MediaEngine } from './media/index.ts'
import { eventLoopLag, startRun } from './run/index.ts'
import { createNativeEngine } from './sip/index.ts'
import type { SignallingEngine } from './sip/index.ts'

/** Both included. */
export interface Ports {
  first: number
  last: number
}

export interface AssemblyOptions {
  /** Where plans are taken. */
  api: Address
  credentials: Credentials
  /** What peers read in User-Agent and Server. */
  userAgent: string
  /** An address of this machine for SIP and media. Default: all of them. */
  sourceAddress?: string
  /** IP address under which peers reach it, at the same ports. Default: the address that its packets leave from. */
  externalAddress?: string
  /** Default, for both: those that the system names. */
  sipPorts?: Ports
  rtpPorts?: Ports
  log: Log
}

export interface Assembly extends AsyncDisposable {
  readonly runs: Runs
  readonly server: AgentServer
  readonly engine: SignallingEngine
  readonly media: MediaEngine
}

export async function assemble(options: AssemblyOptions): Promise<Assembly> {
  const { api, credentials, userAgent, sourceAddress, externalAddress, sipPorts, rtpPorts, log } = options
  expectShortLives()
  const clock = systemClock
  const random = systemRandom
  await using stack = new AsyncDisposableStack()
  const engine = stack.use(
    await createNativeEngine({
      ...{ clock, random, userAgent, log },
      host: sourceAddress ?? everywhere(),
      ...(externalAddress !== undefined && { externalAddress }),
      ...(sipPorts && { portRange: { from: sipPorts.first, to: sipPorts.last } }),
    }),
  )
  const media = stack.use(createMediaEngine({ clock, random, ...(rtpPorts && { ports: rtpPorts }) }))
  const surroundings = { engine, media, clock, random, log, lag: eventLoopLag }
  const runs = stack.use(new Runs({ clock, log, start: (plan, emit) => startRun(plan, { ...surroundings, emit }) }))
  const server = stack.use(await startServer({ ...api, runs, log, credentials }))
  log.debug({ port: server.port, sip: engine.ports }, 'plans are taken')
  const owned = stack.move()
  return { runs, server, engine, media, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
