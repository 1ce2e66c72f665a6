/** An allocation on a TURN server (RFC 8656): an address of the server, from which our datagrams go to the peer. It checks nothing and selects nothing. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { classes, Message, methods, parseMessage, TcpTransport, type Transport, TurnProtocol } from 'werift'
import type { Clock } from '../../../lib/clock.ts'

export interface TurnServer {
  /** A name or an IP address. */
  readonly host: string
  readonly port: number
  readonly transport: 'udp' | 'tcp'
  readonly username: string
  readonly password: string
}

export interface Relay extends AsyncDisposable {
  /** Of the server, where the peer sends to. */
  readonly address: string
  readonly port: number
  /** Ours, as the server sees it. */
  readonly mapped: { readonly address: string; readonly port: number }
  send(datagram: Buffer, host: string, port: number): void
}

export interface RelayOptions {
  clock: Clock
  /** Of this machine, from which the server is reached. */
  address: string
  received(datagram: Buffer, host: string, port: number): void
}

/** Seconds; the longest that servers grant unasked (RFC 8656 3.2). werift refreshes it. */
const LIFETIME = 600
/** Seconds; before the permission of 300 that comes with a channel ends (RFC 8656 9). */
const CHANNEL_REFRESH = 240
/** Milliseconds that a server has for the allocation. */
const PATIENCE = 5_000
/** Milliseconds that the server has to hear of our end. */
const FAREWELL = 500

/** @param server by its IP address. Rejects with what the server said, with the system's error, or because it did not answer in time. */
export async function allocate(server: TurnServer, options: RelayOptions): Promise<Relay> {
  const { host, port, username, password } = server
  const refused = Promise.withResolvers<never>()
  refused.promise.catch(() => undefined)
  let refusals = 0
  // The first one asks for the password. werift waits for an authentic one after that, and who refuses a password cannot sign (RFC 8489 9.2.4).
  const watch = (datagram: Buffer) => {
    const message = parseMessage(datagram)
    const isRefusal = message?.messageClass === classes.ERROR && message.messageMethod === methods.ALLOCATE
    if (isRefusal && ++refusals > 1) refused.reject(new Error(refusalOf(message)))
  }
  const transport = await (server.transport === 'udp'
    ? openDatagrams(options.address, watch)
    : openStream(server, watch))
  const turn = new TurnProtocol([host, port], username, password, LIFETIME, transport, {
    channelRefreshTime: CHANNEL_REFRESH,
  })
  const close = async () => {
    await turn.close()
    for (const transaction of Object.values(turn.transactions)) transaction.cancel()
  }
  try {
    await within(options.clock, PATIENCE, Promise.race([turn.connectionMade(), refused.promise]))
    // werift believes that an answer has what it must have.
    const { relayedAddress, mappedAddress }: Partial<TurnProtocol> = turn
    if (!relayedAddress || !mappedAddress) throw new Error('it answered without our addresses')
  } catch (cause) {
    await close()
    throw new Error(reasonOf(cause), { cause })
  }
  turn.onData.subscribe((datagram, [from, fromPort]) => options.received(datagram, from, fromPort))
  return {
    address: turn.relayedAddress[0],
    port: turn.relayedAddress[1],
    mapped: { address: turn.mappedAddress[0], port: turn.mappedAddress[1] },
    // What cannot go is lost, as on any other path.
    send: (datagram, to, toPort) => void turn.sendData(datagram, [to, toPort]).catch(() => undefined),
    async [Symbol.asyncDispose]() {
      await release(turn, options.clock)
      await close()
    },
  }
}

/** A lifetime of 0 ends the allocation; without it the server keeps the address for the rest of ten minutes (RFC 8656 7). */
async function release(turn: TurnProtocol, clock: Clock): Promise<void> {
  const refresh = new Message(methods.REFRESH, classes.REQUEST).setAttribute('LIFETIME', 0)
  await within(clock, FAREWELL, turn.requestWithRetry(refresh, turn.server)).catch(() => undefined)
}

async function within<T>(clock: Clock, milliseconds: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  using _timer = clock.timer(milliseconds, () => reject(new Error('no answer')))
  return await Promise.race([work, promise])
}

/** werift's errors carry the message that was one. */
function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'response' in error && error.response instanceof Message) {
    return refusalOf(error.response)
  }
  return error instanceof Error && error.message !== '' ? error.message : 'no answer'
}

function refusalOf(message: Message): string {
  const [code, phrase]: unknown[] = message.getAttributeValue('ERROR-CODE') ?? []
  return `refused with ${String(code)} ${shown(phrase)}`
}

/** A phrase is the server's text; this much of it is enough for a sentence, and none of it is for the terminal. */
function shown(phrase: unknown): string {
  return String(phrase)
    .replaceAll(/\p{Cc}/gu, '')
    .slice(0, 100)
}

/** A socket of the allocation alone, as werift takes it. Rejects with the system's error. */
async function openDatagrams(address: string, watch: (datagram: Buffer) => void): Promise<Transport> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const listening = once(socket, 'listening')
  socket.bind({ address, port: 0, exclusive: true })
  try {
    await listening
  } catch (error) {
    socket.close()
    throw error
  }
  // A send that failed shows as an answer that does not come.
  socket.on('error', () => undefined)
  const transport = transportOf(socket, address)
  socket.on('message', (datagram, from) => {
    watch(datagram)
    transport.onData(datagram, [from.address, from.port])
  })
  return transport
}

function transportOf(socket: Socket, address: string): Transport {
  return {
    type: 'udp',
    address: socket.address(),
    addressFamily: isIPv6(address) ? 6 : 4,
    closed: false,
    onData: () => undefined,
    async send(datagram, to) {
      if (!this.closed && to) socket.send(datagram, to[1], to[0], () => undefined)
    },
    async close() {
      if (this.closed) return
      this.closed = true
      await new Promise<void>((resolve) => void socket.close(() => resolve()))
    },
  }
}

async function openStream({ host, port }: TurnServer, watch: (datagram: Buffer) => void): Promise<Transport> {
  const stream = await TcpTransport.init([host, port], { connectTimeoutMs: PATIENCE })
  return {
    type: stream.type,
    address: stream.address,
    remoteAddress: [host, port],
    get closed() {
      return stream.closed
    },
    get onData() {
      return stream.onData
    },
    set onData(handler) {
      stream.onData = (octets, from) => {
        watch(octets)
        handler(octets, from)
      }
    },
    send: (datagram) => stream.send(datagram),
    close: () => stream.close(),
  }
}
