/** What every check is: one signature, and what it is given. The checks themselves are a table in checks.ts. */
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { token } from '../../lib/random.ts'
import type { RunEvent, RunPlan } from '../api/protocol.ts'
import type { MediaEngine } from '../media/index.ts'
import type { Hop, LocalParty, SignallingEngine, TlsSettings, Trace } from '../sip/index.ts'
import { bracketed } from '../sip/index.ts'
import type { Endpoint } from './endpoint.ts'
import type { LagMeter } from './saturation.ts'

/** What a run needs of the process it is in. All runs of a process share it. */
export interface Surroundings {
  engine: SignallingEngine
  media: MediaEngine
  clock: Clock
  random: Random
  log: Log
  /** A new meter of the event loop's lag, from now on. */
  lag: () => LagMeter
}

/** An event before the run gives it its number and its time. */
export type EventBody = RunEvent extends infer Event
  ? Event extends RunEvent
    ? Omit<Event, 'seq' | 'at'>
    : never
  : never

export interface CheckContext extends Surroundings {
  plan: RunPlan
  /** Where everything that is found out goes. */
  endpoint: Endpoint
  /** The messages of requests that we start. */
  trace: Trace
  /** Those of a call that came to us. */
  alsoTraced: (trace: Trace) => void
  emit: (event: EventBody) => void
  /** Ends the run as a fault of ours. For code that throws where nobody of ours catches it: see `guarded`. */
  broken: (error: unknown) => void
  /** Aborts when the run is to stop: hang up, unregister, return. */
  signal: AbortSignal
}

/** Does `work` inside a callback of an engine or of a timer. When it throws, the run ends, and nobody else does. */
export function guarded<Result>({ broken }: CheckContext, work: () => Result): Result | undefined {
  try {
    return work()
  } catch (error) {
    broken(error)
    return undefined
  }
}

/** Carries out one check. It writes what it finds to `context.endpoint`, releases what it took, and throws only when a program is broken. */
export type Check = (context: CheckContext) => Promise<void>

/** Begins with the execution's id, so that a peer's log can count what we started. */
export function newCallId({ plan, random }: CheckContext): string {
  return `${plan.id}-${token(random)}`
}

type Registrar = RunPlan['endpoint']['registrar']

/** Who we are in the requests of a plan, and where they go first. */
export function partyOf(plan: RunPlan, contactUser: string): LocalParty {
  const { account, registrar } = plan.endpoint
  const { outboundProxy, domain } = registrar
  return {
    aor: `sip:${account?.username ?? NOBODY}@${bracketed(domain)}`,
    contactUser,
    nextHop: hopOf(registrar),
    outboundProxy: outboundProxy !== undefined,
    ...(account?.displayName !== undefined && { displayName: account.displayName }),
    ...(account?.password !== undefined && {
      credentials: {
        username: account.authUsername ?? account.username,
        password: account.password,
        ...(account.realm !== undefined && { realm: account.realm }),
      },
    }),
  }
}

/** The first hop of what is sent to a registrar: its outbound proxy, or itself. An absent port or transport is located. */
function hopOf({ outboundProxy, domain, port, transport, path, ipFamily, tls }: Registrar): Hop {
  const first = outboundProxy ?? { host: domain, port, transport }
  return {
    ...statedOf(first),
    ...(path !== undefined && { path }),
    ...(ipFamily !== undefined && { family: ipFamily === 'IPv6' ? 6 : 4 }),
    ...(tls && { tls: settingsOf(tls) }),
  }
}

function statedOf({ host, port, transport }: NonNullable<Registrar['outboundProxy']>): Hop {
  return { host, ...(port !== undefined && { port }), ...(transport && { transport }) }
}

function settingsOf({ ca, certificate, serverName, verify }: NonNullable<Registrar['tls']>): TlsSettings {
  return {
    verify,
    ...(serverName !== undefined && { serverName }),
    ...(ca !== undefined && { ca }),
    ...(certificate && { certificate }),
  }
}

/** The user of a trunk that knows us by our address and gave us no account. */
export const NOBODY = 'ringcheck'
