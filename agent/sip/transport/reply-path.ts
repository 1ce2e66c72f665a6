/** The way back to who sent a request (RFC 3261 18.2.2, RFC 3581 4); it builds no response. */
import type { Arrival, Flow, OpenOutcome } from './flow.ts'
import { defaultPort, type Target } from './hop.ts'
import type { Via } from '../message/via.ts'

/** What it needs of the transports. */
export interface Ways {
  udp(host: string, port: number): Flow
  /** The connection to the peer that is there, without waiting. */
  present(target: Target): Flow | undefined
  /** TCP is through and TLS is not: that a connection took too long is the fault of TLS then. */
  securing(target: Target): boolean
  /** A connection to the peer: the one that is there, or a new one. */
  open(target: Target): Promise<OpenOutcome>
}

export class ReplyPath {
  readonly #ways: Ways
  readonly #port: number
  #flow: Flow

  /** Over UDP to the source address, and to its port when `rport` asks for it, else to the port in Via. Over a connection on the same one. */
  constructor({ flow }: Arrival, via: Via, ways: Ways) {
    this.#ways = ways
    this.#port = via.port ?? defaultPort(flow.transport)
    const { host, port, transport } = flow.remote
    const elsewhere = transport === 'UDP' && !via.wantsPort && this.#port !== port
    this.#flow = elsewhere ? ways.udp(host, this.#port) : flow
  }

  get flow(): Flow {
    return this.#flow
  }

  /** When the connection has ended, another one is made to the port in Via. What cannot be sent is lost; the peer's retransmission asks again. */
  send(text: string): void {
    if (this.#flow.open) return this.#flow.send(text)
    const { host, transport } = this.#flow.remote
    void this.#ways.open({ host, port: this.#port, transport }).then((outcome) => {
      if (outcome.kind !== 'Open') return
      this.#flow = outcome.flow
      outcome.flow.send(text)
    })
  }
}
