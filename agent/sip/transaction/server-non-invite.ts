/** The server transaction of everything but INVITE and ACK (RFC 3261 17.2.2). */
import type { Arrival } from '../transport/flow.ts'
import type { Journal } from '../trace/journal.ts'
import { ServerChannel, type ServerSetup } from './server.ts'
import { T4, TRANSACTION_TIMEOUT } from './timers.ts'

/**
 *     request --> Trying -- 1xx --> Proceeding -- 200-699 --> Completed: sent again for each request that comes, Timer J ends it
 *
 * A user who never answers must not keep it for ever: it ends when the client has given up (Timer F).
 */
export class ServerNonInvite {
  readonly #channel: ServerChannel
  #last: string | undefined

  constructor(setup: ServerSetup) {
    this.#channel = new ServerChannel(setup)
    this.#channel.timers.limit(TRANSACTION_TIMEOUT + T4, () => this.#channel.end())
  }

  keep(journal: Journal): void {
    this.#channel.keep(journal)
  }

  respond(code: number, text: string): void {
    if (this.#channel.over) return
    this.#last = text
    this.#channel.send(text, false)
    if (code < 200) return
    if (this.#channel.reliable) this.#channel.end()
    else this.#channel.answered(text)
  }

  /** The request came again. */
  receive(arrival: Arrival): void {
    this.#channel.received(arrival, true)
    if (this.#last) this.#channel.send(this.#last, true)
  }

  end(): void {
    this.#channel.end()
  }
}
