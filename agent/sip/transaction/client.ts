/** What both client machines share: sending, the record, the flow, and their end. The states are in the two files beside it. */
import type { Arrival, Flow, FlowWatcher } from '../transport/flow.ts'
import type { Journal } from '../trace/journal.ts'
import type { Request, Response } from '../message/message.ts'
import type { TimerWheel } from './timer-wheel.ts'
import { Copies, Retired } from './finished.ts'
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
  readonly text: string
  readonly flow: Flow
  readonly journal: Journal | undefined
  readonly user: ClientUser
  readonly wheel: TimerWheel
  readonly key: number
  readonly owner: ClientOwner
}

/** Who finds the machines by their key. */
export interface ClientOwner {
  /** It is through, and nothing of it is to be known any more. */
  ended(key: number): void
  /** It is through, but copies of the final response may come for `T4`. */
  completed(copies: Copies): void
  /** The call of an INVITE is over, but answers of other branches may come for 64*T1; those with this To tag need none. */
  retired(rest: Retired): void
}

/** Texts of one transaction that are remembered until its final response: few INVITEs have as many provisional responses. */
const MOST_EARLIER = 8

export class ClientChannel {
  readonly timers: PairOfTimers
  readonly #flow: Flow
  readonly #journal: Journal | undefined
  readonly #key: number
  readonly #owner: ClientOwner
  readonly #watcher: FlowWatcher
  #last: string | undefined
  /** What came before the last one: a copy of it may be overtaken. Most transactions have nothing of the kind. */
  #earlier: string[] | undefined
  #over = false

  constructor({ flow, journal, wheel, key, owner }: ClientSetup, watcher: FlowWatcher) {
    this.timers = new PairOfTimers(wheel)
    this.#flow = flow
    this.#journal = journal
    this.#key = key
    this.#owner = owner
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
  begin({ text, user }: ClientSetup, failed: (detail: string) => void, retransmit: () => void): void {
    this.send(text, false, failed)
    if (this.#over) return
    if (!this.reliable) retransmit()
    this.timers.limit(TRANSACTION_TIMEOUT, () => {
      this.end()
      user.failed({ kind: 'Timeout' })
    })
  }

  /** `failed` is told when these bytes could not leave. */
  send(text: string, again: boolean, failed: (detail: string) => void): void {
    this.#journal?.sent(text, this.#flow, again)
    this.#flow.send(text, (detail) => !this.#over && failed(detail))
  }

  /** Writes it down; true: byte for byte one that came before. */
  received(arrival: Arrival, surelyAgain: boolean): boolean {
    const { text } = arrival
    const again = surelyAgain || this.#last === text || (this.#earlier?.includes(text) ?? false)
    if (!again) this.#remember(text)
    this.#journal?.received(arrival, again)
    return again
  }

  /** The final response came: of those before it nothing is told any more. */
  answered(): void {
    this.#earlier = undefined
  }

  #remember(text: string): void {
    if (this.#last !== undefined) {
      this.#earlier ??= []
      if (this.#earlier.push(this.#last) > MOST_EARLIER) this.#earlier.shift()
    }
    this.#last = text
  }

  end(): void {
    if (this.#close()) this.#owner.ended(this.#key)
  }

  /** Ends it; what comes again is counted. */
  complete(method: string): void {
    if (this.#close()) this.#owner.completed(new Copies(this.#key, method, this.#journal?.counters))
  }

  /** Ends it; what may come of other branches is not its matter. */
  retire(tag: string): void {
    if (this.#close()) this.#owner.retired(new Retired(this.#key, tag))
  }

  #close(): boolean {
    if (this.#over) return false
    this.#over = true
    this.timers.stop()
    this.#flow.unwatch(this.#watcher)
    return true
  }
}
