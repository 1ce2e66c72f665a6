/** The INVITE client transaction (RFC 3261 17.1.1 with RFC 6026); it does not know what a call is. */
import type { Arrival } from '../transport/flow.ts'
import { Headers } from '../message/headers.ts'
import { requestText, type Request, type Response } from '../message/message.ts'
import { ClientChannel, type ClientSetup, type ClientUser } from './client.ts'
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
  readonly method = 'INVITE'
  readonly #channel: ClientChannel
  readonly #user: ClientUser
  /** What only an unanswered INVITE needs: it is let go with the answer, since the states after it last 32 s. */
  #sent: { readonly request: Request; readonly text: string } | undefined
  #state: State = 'Calling'
  #acknowledgement: string | undefined

  constructor(setup: ClientSetup) {
    const { request, text, user } = setup
    this.#channel = new ClientChannel(setup, this)
    this.#user = user
    this.#sent = { request, text }
    this.#channel.begin(
      setup,
      (detail) => this.#fail(detail),
      () => this.#retransmitAfter(T1),
    )
  }

  /** RFC 3261 9.1: only now may a CANCEL be sent. */
  get proceeding(): boolean {
    return this.#state === 'Proceeding' && !this.#channel.over
  }

  get over(): boolean {
    return this.#channel.over
  }

  /** No further retransmission; whatever still comes is handled. */
  quiet(): void {
    this.#channel.timers.stopRepeating()
  }

  end(): void {
    this.#channel.end()
  }

  /** The call that the 2xx with this To tag made is over: its user is told of no further answer. */
  retire(tag: string): void {
    this.#channel.retire(tag)
  }

  receive(response: Response, arrival: Arrival): void {
    const again = this.#channel.received(arrival, this.#state === 'Completed')
    const { code } = response
    if (this.#state === 'Completed') {
      if (code >= 300 && this.#acknowledgement) this.#channel.send(this.#acknowledgement, true, () => {})
      return
    }
    if (this.#state === 'Accepted') {
      if (code >= 200 && code < 300) this.#user.response(response, arrival, again)
      return
    }
    this.#channel.timers.stop()
    if (code >= 200) this.#channel.answered()
    if (code < 200) this.#state = 'Proceeding'
    else if (code < 300) this.#accept()
    else this.#complete(response)
    this.#user.response(response, arrival, again)
  }

  flowLost(detail: string, reset: boolean): void {
    // An orderly end after a provisional response: the final one may come over a new connection (18.2.2).
    if (this.#state === 'Calling' || (this.#state === 'Proceeding' && reset)) this.#fail(detail)
  }

  #accept(): void {
    this.#state = 'Accepted'
    this.#sent = undefined
    this.#channel.timers.limit(TRANSACTION_TIMEOUT, () => this.#channel.end())
  }

  #complete(response: Response): void {
    this.#state = 'Completed'
    if (this.#sent) this.#acknowledgement = acknowledgement(this.#sent.request, response)
    this.#sent = undefined
    if (this.#acknowledgement) this.#channel.send(this.#acknowledgement, false, () => {})
    if (this.#channel.reliable) this.#channel.end()
    else this.#channel.timers.limit(TRANSACTION_TIMEOUT, () => this.#channel.end())
  }

  #retransmitAfter(interval: number): void {
    this.#channel.timers.repeat(interval, () => {
      if (this.#sent) this.#channel.send(this.#sent.text, true, (detail) => this.#fail(detail))
      if (!this.#channel.over) this.#retransmitAfter(interval * 2)
    })
  }

  #fail(detail: string): void {
    if (this.#channel.over || this.#state === 'Completed' || this.#state === 'Accepted') return
    this.#channel.end()
    this.#user.failed({ kind: 'TransportError', detail })
  }
}

/** The ACK of a final response that is no 2xx: it belongs to the transaction (17.1.1.3). */
function acknowledgement({ uri, headers }: Request, response: Response): string {
  const ack = new Headers()
    .add('Via', headers.list('via')[0] ?? '')
    .add('Max-Forwards', '70')
    .addAll('Route', headers.all('route'))
    .add('From', headers.get('from') ?? '')
    .add('To', response.headers.get('to') ?? headers.get('to') ?? '')
    .add('Call-ID', headers.callId)
    .add('CSeq', `${headers.cseq?.number ?? 1} ACK`)
  return requestText({ method: 'ACK', uri, headers: ack, body: '' })
}
