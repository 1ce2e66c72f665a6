/** SIP over TCP: one listener, and connections that are used again for the same peer (RFC 3261 18); it reads no message beyond its length. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Clock } from '../../../lib/clock.ts'
import type { Endpoint } from '../engine.ts'
import type { Arrival, Flow, FlowWatcher, OpenOutcome } from '../flow.ts'
import { bracketed } from '../uri.ts'
import { isWildcard, plainAddress } from '../addresses.ts'
import { Framing } from './framing.ts'

export interface TcpOptions {
  clock: Clock
  host: string
  port: number
  receive: (arrival: Arrival) => void
  /** Told of each message that leaves. */
  sent: (bytes: Buffer) => void
  /** A stream that lost its frame; the connection is closed. */
  broken: (flow: Flow, reason: string) => void
}

export interface TcpTransport extends AsyncDisposable {
  readonly port: number
  /** A connection to the peer: the one that is there, or a new one. Gives up after 32 s, like timer B. */
  open(host: string, port: number): Promise<OpenOutcome>
}

/** Milliseconds. */
const CONNECT_TIMEOUT = 32_000

/** @throws with `code`, `address` and `port` when the port cannot be bound */
export async function listenTcp(options: TcpOptions): Promise<TcpTransport> {
  const { clock, host, port } = options
  const connections = new Set<Connection>()
  /** Connections and those under way by peer, whoever opened them. */
  const byPeer = new Map<string, Promise<OpenOutcome>>()

  function adopt(socket: Socket, remote: Endpoint): Connection {
    const connection: Connection = new Connection(socket, remote, options, () => connections.delete(connection))
    connections.add(connection)
    return connection
  }

  function remember(key: string, made: Promise<OpenOutcome>, connection: Connection): void {
    byPeer.set(key, made)
    connection.watch({ flowLost: () => void (byPeer.get(key) === made && byPeer.delete(key)) })
  }

  const server = createServer({ noDelay: true }, (socket) => {
    const { remoteAddress, remotePort } = socket
    // Gone before it was accepted.
    if (remoteAddress === undefined || remotePort === undefined) return socket.destroy()
    const remote: Endpoint = { host: plainAddress(remoteAddress), port: remotePort, transport: 'TCP' }
    const connection = adopt(socket, remote)
    remember(peerKey(remote), Promise.resolve({ kind: 'Open', flow: connection }), connection)
  })
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

  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    async open(remoteHost, remotePort) {
      const remote: Endpoint = { host: remoteHost, port: remotePort, transport: 'TCP' }
      const present = byPeer.get(peerKey(remote))
      if (present !== undefined) {
        const outcome = await present
        if (outcome.kind === 'Open' && outcome.flow.open) return outcome
      }
      const local = isWildcard(host) ? {} : { localAddress: host }
      const socket = connect({ ...local, host: remoteHost, port: remotePort, noDelay: true })
      const connection = adopt(socket, remote)
      const made = established(socket, connection)
      remember(peerKey(remote), made, connection)
      return await made
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

class Connection implements Flow {
  readonly transport = 'TCP'
  readonly reliable = true
  readonly remote: Endpoint
  readonly #socket: Socket
  readonly #watchers = new Set<FlowWatcher>()
  readonly #sent: (bytes: Buffer) => void
  #detail = 'the peer closed the connection'
  #reset = false

  constructor(socket: Socket, remote: Endpoint, options: TcpOptions, gone: () => void) {
    this.#socket = socket
    this.#sent = options.sent
    this.remote = remote
    const framing = new Framing()
    socket.on('data', (chunk: Buffer) => {
      const at = options.clock.monotonic()
      const framed = framing.push(chunk)
      for (const bytes of framed.messages) options.receive({ bytes, at, flow: this })
      if (framed.kind === 'Messages') return
      options.broken(this, framed.reason)
      socket.destroy()
    })
    socket.on('error', (error) => {
      this.#detail = error.message
      this.#reset = true
    })
    socket.on('close', () => {
      gone()
      const watchers = [...this.#watchers]
      this.#watchers.clear()
      for (const watcher of watchers) watcher.flowLost(this.#detail, this.#reset)
    })
  }

  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  get localHost(): string {
    return plainAddress(this.#socket.localAddress ?? '')
  }

  get local(): string {
    return `${bracketed(this.localHost)}:${this.#socket.localPort ?? 0}`
  }

  send(bytes: Buffer, failed: (detail: string) => void): void {
    if (!this.open) return failed(this.#detail)
    this.#sent(bytes)
    this.#socket.write(bytes, (error) => error && failed(error.message))
  }

  watch(watcher: FlowWatcher): void {
    this.#watchers.add(watcher)
  }

  unwatch(watcher: FlowWatcher): void {
    this.#watchers.delete(watcher)
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
