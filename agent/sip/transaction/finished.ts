/** What is left of a transaction that is through while copies of its messages may still come: as little as answers them. */
import type { SignallingCounters } from '../engine.ts'
import type { Response } from '../message/message.ts'
import type { ReplyPath } from '../transport/reply-path.ts'

/** A non-INVITE client in Completed (RFC 3261 17.1.2.2, Timer K): what comes again is counted. */
export class Copies {
  readonly key: number
  readonly method: string
  readonly #counters: SignallingCounters | undefined

  constructor(key: number, method: string, counters: SignallingCounters | undefined) {
    this.key = key
    this.method = method
    this.#counters = counters
  }

  receive(): void {
    if (this.#counters) this.#counters.retransmissionsReceived++
  }
}

/** An INVITE client in Accepted (RFC 6026, Timer M) whose call is over: an answer of another branch is somebody's to end. */
export class Retired {
  readonly key: number
  readonly method = 'INVITE'
  /** In place of the To tag of the call, which would keep the whole message that it was cut out of. */
  readonly #fingerprint: number

  constructor(key: number, tag: string) {
    this.key = key
    this.#fingerprint = fingerprintOf(tag)
  }

  /** Whether it is a 2xx with another To tag than that of the call, which needs nothing any more. */
  concerns({ code, headers }: Response): boolean {
    return code >= 200 && code < 300 && fingerprintOf(headers.toTag ?? '') !== this.#fingerprint
  }
}

/** 30 bits. */
function fingerprintOf(tag: string): number {
  let mixed = tag.length
  for (let at = 0; at < tag.length; at++) mixed = (Math.imul(mixed, 31) + tag.charCodeAt(at)) & 0x3fffffff
  return mixed
}

/** Where a server transaction stands in the layer's books. */
export interface Place {
  readonly key: number
  /** What a copy that came by another way would share with it; absent when it is one itself, or inside a dialog. */
  readonly copies: number | undefined
  /** Characters of the request. */
  readonly size: number
}

/** An INVITE server in Accepted (RFC 6026, Timer L) whose ACK has come: the INVITE that comes again is absorbed. */
export class Absorbed {
  readonly place: Place
  readonly ignored = false

  constructor(place: Place) {
    this.place = place
  }

  receive(): void {}
}

/** A non-INVITE server in Completed (RFC 3261 17.2.2, Timer J): a request that comes again gets the same response again. */
export class Answered {
  readonly place: Place
  readonly #path: ReplyPath
  readonly #text: string
  readonly #counters: SignallingCounters | undefined

  constructor(place: Place, answer: { path: ReplyPath; text: string; counters: SignallingCounters | undefined }) {
    this.place = place
    this.#path = answer.path
    this.#text = answer.text
    this.#counters = answer.counters
  }

  receive(): void {
    if (this.#counters) {
      this.#counters.retransmissionsReceived++
      this.#counters.retransmissionsSent++
    }
    this.#path.send(this.#text)
  }
}
