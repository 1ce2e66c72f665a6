/** What both client machines share: sending, the record, the flow, and their end. The states are in the two files beside it. */
import type { Arrival, Flow, FlowWatcher } from '../transport/flow.ts'
import type { Journal } from '../trace/journal.ts'
import type { Request, Response } from '../message/message.ts'
import type { TimerWheel } from './timer-wheel.ts'
import { PairOfTimers } from './pair-of-timers.ts'
import { TRANSACTION_TIMEOUT } from './timers.ts'

export type ClientFailure = { kind: 'Timeout' } | { kind: 'TransportError'; detail: string }

/** The transaction user (RFC 3261 5): told of what is new, never of a retransmission but for 1xx, and 2xx to INVITE. */
export interface ClientUser {
  /** `again`: byte for byte what came before. */
  response(response: Response, arrival: Arrival, again: boolean): void
  /** Timer B or F fired, or the flow was lost; nothing follows. */
  failed(failure: ClientFailure): void
}

export interface ClientSetup {
  readonly request: Request
  readonly bytes: Buffer
  readonly flow: Flow
  readonly journal: Journal | undefined
  readonly user: ClientUser
  readonly wheel: TimerWheel
  /** Called once, when the machine is through. */
  readonly ended: () => void
}

export class ClientChannel {
  readonly timers: PairOfTimers
  readonly #flow: Flow
  readonly #journal: Journal | undefined
  readonly #ended: () => void
  readonly #watcher: FlowWatcher
  #last: Buffer | undefined
  #over = false

  constructor({ flow, journal, wheel, ended }: ClientSetup, watcher: FlowWatcher) {
    this.timers = new PairOfTimers(wheel)
    this.#flow = flow
    this.#journal = journal
    this.#ended = ended
    this.#watcher = watcher
    flow.watch(watcher)
  }

  get over(): boolean {
    return this.#over
  }

  get reliable(): boolean {
    return this.#flow.reliable
  }

  /** Sends the request for the first time and starts the timers: A or E by `retransmit`, B or F. */
  begin({ bytes, user }: ClientSetup, failed: (detail: string) => void, retransmit: () => void): void {
    this.send(bytes, false, failed)
    if (this.#over) return
    if (!this.reliable) retransmit()
    this.timers.limit(TRANSACTION_TIMEOUT, () => {
      this.end()
      user.failed({ kind: 'Timeout' })
    })
  }

  /** `failed` is told when these bytes could not leave. */
  send(bytes: Buffer, again: boolean, failed: (detail: string) => void): void {
    this.#journal?.sent(bytes, this.#flow, again)
    this.#flow.send(bytes, (detail) => !this.#over && failed(detail))
  }

  /** Writes it down; true: byte for byte the one that came before. */
  received(arrival: Arrival, surelyAgain: boolean): boolean {
    const again = surelyAgain || (this.#last?.equals(arrival.bytes) ?? false)
    this.#last = arrival.bytes
    this.#journal?.received(arrival, again)
    return again
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.timers.stop()
    this.#flow.unwatch(this.#watcher)
    this.#ended()
  }
}
