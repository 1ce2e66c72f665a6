/** The record that one call or registration keeps of its messages: its trace and its counters. */
import type { Clock } from '../../../lib/clock.ts'
import type { SignallingCounters } from '../engine.ts'
import type { Arrival, Flow } from '../transport/flow.ts'
import type { Trace } from './trace.ts'

/** Milliseconds. Messages come in groups; the wall clock is set only now and then. */
const EPOCH_LIFETIME = 1_000

export class Journal {
  readonly counters: SignallingCounters = {
    retransmissionsSent: 0,
    retransmissionsReceived: 0,
    authenticationRounds: 0,
    wrongProofs: 0,
  }
  readonly trace: Trace | undefined
  readonly #clock: Clock
  /** Milliseconds from the monotonic clock to the wall clock, and when that was looked at last, by the monotonic clock. */
  #epoch = 0
  #lookedAt = -Infinity

  /** @param trace absent: only the counters are kept */
  constructor(clock: Clock, trace: Trace | undefined) {
    this.#clock = clock
    this.trace = trace
  }

  sent(text: string, { local, remote }: Flow, again: boolean): void {
    if (again) this.counters.retransmissionsSent++
    if (!this.trace) return
    const monotonic = this.#clock.monotonic()
    const at = this.#wall(monotonic)
    this.trace.record({ at, monotonic, direction: 'Out', local, remote, text, retransmission: again })
  }

  received({ text, at: monotonic, flow: { local, remote } }: Arrival, again: boolean): void {
    if (again) this.counters.retransmissionsReceived++
    if (!this.trace) return
    const at = this.#wall(monotonic)
    this.trace.record({ at, monotonic, direction: 'In', local, remote, text, retransmission: again })
  }

  #wall(monotonic: number): number {
    if (monotonic - this.#lookedAt > EPOCH_LIFETIME) {
      this.#epoch = this.#clock.now() - this.#clock.monotonic()
      this.#lookedAt = monotonic
    }
    return this.#epoch + monotonic
  }
}
