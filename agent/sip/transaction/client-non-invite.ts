/** The client transaction of everything but INVITE and ACK (RFC 3261 17.1.2). */
import type { Arrival } from '../transport/flow.ts'
import type { Response } from '../message/message.ts'
import { ClientChannel, type ClientSetup, type ClientUser } from './client.ts'
import { T1, T2 } from './timers.ts'

/**
 *                request sent
 *     Timer E +---> Trying --- Timer F: Timeout ---> end
 *     request +-----   |
 *                      +-- 1xx --> Proceeding (Timer E goes on at T2, Timer F too)
 *                      +-- 200-699 from either --> Completed: what comes again is absorbed, Timer K ends it (at once over TCP)
 */
export class ClientNonInvite {
  readonly method: string
  readonly #channel: ClientChannel
  /** Both are let go with the final response. */
  #user: ClientUser | undefined
  #text: string | undefined
  #state: 'Trying' | 'Proceeding' | 'Completed' = 'Trying'

  constructor(setup: ClientSetup) {
    const { request, text, user } = setup
    this.method = request.method
    this.#channel = new ClientChannel(setup, this)
    this.#user = user
    this.#text = text
    this.#channel.begin(
      setup,
      (detail) => this.#fail(detail),
      () => this.#retransmitAfter(T1),
    )
  }

  get over(): boolean {
    return this.#channel.over
  }

  /** The user has lost interest: nothing is sent or reported any more. */
  end(): void {
    this.#channel.end()
  }

  receive(response: Response, arrival: Arrival): void {
    const again = this.#channel.received(arrival, this.#state === 'Completed')
    if (this.#state === 'Completed') return
    const user = this.#user
    if (response.code < 200) this.#state = 'Proceeding'
    else this.#complete()
    user?.response(response, arrival, again)
  }

  flowLost(detail: string, reset: boolean): void {
    if (this.#state === 'Trying' || (this.#state === 'Proceeding' && reset)) this.#fail(detail)
  }

  #complete(): void {
    this.#state = 'Completed'
    this.#user = undefined
    this.#text = undefined
    if (this.#channel.reliable) this.#channel.end()
    else this.#channel.complete(this.method)
  }

  #retransmitAfter(interval: number): void {
    this.#channel.timers.repeat(interval, () => {
      if (this.#text) this.#channel.send(this.#text, true, (detail) => this.#fail(detail))
      const next = this.#state === 'Proceeding' ? T2 : Math.min(interval * 2, T2)
      if (!this.#channel.over) this.#retransmitAfter(next)
    })
  }

  #fail(detail: string): void {
    if (this.#channel.over || this.#state === 'Completed') return
    this.#channel.end()
    this.#user?.failed({ kind: 'TransportError', detail })
  }
}
