/** The INVITE server transaction (RFC 3261 17.2.1 with RFC 6026). A 2xx is sent again by its user, who knows of the ACK. */
import type { Arrival } from '../transport/flow.ts'
import type { Reason } from '../engine.ts'
import type { Journal } from '../trace/journal.ts'
import { ServerChannel, type ServerSetup } from './server.ts'
import type { ServerNonInvite } from './server-non-invite.ts'
import { AUTOMATIC_TRYING, T1, T2, T4, TRANSACTION_TIMEOUT } from './timers.ts'

/** Whose answer it waits for. */
export interface Answering {
  /** The CANCEL belongs into the record of what it cancels. */
  keep(cancel: ServerNonInvite): void
  /** The caller wants it no more (9.2): it is ended with `code`. */
  cancel(code: number, reason?: Reason): void
}

type State = 'Proceeding' | 'Completed' | 'Confirmed' | 'Accepted' | 'Ignored'

/**
 *     INVITE --> Proceeding: 100 after 200 ms when the user is not quicker; an INVITE that comes again gets the last 1xx again
 *                   +-- 2xx --> Accepted: an INVITE that comes again is absorbed, Timer L ends it
 *                   +-- 300-699 --> Completed: sent again by Timer G and for each INVITE, Timer H gives up
 *                                       +-- ACK --> Confirmed: further ACKs are absorbed, Timer I ends it (at once over TCP)
 */
export class ServerInvite {
  readonly #channel: ServerChannel
  /** What a CANCEL is looked up in; absent: it was refused without one. */
  answering: Answering | undefined
  #state: State = 'Proceeding'
  #last: string | undefined

  /** @param trying makes the automatic 100 */
  constructor(setup: ServerSetup, trying: () => string) {
    this.#channel = new ServerChannel(setup)
    this.#channel.timers.repeat(AUTOMATIC_TRYING, () => this.respond(100, trying()))
  }

  /** No final response yet, and none was forsworn. */
  get proceeding(): boolean {
    return this.#state === 'Proceeding' && !this.#channel.over
  }

  get ignored(): boolean {
    return this.#state === 'Ignored'
  }

  get over(): boolean {
    return this.#channel.over
  }

  keep(journal: Journal): void {
    this.#channel.keep(journal)
  }

  /** A 2xx and a provisional response may be sent again and again (RFC 3262 3); another final response only once. */
  respond(code: number, text: string): void {
    const accepted = this.#state === 'Accepted' && code >= 200 && code < 300
    if (this.#channel.over || !(this.#state === 'Proceeding' || accepted)) return
    const repeated = accepted || text === this.#last
    this.#channel.timers.stopRepeating()
    this.#last = text
    this.#channel.send(text, repeated)
    if (code < 200 || repeated) return
    if (code < 300) this.#accept()
    else this.#complete()
  }

  /** Says nothing to it from now on; what comes again is absorbed for as long as the caller may send it. */
  ignore(): void {
    if (this.#state !== 'Proceeding') return
    this.#state = 'Ignored'
    this.#last = undefined
    this.#channel.timers.stopRepeating()
    this.#channel.timers.limit(TRANSACTION_TIMEOUT + T4, () => this.#channel.end())
  }

  /** The INVITE came again. */
  receive(arrival: Arrival): void {
    this.#channel.received(arrival, true)
    if ((this.#state === 'Proceeding' || this.#state === 'Completed') && this.#last)
      this.#channel.send(this.#last, true)
  }

  /** The ACK of a final response that is no 2xx. False: it is none of ours, but of the 2xx's. */
  acknowledged(arrival: Arrival): boolean {
    if (this.#state !== 'Completed' && this.#state !== 'Confirmed') return false
    this.#channel.received(arrival, this.#state === 'Confirmed')
    if (this.#state === 'Confirmed') return true
    this.#state = 'Confirmed'
    this.#channel.timers.stop()
    if (this.#channel.reliable) this.#channel.end()
    else this.#channel.timers.limit(T4, () => this.#channel.end())
    return true
  }

  /** The ACK of its 2xx came: from now on it is only kept from being taken for a new call. */
  confirmed(): void {
    if (this.#state === 'Accepted') this.#channel.absorb()
  }

  end(): void {
    this.#channel.end()
  }

  #accept(): void {
    this.#state = 'Accepted'
    this.#last = undefined
    this.#channel.timers.limit(TRANSACTION_TIMEOUT, () => this.#channel.end())
  }

  #complete(): void {
    this.#state = 'Completed'
    // It stays for 32 s, and the call with all that it holds need not.
    this.answering = undefined
    if (!this.#channel.reliable) this.#retransmitAfter(T1)
    this.#channel.timers.limit(TRANSACTION_TIMEOUT, () => this.#channel.end())
  }

  #retransmitAfter(interval: number): void {
    this.#channel.timers.repeat(interval, () => {
      if (this.#last) this.#channel.send(this.#last, true)
      this.#retransmitAfter(Math.min(interval * 2, T2))
    })
  }
}
