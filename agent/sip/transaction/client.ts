/** What both client machines share: sending, the record, the flow, and their end. The states are in the two files beside it. */
import type { Arrival, Flow, FlowWatcher } from '../flow.ts'
import type { Journal } from '../journal.ts'
import type { Request, Response } from '../message.ts'
import type { Timer, TimerWheel } from '../timer-wheel.ts'

export type ClientFailure = { kind: 'Timeout' } | { kind: 'TransportError'; detail: string }

/** The transaction user (RFC 3261 5): told of what is new, never of a retransmission but for a 2xx to INVITE. */
export interface ClientUser {
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
  readonly #setup: ClientSetup
  readonly #watcher: FlowWatcher
  readonly #timers = new Map<string, Timer>()
  #last: Buffer | undefined
  #over = false

  constructor(setup: ClientSetup, watcher: FlowWatcher) {
    this.#setup = setup
    this.#watcher = watcher
    setup.flow.watch(watcher)
  }

  get over(): boolean {
    return this.#over
  }

  /** `failed` is told when these bytes could not leave. */
  send(bytes: Buffer, again: boolean, failed: (detail: string) => void): void {
    const { flow, journal } = this.#setup
    journal?.sent(bytes, flow, again)
    flow.send(bytes, (detail) => !this.#over && failed(detail))
  }

  /** Writes it down; true: byte for byte the one that came before. */
  received(arrival: Arrival, surelyAgain: boolean): boolean {
    const again = surelyAgain || (this.#last?.equals(arrival.bytes) ?? false)
    this.#last = arrival.bytes
    this.#setup.journal?.received(arrival, again)
    return again
  }

  /** A timer by its letter in the RFC; starting it again replaces it. */
  start(letter: string, milliseconds: number, callback: () => void): void {
    this.#timers.get(letter)?.cancel()
    this.#timers.set(letter, this.#setup.wheel.start(milliseconds, callback))
  }

  stop(...letters: string[]): void {
    for (const letter of letters) this.#timers.get(letter)?.cancel()
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#setup.flow.unwatch(this.#watcher)
    this.#setup.ended()
  }
}
