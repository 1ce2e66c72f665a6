/** Provisional responses that are sent again until their PRACK comes (RFC 3262 3), one at a time and in their order. It builds none of them. */
import type { Random } from '../../../lib/random.ts'
import type { Request } from '../message/message.ts'
import type { Timer, TimerWheel } from '../transaction/timer-wheel.ts'
import { T1, TRANSACTION_TIMEOUT } from '../transaction/timers.ts'

/** Those that wait behind one without PRACK; who rings more often than that says nothing new. */
const MOST_QUEUED = 16

export interface Provisional {
  /** Builds it with this RSeq. */
  build(sequence: number): string
  send(text: string): void
  /** With a session description: no 2xx before its PRACK (section 5). */
  described: boolean
}

/**
 *     UAS                                        UAC
 *      |--- 183, Require: 100rel, RSeq: n -------->|   again after T1, 2*T1, 4*T1, ...; given up after 64*T1
 *      |<-- PRACK, RAck: n (CSeq of the INVITE) ---|
 *      |--- 200 (PRACK) -------------------------->|
 *      |--- 180, Require: 100rel, RSeq: n+1 ------>|
 */
export class ReliableProvisionals {
  readonly #wheel: TimerWheel
  readonly #gaveUp: () => void
  readonly #queue: Provisional[] = []
  #sequence: number
  #waiting: Provisional | undefined
  #again: Timer | undefined
  #limit: Timer | undefined

  constructor({ wheel, random }: { wheel: TimerWheel; random: Random }, gaveUp: () => void) {
    this.#wheel = wheel
    this.#gaveUp = gaveUp
    // Section 3: from 1 to 2^31 - 1, and far enough below the end to be counted up.
    this.#sequence = 1 + Math.floor(random() * (2 ** 31 - 2 ** 16))
  }

  /** One with a description has no PRACK yet. */
  get blocking(): boolean {
    return (this.#waiting?.described ?? false) || this.#queue.some(({ described }) => described)
  }

  add(provisional: Provisional): void {
    if (this.#waiting) {
      if (this.#queue.length < MOST_QUEUED) this.#queue.push(provisional)
      return
    }
    this.#waiting = provisional
    const text = provisional.build(this.#sequence)
    provisional.send(text)
    this.#retransmitAfter(T1, () => provisional.send(text))
    this.#limit = this.#wheel.start(TRANSACTION_TIMEOUT, () => {
      this.stop()
      this.#gaveUp()
    })
  }

  /** Whether this PRACK acknowledges the one that waits; then `next` is due, once it has been answered. */
  acknowledged({ headers }: Request, invite: Request): boolean {
    const [, sequence, number, method] = /^\s*(\d{1,10})\s+(\d{1,10})\s+(\S+)\s*$/.exec(headers.get('rack') ?? '') ?? []
    const ours = Number(sequence) === this.#sequence && Number(number) === invite.headers.cseq?.number
    if (!this.#waiting || !ours || method !== 'INVITE') return false
    this.#again?.cancel()
    this.#limit?.cancel()
    this.#waiting = undefined
    this.#sequence++
    return true
  }

  next(): void {
    const provisional = this.#queue.shift()
    if (provisional) this.add(provisional)
  }

  /** A final response is sent: what has no PRACK is not sent again, but a PRACK that still comes is right. */
  quiet(): void {
    this.#again?.cancel()
    this.#limit?.cancel()
    this.#queue.length = 0
  }

  stop(): void {
    this.quiet()
    this.#waiting = undefined
  }

  #retransmitAfter(interval: number, send: () => void): void {
    this.#again = this.#wheel.start(interval, () => {
      send()
      this.#retransmitAfter(interval * 2, send)
    })
  }
}
