/** The record that one call or registration keeps of its messages: its trace and its counters. */
import type { Clock } from '../../../lib/clock.ts'
import type { SignallingCounters } from '../engine.ts'
import type { Arrival, Flow } from '../transport/flow.ts'
import type { Trace } from './trace.ts'
import { bracketed } from '../message/uri.ts'

export class Journal {
  readonly counters: SignallingCounters = {
    retransmissionsSent: 0,
    retransmissionsReceived: 0,
    authenticationRounds: 0,
  }
  readonly trace: Trace
  readonly #clock: Clock

  constructor(clock: Clock, trace: Trace) {
    this.#clock = clock
    this.trace = trace
  }

  sent(bytes: Buffer, flow: Flow, again: boolean): void {
    if (again) this.counters.retransmissionsSent++
    this.#record('Out', { bytes, flow, at: this.#clock.monotonic() }, again)
  }

  received(arrival: Arrival, again: boolean): void {
    if (again) this.counters.retransmissionsReceived++
    this.#record('In', arrival, again)
  }

  #record(direction: 'In' | 'Out', { bytes, flow, at }: Arrival, retransmission: boolean): void {
    const { transport, local, remote } = flow
    this.trace.record({
      at: this.#clock.now() - (this.#clock.monotonic() - at),
      monotonic: at,
      direction,
      transport,
      local,
      remote: `${bracketed(remote.host)}:${remote.port}`,
      bytes,
      retransmission,
    })
  }
}
