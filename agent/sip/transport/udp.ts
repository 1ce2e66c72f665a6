/** SIP over one UDP socket that all calls share (RFC 3261 18); it knows no message, only datagrams. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Clock } from '../../../lib/clock.ts'
import type { Endpoint } from '../engine.ts'
import type { Arrival, Flow } from './flow.ts'
import { bracketed } from '../message/uri.ts'

/** Bytes. With the kernel's default of 208 KB bursts of a few hundred calls are lost, and every loss is a false retransmission. */
const RECEIVE_BUFFER = 4_194_304

export interface UdpOptions {
  clock: Clock
  host: string
  port: number
  receive: (arrival: Arrival) => void
  /** Told of each datagram that leaves. */
  sent: (bytes: Buffer) => void
  /** The address our packets to a peer leave from, as far as it is known. */
  localHost: (remoteHost: string) => string
}

export interface UdpTransport extends AsyncDisposable {
  readonly port: number
  flow(host: string, port: number): Flow
}

/** @throws with `code`, `address` and `port` when the port cannot be bound */
export async function bindUdp(options: UdpOptions): Promise<UdpTransport> {
  const { clock, host, port, receive, localHost } = options
  const family = isIPv6(host) ? 6 : 4
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: RECEIVE_BUFFER,
    // Addresses are literals by now: answered at once, a datagram leaves in the same turn it was sent in.
    lookup: (address, _options, callback) => callback(null, address, family),
  })
  try {
    const listening = once(socket, 'listening')
    socket.bind({ port, address: host, exclusive: true })
    await listening
  } catch (error) {
    socket.close()
    throw error
  }
  const bound = socket.address().port
  const sender: Sender = { socket, open: true, sent: options.sent }
  const flow = (remoteHost: string, remotePort: number): Flow =>
    new UdpFlow(
      sender,
      { host: localHost(remoteHost), port: bound },
      { host: remoteHost, port: remotePort, transport: 'UDP' },
    )

  socket.on('message', (bytes: Buffer, remote: RemoteInfo) => {
    const at = clock.monotonic()
    // Port 0 cannot be answered; it is only found in forged datagrams.
    if (remote.port !== 0) receive({ bytes, at, flow: flow(remote.address, remote.port) })
  })
  // An error of a single datagram is given to whom sent it; what arrives here has no owner.
  socket.on('error', () => {})

  return {
    port: bound,
    flow,
    async [Symbol.asyncDispose]() {
      sender.open = false
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}

/** What all flows of the socket share. */
interface Sender {
  readonly socket: Socket
  open: boolean
  readonly sent: (bytes: Buffer) => void
}

class UdpFlow implements Flow {
  readonly transport = 'UDP'
  readonly reliable = false
  readonly heardAt = -Infinity
  readonly local: string
  readonly sentBy: string
  readonly remote: Endpoint
  readonly #sender: Sender

  constructor(sender: Sender, local: { host: string; port: number }, remote: Endpoint) {
    this.#sender = sender
    this.local = `${bracketed(local.host)}:${local.port}`
    this.sentBy = this.local
    this.remote = remote
  }

  get open(): boolean {
    return this.#sender.open
  }

  send(bytes: Buffer, failed: (detail: string) => void): void {
    if (!this.#sender.open) return failed('the socket is closed')
    this.#sender.sent(bytes)
    this.#sender.socket.send(bytes, this.remote.port, this.remote.host, (error) => {
      // A full send buffer is a lost packet like any other: the retransmission follows.
      if (error && !('code' in error && (error.code === 'ENOBUFS' || error.code === 'EAGAIN'))) failed(error.message)
    })
  }

  watch(): void {}

  unwatch(): void {}

  retire(): void {}
}
