/** SIP over TCP: one listener, and connections that are used again for the same peer (RFC 3261 18); it reads no message beyond its length. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { isWildcard, plainAddress } from '../locate/addresses.ts'
import type { Endpoint } from '../engine.ts'
import type { OpenOutcome } from './flow.ts'
import type { Target } from './hop.ts'
import { Connection, type ConnectionOptions } from './connection.ts'

export interface TcpOptions extends Omit<ConnectionOptions, 'listening'> {
  host: string
  port: number
}

export interface TcpTransport extends AsyncDisposable {
  readonly port: number
  /** A connection to the peer: the one that is there, or a new one. Gives up after 32 s, like timer B. */
  open(target: Target): Promise<OpenOutcome>
}

/** Milliseconds. */
const CONNECT_TIMEOUT = 32_000

/** TCP's own probes find a peer that is gone, and keep a firewall from forgetting the connection. Milliseconds before the first one. */
const KEEP_ALIVE = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }

/** @throws with `code`, `address` and `port` when the port cannot be bound */
export async function listenTcp(options: TcpOptions): Promise<TcpTransport> {
  const { clock, host, port, limits, refused } = options
  const connections = new Set<Connection>()
  /** Connections and those under way by peer, whoever opened them; the last one of each. */
  const byPeer = new Map<string, { connection: Connection; made: Promise<OpenOutcome> }>()

  function adopt(
    socket: Socket,
    remote: Endpoint,
    open: (connection: Connection) => Promise<OpenOutcome>,
  ): Promise<OpenOutcome> {
    const key = peerKey(remote)
    const connection: Connection = new Connection(socket, remote, { ...options, listening }, () => {
      connections.delete(connection)
      if (byPeer.get(key)?.connection === connection) byPeer.delete(key)
    })
    connections.add(connection)
    const made = open(connection)
    byPeer.set(key, { connection, made })
    return made
  }

  const listening = (): number => {
    const address = server.address()
    return address !== null && typeof address === 'object' ? address.port : port
  }

  const server = createServer(KEEP_ALIVE, (socket) => {
    const { remoteAddress, remotePort } = socket
    // Gone before it was accepted.
    if (remoteAddress === undefined || remotePort === undefined) return socket.destroy()
    const remote: Endpoint = { host: plainAddress(remoteAddress), port: remotePort, transport: 'TCP' }
    void adopt(socket, remote, async (flow) => ({ kind: 'Open', flow }))
  })
  server.maxConnections = limits.connections
  server.on('drop', () => refused.connections++)
  try {
    const listening = once(server, 'listening')
    server.listen({ host, port, exclusive: true })
    await listening
  } catch (error) {
    server.close()
    throw error
  }
  // After this, an error is one of accept(2) (no more descriptors): the caller is not let in, the others stay.
  server.on('error', () => {})

  async function established(socket: Socket, flow: Connection): Promise<OpenOutcome> {
    using _timer = clock.timer(CONNECT_TIMEOUT, () => socket.destroy(new Error('it was not accepted in time')))
    try {
      await once(socket, 'connect')
      return { kind: 'Open', flow }
    } catch (error) {
      return { kind: 'ConnectFailed', detail: error instanceof Error ? error.message : String(error) }
    }
  }

  return {
    port: listening(),
    async open({ host: remoteHost, port: remotePort, transport }) {
      if (transport !== 'TCP') return { kind: 'ConnectFailed', detail: `there is no ${transport} here` }
      const remote: Endpoint = { host: remoteHost, port: remotePort, transport: 'TCP' }
      const present = byPeer.get(peerKey(remote))
      if (present?.connection.usable) {
        const outcome = await present.made
        if (present.connection.usable || outcome.kind === 'ConnectFailed') return outcome
      }
      // As many of ours as of others: a peer can have us connect as well, by the way back that it names.
      if (connections.size >= 2 * limits.connections) {
        refused.connections++
        return { kind: 'ConnectFailed', detail: 'there are too many connections' }
      }
      const local = isWildcard(host) ? {} : { localAddress: host }
      const socket = connect({ ...local, ...KEEP_ALIVE, host: remoteHost, port: remotePort })
      return await adopt(socket, remote, (connection) => established(socket, connection))
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const connection of connections) connection.destroy()
      await closed
    },
  }
}

function peerKey({ host, port }: Endpoint): string {
  return `${host} ${port}`
}
