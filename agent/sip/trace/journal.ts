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

  sent(text: string, { local, remote }: Flow, again: boolean): void {
    if (again) this.counters.retransmissionsSent++
    if (!this.trace) return
    const at = this.#clock.now()
    const monotonic = this.#clock.monotonic()
    this.trace.record({ at, monotonic, direction: 'Out', local, remote, text, retransmission: again })
  }

  received({ text, at: monotonic, flow: { local, remote } }: Arrival, again: boolean): void {
    if (again) this.counters.retransmissionsReceived++
    if (!this.trace) return
    const at = this.#clock.now() - (this.#clock.monotonic() - monotonic)
    this.trace.record({ at, monotonic, direction: 'In', local, remote, text, retransmission: again })
  }
}
