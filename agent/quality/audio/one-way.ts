/** How long one side of the call heard nothing: we, by what arrived; the far side, by what it proves. It hears no samples. */
import type { Echo } from './echo.ts'

/** Shorter stretches without anything are loss or a pause, milliseconds. */
const DEAF = 2000

export interface OneWaySummary {
  /** Milliseconds in which we heard nothing: stretches of 2 s and longer without a packet; the whole call when all of it was silent. */
  ours: number
  /** The same of the far side; absent: nothing proves what it heard. */
  theirs?: number
  /** What proves `theirs`: our echo, or the progress of its receiver reports. */
  basis?: 'Echo' | 'ReceiverReports'
  /**
   * `oneWayAudio`: the longer of the two, as it is not known whether they overlap. Absent: nothing proves what the far side heard, and we
   * heard something all the time.
   */
  duration?: number
}

/**
 *     what arrived   | x x x x . . . . . . . . x x |      ours: the dots, when they last 2 s
 *     their reports  |   7     9     9     9    12 |      theirs: from the first 9 to the last, when it lasts 2 s
 *
 * x: packets of any kind from the peer, comfort noise too. Numbers: highest extended sequence number received, of our stream; a report
 * that does not speak of our stream has none and is no progress. What came after the last report is not known and does not count.
 * A far side with silence suppression that sends nothing at all in its pauses counts as not heard in them.
 */
export class OneWay {
  readonly #startedAt: number
  #arrivedAt: number
  #ours = 0
  #highest: number | undefined
  #progressedAt: number
  #reportedAt: number | undefined
  #theirs = 0
  /** Who sends. */
  #expected = { ours: true, theirs: true }

  /** @param startedAt monotonic milliseconds from which both sides send */
  constructor(startedAt: number) {
    this.#startedAt = startedAt
    this.#arrivedAt = startedAt
    this.#progressedAt = startedAt
  }

  /** From `at` on: whose packets are to be heard. What was missed until then is counted. */
  expects(at: number, ours: boolean, theirs: boolean): void {
    this.arrived(at)
    if (this.#reportedAt !== undefined && this.#expected.ours)
      this.#theirs += deaf(this.#progressedAt, this.#reportedAt)
    this.#progressedAt = at
    this.#expected = { ours, theirs }
  }

  /** A packet came. @param at monotonic milliseconds */
  arrived(at: number): void {
    if (this.#expected.theirs) this.#ours += deaf(this.#arrivedAt, at)
    this.#arrivedAt = Math.max(this.#arrivedAt, at)
  }

  /** A receiver report came. @param highest extended sequence number of ours that it names; undefined: it names none */
  reported(at: number, highest: number | undefined): void {
    if (!this.#expected.ours) this.#progressedAt = at
    else if (highest !== undefined && highest !== this.#highest) {
      if (this.#reportedAt !== undefined) this.#theirs += deaf(this.#progressedAt, this.#reportedAt)
      this.#highest = highest
      this.#progressedAt = at
    }
    this.#reportedAt = at
  }

  /** @param endedAt monotonic milliseconds at which either side stopped @param silent all that arrived was silence */
  summary(endedAt: number, silent: boolean, echo: Echo): OneWaySummary {
    const missed = this.#expected.theirs ? deaf(this.#arrivedAt, endedAt) : 0
    const ours = silent ? endedAt - this.#startedAt : this.#ours + missed
    if (echo.kind === 'Found') return { ours, theirs: 0, basis: 'Echo', duration: ours }
    if (this.#reportedAt !== undefined) {
      const theirs = this.#theirs + deaf(this.#progressedAt, this.#reportedAt)
      return { ours, theirs, basis: 'ReceiverReports', duration: Math.max(ours, theirs) }
    }
    return ours > 0 ? { ours, duration: ours } : { ours }
  }
}

function deaf(from: number, to: number): number {
  return to - from >= DEAF ? to - from : 0
}
