/** The listeners of the connections that peers make to us: TCP, TLS, WS and WSS. Each gives on channels that are ready to be used. */
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTls } from 'node:tls'
import type { Clock } from '../../../lib/clock.ts'
import type { Limits, Refusals } from '../limits.ts'
import { bindOneOf, type PortRange } from './bind.ts'
import { type Channel, remoteOf, StreamChannel } from './channel.ts'
import { KEEP_ALIVE } from './connect.ts'
import type { ConnectionTransport } from './hop.ts'
import { type Identity, serverOptions } from './tls.ts'
import { takeWebSockets } from './websocket.ts'

export interface ListenOptions {
  clock: Clock
  host: string
  ports: PortRange
  limits: Limits
  refused: Refusals
  identity: Identity | undefined
  taken: (channel: Channel, remote: { host: string; port: number }) => void
}

export interface Listener extends AsyncDisposable {
  readonly port: number
}

type Taken = (channel: Channel, socket: Socket) => void

/** @throws with `code`, `address` and `port` when the port cannot be bound */
export async function listenFor(transport: ConnectionTransport, options: ListenOptions): Promise<Listener> {
  const { clock, host, ports, limits, refused } = options
  /** By the peer's address: who has connected and not yet done what makes a channel of it. */
  const unready = new Map<string, { socket: Socket; timer: Disposable }>()

  const server = serverOf(transport, options, (channel, socket) => {
    const remote = remoteOf(socket)
    if (!remote) return channel.destroy()
    ready(keyOf(socket))
    options.taken(channel, remote)
  })
  function ready(key: string): void {
    unready.get(key)?.timer[Symbol.dispose]()
    unready.delete(key)
  }
  server.prependListener('connection', (socket: Socket) => {
    const key = keyOf(socket)
    const timer = clock.timer(limits.handshake, () => {
      refused.handshakes++
      socket.destroy()
    })
    unready.set(key, { socket, timer })
    socket.on('close', () => ready(key))
    // Before it is a channel nobody else hears of its end.
    socket.on('error', () => {})
  })
  server.maxConnections = limits.connections
  server.on('drop', () => refused.connections++)
  try {
    await bindOneOf(ports, async (port) => {
      const listening = once(server, 'listening')
      server.listen({ host, port, exclusive: true })
      await listening
    })
  } catch (error) {
    server.close()
    throw error
  }
  // After this, an error is one of accept(2) (no more descriptors): the caller is not let in, the others stay.
  server.on('error', () => {})
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const { socket } of unready.values()) socket.destroy()
      await closed
    },
  }
}

function serverOf(transport: ConnectionTransport, { identity }: ListenOptions, taken: Taken): Server {
  const stream = (socket: Socket): void => taken(new StreamChannel(socket), socket)
  switch (transport) {
    case 'TCP':
      return createServer(KEEP_ALIVE, stream)
    case 'TLS':
      return createTls({ ...KEEP_ALIVE, ...serverOptions(known(identity)) }, stream)
    case 'WS': {
      const server = createHttp(KEEP_ALIVE)
      takeWebSockets(server, taken)
      return server
    }
    case 'WSS': {
      const server = createHttps({ ...KEEP_ALIVE, ...serverOptions(known(identity)) })
      takeWebSockets(server, taken)
      return server
    }
  }
}

function known(identity: Identity | undefined): Identity {
  if (!identity) throw new Error('TLS and WSS need a certificate of our own to listen with')
  return identity
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
