/** What the parts of one native engine share: its clock, timers, transactions, dialogs and ways out. It decides nothing. */
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { LocalAddresses } from './transport/addresses.ts'
import type { Locator } from './locate/locator.ts'
import type { Dialog } from './session/dialog.ts'
import type { Dialogs } from './session/dialogs.ts'
import type { Ports } from './engine.ts'
import type { Arrival } from './transport/flow.ts'
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
  /** Whether an INVITE may take its place (RFC 3891 3); undefined: it is not ours to end. */
  readonly replaceable: 'Confirmed' | 'Early' | 'Over' | undefined
  /** An INVITE took its place: it is ended. */
  replaced(): void
  /** The engine stops: nobody is told any more, but whoever waits for it learns. */
  stopped(): void
}

export interface Core {
  readonly clock: Clock
  readonly random: Random
  readonly wheel: TimerWheel
  readonly identifiers: Identifiers
  readonly transactions: TransactionLayer
  readonly dialogs: Dialogs
  readonly ways: Ways
  readonly addresses: LocalAddresses
  readonly locator: Locator
  /** The bind address. */
  readonly host: string
  readonly ports: Ports
  readonly userAgent: string
  /** Bindings that are kept alive. */
  readonly registrations: Set<{ stopped(): void }>
  readonly limits: Limits
  readonly refused: Refusals
  readonly log: Log | undefined
  /** The Allow header: what is answered with anything but 405. */
  allow(): string
}
