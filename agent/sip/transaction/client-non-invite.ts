/** The client transaction of everything but INVITE and ACK (RFC 3261 17.1.2). */
import type { Arrival } from '../flow.ts'
import type { Response } from '../message.ts'
import { ClientChannel, type ClientSetup } from './client.ts'
import { T1, T2, T4, TRANSACTION_TIMEOUT } from './timers.ts'

/**
 *                request sent
 *     Timer E +---> Trying --- Timer F: Timeout ---> end
 *     request +-----   |
 *                      +-- 1xx --> Proceeding (Timer E goes on at T2, Timer F too)
 *                      +-- 200-699 from either --> Completed: what comes again is absorbed, Timer K ends it (at once over TCP)
 */
export class ClientNonInvite {
  readonly #setup: ClientSetup
  readonly #channel: ClientChannel
  #state: 'Trying' | 'Proceeding' | 'Completed' = 'Trying'

  constructor(setup: ClientSetup) {
    this.#setup = setup
    this.#channel = new ClientChannel(setup, this)
    const { bytes, flow } = setup
    this.#channel.send(bytes, false, (detail) => this.#fail(detail))
    if (this.#channel.over) return
    if (!flow.reliable) this.#retransmitAfter(T1)
    this.#channel.start('F', TRANSACTION_TIMEOUT, () => {
      this.#channel.end()
      setup.user.failed({ kind: 'Timeout' })
    })
  }

  /** The user has lost interest: nothing is sent or reported any more. */
  end(): void {
    this.#channel.end()
  }

  get over(): boolean {
    return this.#channel.over
  }

  receive(response: Response, arrival: Arrival): void {
    const again = this.#channel.received(arrival, this.#state === 'Completed')
    if (this.#state === 'Completed') return
    if (response.code < 200) {
      this.#state = 'Proceeding'
    } else {
      this.#state = 'Completed'
      this.#channel.stop('E', 'F')
      if (this.#setup.flow.reliable) this.#channel.end()
      else this.#channel.start('K', T4, () => this.#channel.end())
    }
    this.#setup.user.response(response, arrival, again)
  }

  flowLost(detail: string, reset: boolean): void {
    if (this.#state === 'Trying' || (this.#state === 'Proceeding' && reset)) this.#fail(detail)
  }

  #retransmitAfter(interval: number): void {
    this.#channel.start('E', interval, () => {
      this.#channel.send(this.#setup.bytes, true, (detail) => this.#fail(detail))
      const next = this.#state === 'Proceeding' ? T2 : Math.min(interval * 2, T2)
      if (!this.#channel.over) this.#retransmitAfter(next)
    })
  }

  #fail(detail: string): void {
    if (this.#channel.over || this.#state === 'Completed') return
    this.#channel.end()
    this.#setup.user.failed({ kind: 'TransportError', detail })
  }
}
