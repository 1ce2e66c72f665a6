/** The record that one call or registration keeps of its messages: its trace and its counters. */
import type { Clock } from '../../../lib/clock.ts'
import type { SignallingCounters } from '../engine.ts'
import type { Arrival, Flow } from '../transport/flow.ts'
import type { Trace } from './trace.ts'

export class Journal {
  readonly counters: SignallingCounters = {
    retransmissionsSent: 0,
    retransmissionsReceived: 0,
    authenticationRounds: 0,
    wrongProofs: 0,
  }
  readonly trace: Trace | undefined
  readonly #clock: Clock

  /** @param trace absent: only the counters are kept */
  constructor(clock: Clock, trace: Trace | undefined) {
    this.#clock = clock
    this.trace = trace
  }

  sent(text: string, flow: Flow, again: boolean): void {
    if (again) this.counters.retransmissionsSent++
    if (this.trace) this.#record('Out', { text, at: this.#clock.monotonic(), flow }, again)
  }

  received(arrival: Arrival, again: boolean): void {
    if (again) this.counters.retransmissionsReceived++
    if (this.trace) this.#record('In', arrival, again)
  }

  #record(direction: 'In' | 'Out', { text, at, flow }: Arrival, retransmission: boolean): void {
    this.trace?.record({
      at: this.#clock.now() - (this.#clock.monotonic() - at),
      monotonic: at,
      direction,
      local: flow.local,
      remote: flow.remote,
      text,
      retransmission,
    })
  }
}
