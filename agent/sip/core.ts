/** What the parts of one native engine share: its clock, timers, transactions, dialogs and ways out. It decides nothing. */
import { isIP } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import { type LocalAddresses, locate } from './locate/addresses.ts'
import type { Wanted } from './locate/question.ts'
import type { Dialog } from './session/dialog.ts'
import type { Failure, Ports } from './engine.ts'
import type { Arrival, Flow } from './transport/flow.ts'
import { defaultPort } from './transport/hop.ts'
import type { Identifiers } from './message/identifiers.ts'
import type { Limits, Refusals } from './limits.ts'
import type { Request } from './message/message.ts'
import type { Ways } from './transport/reply-path.ts'
import type { TimerWheel } from './transaction/timer-wheel.ts'
import type { TransactionLayer } from './transaction/layer.ts'
import type { ServerInvite } from './transaction/server-invite.ts'
import type { ServerNonInvite } from './transaction/server-non-invite.ts'

/** Takes the requests inside one dialog. */
export interface DialogUser {
  readonly dialog: Dialog
  invite(request: Request, arrival: Arrival, transaction: ServerInvite): void
  request(request: Request, arrival: Arrival, transaction: ServerNonInvite): void
  acknowledged(request: Request, arrival: Arrival): void
  /** The engine stops: nobody is told any more, but whoever waits for it learns. */
  stopped(): void
}

export interface Core {
  readonly clock: Clock
  readonly random: Random
  readonly wheel: TimerWheel
  readonly identifiers: Identifiers
  readonly transactions: TransactionLayer
  /** By `Dialog.key`. */
  readonly dialogs: Map<string, DialogUser>
  readonly ways: Ways
  readonly addresses: LocalAddresses
  /** The bind address. */
  readonly host: string
  readonly ports: Ports
  readonly userAgent: string
  /** Bindings that are kept alive. */
  readonly registrations: Set<object>
  readonly limits: Limits
  readonly refused: Refusals
  readonly log: Log | undefined
  /** The Allow header: what is answered with anything but 405. */
  allow(): string
}

export type ReachOutcome =
  { kind: 'Reached'; flow: Flow } | Extract<Failure, { kind: 'DnsFailed' | 'ConnectFailed' | 'TlsFailed' | 'Aborted' }>

/** The flow to a peer when nothing has to be looked up or connected for it: what most requests of a busy engine find. */
export function reachNow(
  core: Core,
  { over, host, port = defaultPort('UDP'), transport = 'UDP' }: Wanted,
): Flow | undefined {
  if (over?.open) return over
  if (transport !== 'UDP' || isIP(host) === 0 || core.addresses.known(host) === undefined) return undefined
  return core.ways.udp(host, port)
}

/** Locates a peer and opens a flow to it, within `timeout` milliseconds. */
export async function reach(
  core: Core,
  hop: Wanted,
  { timeout, signal }: { timeout: number; signal?: AbortSignal | undefined },
): Promise<ReachOutcome> {
  const now = reachNow(core, hop)
  if (now) return { kind: 'Reached', flow: now }
  const { promise: stopped, resolve: stop } = Promise.withResolvers<ReachOutcome>()
  const within = `within ${Math.round(timeout)} ms`
  let late: ReachOutcome = { kind: 'DnsFailed', detail: `no answer ${within}` }
  const timer = core.wheel.start(timeout, () => stop(late))
  const aborted = (): void => stop({ kind: 'Aborted' })
  signal?.addEventListener('abort', aborted)
  if (signal?.aborted) aborted()
  const connecting = (): void => void (late = { kind: 'ConnectFailed', detail: `no connection ${within}` })
  try {
    return await Promise.race([stopped, connected(core, hop, connecting)])
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', aborted)
  }
}

async function connected(core: Core, hop: Wanted, connecting: () => void): Promise<ReachOutcome> {
  const { host, transport = 'UDP', port = defaultPort(transport), path, tls } = hop
  const located = await locate(host, core.host)
  if (located.kind === 'DnsFailed') return located
  connecting()
  const { address } = located
  if (transport === 'UDP') {
    await core.addresses.find(address)
    return { kind: 'Reached', flow: core.ways.udp(address, port) }
  }
  const opened = await core.ways.open({
    ...(path !== undefined && { path }),
    ...(tls && { tls }),
    host: address,
    port,
    transport,
    name: host,
  })
  return opened.kind === 'Open' ? { kind: 'Reached', flow: opened.flow } : opened
}
