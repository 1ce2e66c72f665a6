/** What a session sends by and receives on: a pair of sockets, or a path over ICE and DTLS on one of them. It judges no packet of the peer. */
import type { RemoteInfo, Socket } from 'node:dgram'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { type DatagramKind, kindOf } from './demultiplex.ts'
import type { Protection } from './media.ts'
import type { NegotiatedPath, PathOptions } from './negotiated-path.ts'
import type { PacketSource } from './packet-path.ts'
import type { PortPair } from './ports.ts'

export interface SessionPortsOptions {
  clock: Clock
  random: Random
  pair: PortPair
  /** Something came on the RTP port, or over the path: then it is RTP or RTCP, and the peer's. @param at monotonic milliseconds */
  received: (kind: DatagramKind, message: Buffer, at: number, from: PacketSource) => void
  /** Something came on the RTCP port. */
  reported: (message: Buffer, at: number, from: PacketSource) => void
  /** The peer made another handshake. */
  rekeyed: (keys: Protection) => void
}

export class SessionPorts implements AsyncDisposable {
  readonly #options: SessionPortsOptions
  readonly #onMessage: (message: Buffer, from: RemoteInfo) => void
  #path: NegotiatedPath | undefined
  #handshakes = false
  /** Of a path that was left: relays are given back. */
  #left: Promise<void> | undefined

  constructor(options: SessionPortsOptions) {
    this.#options = options
    const { clock, pair } = options
    this.#onMessage = (message, from) => options.received(kindOf(message), message, clock.monotonic(), from)
    pair.rtp.on('message', this.#onMessage)
    pair.rtcp.on('message', (message, from) => options.reported(message, clock.monotonic(), from))
    // A send that failed is told to its callback; an error of the socket itself shows as packets that do not come.
    pair.rtp.on('error', () => undefined)
    pair.rtcp.on('error', () => undefined)
  }

  get rtp(): Socket {
    return this.#options.pair.rtp
  }

  get rtcp(): Socket {
    return this.#options.pair.rtcp
  }

  get rtpPort(): number {
    return this.#options.pair.rtpPort
  }

  get rtcpPort(): number {
    return this.#options.pair.rtcpPort
  }

  get path(): NegotiatedPath | undefined {
    return this.#path
  }

  /** Handshakes of the path after the first one; undefined: the keys, if there are any, are of no handshake. */
  get rehandshakes(): number | undefined {
    return this.#handshakes ? this.#path?.rehandshakes : undefined
  }

  /** From now on the path listens to the RTP socket. @param mayBe asked when the code is there, which takes its time @throws when it may not */
  async negotiatePath(
    options: Pick<PathOptions, 'ice' | 'certificate' | 'lost'>,
    mayBe: () => boolean,
  ): Promise<NegotiatedPath> {
    // 40 MB that a call without it does not pay.
    const { NegotiatedPath } = await import('./negotiated-path.ts')
    if (this.#path || !mayBe()) throw new Error('a path is found before the start')
    const { clock, random, pair, received, rekeyed } = this.#options
    pair.rtp.off('message', this.#onMessage)
    this.#path = new NegotiatedPath({ ...options, clock, random, socket: pair.rtp, rekeyed })
    this.#handshakes = options.certificate !== undefined
    this.#path.listen(received)
    return this.#path
  }

  /** As if there had been none. */
  leavePath(): void {
    const path = this.#path
    if (!path) return
    this.#path = undefined
    this.#handshakes = false
    this.#left = path[Symbol.asyncDispose]()
    this.#options.pair.rtp.on('message', this.#onMessage)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#left
    await this.#path?.[Symbol.asyncDispose]()
    await this.#options.pair[Symbol.asyncDispose]()
  }
}
