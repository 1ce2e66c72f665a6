/** Two sides on loopback for tests of runs: the agent's own engines, and a peer that does what the test says. */
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { planOf } from '../api/plans.fixture.ts'
import type { CallResult, Phase, RunEvent, RunPlan } from '../api/protocol.ts'
import { phases } from '../api/protocol.ts'
import { createPeer, createSide, silentLog } from './peer.fixture.ts'
import type { Peer, Side } from './peer.fixture.ts'
import type { Run } from './run.ts'
import { startRun } from './run.ts'

type EndpointPlan = RunPlan['endpoint']

/** A run and what it said so far. */
export interface Watched {
  run: Run
  events: RunEvent[]
  /** Resolves when this phase is entered. */
  phase(phase: Phase): Promise<void>
  /** The result, once it is over. */
  result(): Promise<CallResult>
}

export interface Arena extends AsyncDisposable {
  /** Ours. */
  side: Side
  readonly peer: Peer
  start(plan: RunPlan, onEvent?: (event: RunEvent) => void): Watched
  /** A plan against the peer: a Caller to `echo` without registration. */
  plan(changes?: Omit<Partial<RunPlan>, 'endpoint'> & { endpoint?: Partial<EndpointPlan> }): RunPlan
  /** The peer as a registrar. */
  registering(): EndpointPlan['registrar']
  callee(changes?: Partial<EndpointPlan>): Partial<EndpointPlan>
  /** What of ours is still there. Transactions are not counted: they end with their own timers. */
  left(): { dialogs: number; registrations: number; ports: number; contacts: readonly string[] }
}

export const nothing: ReturnType<Arena['left']> = { dialogs: 0, registrations: 0, ports: 0, contacts: [] }

const noLag = () => ({ p99: () => undefined, [Symbol.dispose]: () => {} })

export async function createArena(): Promise<Arena> {
  const stack = new AsyncDisposableStack()
  const own = stack.use(await createSide())
  const peer = stack.use(await createPeer())
  const registrar = { ...planOf().endpoint.registrar, port: peer.port }
  const arena: Arena = {
    side: own,
    peer,
    start(plan, onEvent = () => {}) {
      const events: RunEvent[] = []
      const entered = new Map(phases.map((phase) => [phase, Promise.withResolvers<void>()]))
      const run = startRun(plan, {
        engine: arena.side.engine,
        media: arena.side.media,
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
        lag: noLag,
        emit: (event) => {
          events.push(event)
          if (event.type === 'Phase') entered.get(event.phase)?.resolve()
          onEvent(event)
        },
      })
      return {
        run,
        events,
        phase: async (phase) => entered.get(phase)?.promise,
        async result() {
          await run.finished
          const call = events.find((event) => event.type === 'Call')
          if (!call) throw new Error('no result')
          return call.result
        },
      }
    },
    plan(changes = {}) {
      const base = planOf()
      return { ...base, ...changes, endpoint: { ...base.endpoint, registrar, callDuration: 300, ...changes.endpoint } }
    },
    registering: () => ({ ...registrar, register: true }),
    callee(changes) {
      const { target: _, ...endpoint } = planOf().endpoint
      const role = { role: 'Callee', remoteHangup: 'Allow', registrar: arena.registering() } as const
      return { ...endpoint, ...role, callDuration: 300, ...changes }
    },
    left() {
      const { dialogs, registrations } = own.engine.gauges
      return { dialogs, registrations, ports: own.media.gauges.portsUsed, contacts: peer.contacts }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
  return arena
}
