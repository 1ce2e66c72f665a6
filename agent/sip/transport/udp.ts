/** SIP over one UDP socket that all calls share (RFC 3261 18); it knows no message, only datagrams. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4, isIPv6 } from 'node:net'
import type { Clock } from '../../../lib/clock.ts'
import type { Endpoint } from '../engine.ts'
import { advertised, plainAddress } from './addresses.ts'
import { Datagrams } from './datagrams.ts'
import type { Flow, Receive } from './flow.ts'
import { bracketed } from '../message/uri.ts'

/** Bytes. With the kernel's default of 208 KB bursts of a few hundred calls are lost, and every loss is a false retransmission. */
const RECEIVE_BUFFER = 4_194_304

/** Peers that are remembered; about 300 bytes each. */
const MOST_FLOWS = 10_000

export interface UdpOptions {
  clock: Clock
  host: string
  port: number
  /** What Contact names instead of our address. */
  externalAddress?: string | undefined
  receive: Receive
  /** Told of each datagram that leaves. */
  sent: (text: string) => void
  /** The address our packets to a peer leave from, as far as it is known. */
  localHost: (remoteHost: string) => string
}

export interface UdpTransport extends AsyncDisposable {
  readonly port: number
  flow(host: string, port: number): Flow
}

/** @throws with `code`, `address` and `port` when the port cannot be bound */
export async function bindUdp(options: UdpOptions): Promise<UdpTransport> {
  const { clock, host, port, externalAddress, receive, localHost } = options
  const family = isIPv6(host) ? 6 : 4
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: RECEIVE_BUFFER,
    // Addresses are literals by now: answered at once, a datagram leaves in the same turn it was sent in.
    lookup: (address, _options, callback) =>
      callback(null, family === 6 && isIPv4(address) ? `::ffff:${address}` : address, family),
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
  const datagrams = new Datagrams()
  const sender: Sender = { socket, clock, datagrams, externalAddress, open: true, sent: options.sent }
  const flows = new Map<string, Map<number, UdpFlow>>()
  let known = 0
  /** Who was asked for last is mostly asked for next. */
  let last: UdpFlow | undefined

  /** One for each peer, so that a datagram costs no new one. A flow keeps nothing that could not be made again. */
  function flow(remoteHost: string, remotePort: number): Flow {
    const host = localHost(remoteHost)
    if (last?.leadsTo(remoteHost, remotePort) && last.localHost === host) return last
    return (last = found(remoteHost, remotePort, host))
  }

  function found(remoteHost: string, remotePort: number, host: string): UdpFlow {
    const present = flows.get(remoteHost)?.get(remotePort)
    if (present?.localHost === host) return present
    if (known >= MOST_FLOWS) {
      flows.clear()
      known = 0
    }
    known++
    const made = new UdpFlow(sender, { host, port: bound }, { host: remoteHost, port: remotePort, transport: 'UDP' })
    const ofHost = flows.get(remoteHost)
    if (ofHost) ofHost.set(remotePort, made)
    else flows.set(remoteHost, new Map([[remotePort, made]]))
    return made
  }

  // A socket of both families shows a peer of IPv4 as one of IPv6.
  const shown = family === 6 ? plainAddress : (address: string): string => address
  socket.on('message', (bytes: Buffer, remote: RemoteInfo) => {
    const at = clock.monotonic()
    // Port 0 cannot be answered; it is only found in forged datagrams.
    if (remote.port !== 0) receive(bytes, at, flow(shown(remote.address), remote.port))
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
  readonly clock: Clock
  readonly datagrams: Datagrams
  readonly externalAddress: string | undefined
  open: boolean
  readonly sent: (text: string) => void
}

/**
 * Milliseconds for which a peer that a datagram left for is taken to be one that the next can leave for as well. Less than T1, so that a
 * request that is sent again always asks.
 */
const PROVEN = 250

class UdpFlow implements Flow {
  readonly transport = 'UDP'
  readonly reliable = false
  readonly heardAt = -Infinity
  readonly local: string
  readonly localHost: string
  readonly sentBy: string
  readonly contact: string
  readonly remote: Endpoint
  readonly #sender: Sender
  #provenUntil = -Infinity

  constructor(sender: Sender, local: { host: string; port: number }, remote: Endpoint) {
    this.#sender = sender
    this.local = `${bracketed(local.host)}:${local.port}`
    this.localHost = local.host
    this.sentBy = this.local
    this.contact = `${bracketed(advertised(local.host, sender.externalAddress))}:${local.port}`
    this.remote = remote
  }

  leadsTo(host: string, port: number): boolean {
    return this.remote.port === port && this.remote.host === host
  }

  get open(): boolean {
    return this.#sender.open
  }

  send(text: string, failed?: (detail: string) => void): void {
    const { socket, clock, datagrams, open, sent } = this.#sender
    if (!open) return failed?.('the socket is closed')
    sent(text)
    const bytes = datagrams.write(text)
    const { host, port } = this.remote
    if (!failed || clock.monotonic() < this.#provenUntil) return socket.send(bytes, port, host)
    socket.send(bytes, port, host, (error) => {
      if (!error) this.#provenUntil = clock.monotonic() + PROVEN
      // A full send buffer is a lost packet like any other: the retransmission follows.
      else if (!('code' in error && (error.code === 'ENOBUFS' || error.code === 'EAGAIN'))) failed(error.message)
    })
  }

  watch(): void {}

  unwatch(): void {}

  retire(): void {}
}
