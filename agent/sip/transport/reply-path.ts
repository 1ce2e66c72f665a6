/** The way back to who sent a request (RFC 3261 18.2.2, RFC 3581 4); it builds no response. */
import type { Arrival, Flow, OpenOutcome } from './flow.ts'
import type { Via } from '../message/headers.ts'

/** What it needs of the transports. */
export interface Ways {
  udp(host: string, port: number): Flow
  tcp(host: string, port: number): Promise<OpenOutcome>
}

const DEFAULT_PORT = 5060

export class ReplyPath {
  readonly #ways: Ways
  readonly #port: number
  #flow: Flow

  /** Over UDP to the source address, and to its port when `rport` asks for it, else to the port in Via. Over TCP on the same connection. */
  constructor({ flow }: Arrival, via: Via, ways: Ways) {
    this.#ways = ways
    this.#port = via.port ?? DEFAULT_PORT
    const { host, port, transport } = flow.remote
    const elsewhere = transport === 'UDP' && !via.parameters.has('rport') && this.#port !== port
    this.#flow = elsewhere ? ways.udp(host, this.#port) : flow
  }

  get flow(): Flow {
    return this.#flow
  }

  /** When the connection has ended, another one is made to the port in Via. What cannot be sent is lost; the peer's retransmission asks again. */
  send(bytes: Buffer): void {
    if (this.#flow.open) return this.#flow.send(bytes, () => {})
    void this.#ways.tcp(this.#flow.remote.host, this.#port).then((outcome) => {
      if (outcome.kind !== 'Open') return
      this.#flow = outcome.flow
      outcome.flow.send(bytes, () => {})
    })
  }
}
