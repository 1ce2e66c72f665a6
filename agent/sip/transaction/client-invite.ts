/** The INVITE client transaction (RFC 3261 17.1.1 with RFC 6026); it does not know what a call is. */
import type { Arrival } from '../flow.ts'
import { Headers } from '../headers.ts'
import { requestBytes, type Request, type Response } from '../message.ts'
import { ClientChannel, type ClientSetup } from './client.ts'
import { T1, TRANSACTION_TIMEOUT } from './timers.ts'

type State = 'Calling' | 'Proceeding' | 'Completed' | 'Accepted'

/**
 *                 INVITE sent
 *     Timer A  +---> Calling --- Timer B: Timeout ---> end
 *     INVITE   +-----   |
 *                       +-- 1xx --> Proceeding            2xx from either --> Accepted:  each 2xx to the user,
 *                                                                             Timer M ends it
 *                                   300-699 from either --> Completed: ACK sent, again for each one that comes,
 *                                                                      Timer D ends it (at once over TCP)
 */
export class ClientInvite {
  readonly #setup: ClientSetup
  readonly #channel: ClientChannel
  #state: State = 'Calling'
  #acknowledgement: Buffer | undefined

  constructor(setup: ClientSetup) {
    this.#setup = setup
    this.#channel = new ClientChannel(setup, this)
    const { bytes, flow } = setup
    this.#channel.send(bytes, false, (detail) => this.#fail(detail))
    if (this.#channel.over) return
    if (!flow.reliable) this.#retransmitAfter(T1)
    this.#channel.start('B', TRANSACTION_TIMEOUT, () => {
      this.#channel.end()
      setup.user.failed({ kind: 'Timeout' })
    })
  }

  /** RFC 3261 9.1: only now may a CANCEL be sent. */
  get proceeding(): boolean {
    return this.#state === 'Proceeding'
  }

  /** No further retransmission; whatever still comes is handled. */
  quiet(): void {
    this.#channel.stop('A')
  }

  end(): void {
    this.#channel.end()
  }

  get over(): boolean {
    return this.#channel.over
  }

  receive(response: Response, arrival: Arrival): void {
    const again = this.#channel.received(arrival, this.#state === 'Completed')
    const { code } = response
    if (this.#state === 'Completed') {
      if (code >= 300 && this.#acknowledgement) this.#channel.send(this.#acknowledgement, true, () => {})
      return
    }
    if (this.#state === 'Accepted') {
      if (code >= 200 && code < 300) this.#setup.user.response(response, arrival, again)
      return
    }
    if (code < 200) this.#state = 'Proceeding'
    else if (code < 300) this.#accept()
    else this.#complete(response)
    this.#channel.stop('A', 'B')
    this.#setup.user.response(response, arrival, again)
  }

  flowLost(detail: string, reset: boolean): void {
    // An orderly end after a provisional response: the final one may come over a new connection (18.2.2).
    if (this.#state === 'Calling' || (this.#state === 'Proceeding' && reset)) this.#fail(detail)
  }

  #accept(): void {
    this.#state = 'Accepted'
    this.#channel.start('M', TRANSACTION_TIMEOUT, () => this.#channel.end())
  }

  #complete(response: Response): void {
    this.#state = 'Completed'
    this.#acknowledgement = acknowledgement(this.#setup.request, response)
    this.#channel.send(this.#acknowledgement, false, () => {})
    if (this.#setup.flow.reliable) this.#channel.end()
    else this.#channel.start('D', TRANSACTION_TIMEOUT, () => this.#channel.end())
  }

  #retransmitAfter(interval: number): void {
    this.#channel.start('A', interval, () => {
      this.#channel.send(this.#setup.bytes, true, (detail) => this.#fail(detail))
      if (!this.#channel.over) this.#retransmitAfter(interval * 2)
    })
  }

  #fail(detail: string): void {
    if (this.#channel.over || this.#state === 'Completed' || this.#state === 'Accepted') return
    this.#channel.end()
    this.#setup.user.failed({ kind: 'TransportError', detail })
  }
}

/** The ACK of a final response that is no 2xx: it belongs to the transaction (17.1.1.3). */
function acknowledgement({ uri, headers }: Request, response: Response): Buffer {
  const ack = new Headers()
    .add('Via', headers.list('via')[0] ?? '')
    .add('Max-Forwards', '70')
    .addAll('Route', headers.all('route'))
    .add('From', headers.get('from') ?? '')
    .add('To', response.headers.get('to') ?? headers.get('to') ?? '')
    .add('Call-ID', headers.callId)
    .add('CSeq', `${headers.cseq?.number ?? 1} ACK`)
  return requestBytes({ method: 'ACK', uri, headers: ack, body: '' })
}
