/** What both server machines share: the way back, the record, the timers, and their end. The states are in the two files beside it. */
import type { Arrival } from '../transport/flow.ts'
import type { Journal } from '../trace/journal.ts'
import type { ReplyPath } from '../transport/reply-path.ts'
import type { TimerWheel } from './timer-wheel.ts'
import { Absorbed, Answered, type Place } from './finished.ts'
import { PairOfTimers } from './pair-of-timers.ts'

export interface ServerSetup {
  readonly arrival: Arrival
  readonly path: ReplyPath
  readonly wheel: TimerWheel
  readonly place: Place
  readonly owner: ServerOwner
}

/** Who finds the machines by their place. */
export interface ServerOwner {
  /** It is through, and nothing of it is to be known any more. */
  ended(place: Place): void
  /** It is through, but this is to take what comes again for 64*T1. */
  finished(rest: Absorbed | Answered): void
}

export class ServerChannel {
  readonly timers: PairOfTimers
  readonly #path: ReplyPath
  readonly #place: Place
  readonly #owner: ServerOwner
  /** Kept until somebody writes it down, or a response shows that nobody does. */
  #arrival: Arrival | undefined
  #journal: Journal | undefined
  #over = false

  constructor({ arrival, path, wheel, place, owner }: ServerSetup) {
    this.timers = new PairOfTimers(wheel)
    this.#path = path
    this.#place = place
    this.#owner = owner
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
  send(text: string, again: boolean): void {
    this.#arrival = undefined
    this.#journal?.sent(text, this.#path.flow, again)
    this.#path.send(text)
  }

  end(): void {
    if (this.#close()) this.#owner.ended(this.#place)
  }

  /** Ends it; the request that comes again is absorbed. */
  absorb(): void {
    if (this.#close()) this.#owner.finished(new Absorbed(this.#place))
  }

  /** Ends it; the request that comes again gets `text` again. */
  answered(text: string): void {
    if (!this.#close()) return
    this.#owner.finished(new Answered(this.#place, { path: this.#path, text, counters: this.#journal?.counters }))
  }

  #close(): boolean {
    if (this.#over) return false
    this.#over = true
    this.timers.stop()
    return true
  }
}
