/** What both server machines share: the way back, the record, the timers, and their end. The states are in the two files beside it. */
import type { Arrival } from '../transport/flow.ts'
import type { Journal } from '../trace/journal.ts'
import type { ReplyPath } from '../transport/reply-path.ts'
import type { TimerWheel } from './timer-wheel.ts'
import { PairOfTimers } from './pair-of-timers.ts'

export interface ServerSetup {
  readonly arrival: Arrival
  readonly path: ReplyPath
  readonly wheel: TimerWheel
  /** Called once, when the machine is through. */
  readonly ended: () => void
}

export class ServerChannel {
  readonly timers: PairOfTimers
  readonly #path: ReplyPath
  readonly #ended: () => void
  /** Kept until somebody writes it down, or a response shows that nobody does. */
  #arrival: Arrival | undefined
  #journal: Journal | undefined
  #over = false

  constructor({ arrival, path, wheel, ended }: ServerSetup) {
    this.timers = new PairOfTimers(wheel)
    this.#path = path
    this.#ended = ended
    this.#arrival = arrival
  }

  get over(): boolean {
    return this.#over
  }

  get reliable(): boolean {
    return this.#path.flow.reliable
  }

  /** From now on it is written down, the request that began it too. */
  keep(journal: Journal): void {
    this.#journal = journal
    if (this.#arrival) journal.received(this.#arrival, false)
    this.#arrival = undefined
  }

  received(arrival: Arrival, again: boolean): void {
    this.#journal?.received(arrival, again)
  }

  /** Whoever writes it down has begun so before the first response. */
  send(bytes: Buffer, again: boolean): void {
    this.#arrival = undefined
    this.#journal?.sent(bytes, this.#path.flow, again)
    this.#path.send(bytes)
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.timers.stop()
    this.#ended()
  }
}
