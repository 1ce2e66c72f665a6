/** What both server machines share: the way back, the record, the timers, and their end. The states are in the two files beside it. */
import type { Arrival } from '../flow.ts'
import type { Journal } from '../journal.ts'
import type { ReplyPath } from '../reply-path.ts'
import type { Timer, TimerWheel } from '../timer-wheel.ts'

export interface ServerSetup {
  readonly arrival: Arrival
  readonly path: ReplyPath
  readonly wheel: TimerWheel
  /** Called once, when the machine is through. */
  readonly ended: () => void
}

export class ServerChannel {
  readonly #setup: ServerSetup
  readonly #timers = new Map<string, Timer>()
  #journal: Journal | undefined
  #over = false

  constructor(setup: ServerSetup) {
    this.#setup = setup
  }

  get over(): boolean {
    return this.#over
  }

  get reliable(): boolean {
    return this.#setup.path.flow.reliable
  }

  /** From now on it is written down, the request that began it too. */
  keep(journal: Journal): void {
    this.#journal = journal
    journal.received(this.#setup.arrival, false)
  }

  received(arrival: Arrival, again: boolean): void {
    this.#journal?.received(arrival, again)
  }

  send(bytes: Buffer, again: boolean): void {
    this.#journal?.sent(bytes, this.#setup.path.flow, again)
    this.#setup.path.send(bytes)
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
    this.#setup.ended()
  }
}
