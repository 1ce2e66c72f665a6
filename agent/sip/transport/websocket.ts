/** SIP over WebSocket (RFC 7118): one message a frame, under the subprotocol `sip`. The handshake and the frames are the library's. */
import type { IncomingMessage, Server as HttpServer } from 'node:http'
import { isIPv6, type Socket } from 'node:net'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { bracketed } from '../message/uri.ts'
import { MOST_BYTES } from '../message/message.ts'
import { type Channel, type ChannelUser, endBy, localOf } from './channel.ts'
import type { Target } from './hop.ts'

const SUBPROTOCOL = 'sip'

/** Compression would let a peer have us inflate a few bytes to many. */
const FRAMES = { maxPayload: MOST_BYTES, perMessageDeflate: false } as const

/** 7118 6, RFC 5626 3.5.1: the same keep-alive as over a stream, each in a frame of its own. */
const PONG = '\r\n'

export class WebSocketChannel implements Channel {
  readonly answers = true
  readonly local: { host: string; port: number }
  readonly #socket: WebSocket
  #error: Error | undefined

  constructor(socket: WebSocket, below: Socket) {
    this.#socket = socket
    this.local = localOf(below)
    // The library tells no more of it than that it ended.
    below.on('error', (error) => (this.#error ??= error))
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  get unsent(): number {
    return this.#socket.bufferedAmount
  }

  attach(user: ChannelUser): void {
    const socket = this.#socket
    socket.on('message', (data) => this.#take(bytesOf(data), user))
    // The library answers.
    socket.on('ping', () => {
      user.heard()
      user.pinged()
    })
    socket.on('pong', () => {
      user.heard()
      user.ponged()
    })
    // A frame that is too long, or none at all: the library closes the connection.
    socket.on('error', (error) => {
      this.#error ??= error
      user.broken(error.message)
    })
    socket.on('close', () => user.closed(endBy(this.#error)))
  }

  send(text: string, failed?: (detail: string) => void): void {
    this.#socket.send(text, (error) => error && failed?.(error.message))
  }

  ping(): void {
    if (this.open) this.#socket.ping()
  }

  close(): void {
    this.#socket.close()
  }

  destroy(reason?: string): void {
    if (reason !== undefined) this.#error ??= new Error(reason)
    this.#socket.terminate()
  }

  #take(bytes: Buffer, user: ChannelUser): void {
    user.heard()
    if (!isEmptyLines(bytes)) return user.message(bytes)
    if (bytes.length <= PONG.length) return user.ponged()
    this.#socket.send(PONG)
    user.pinged()
  }
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}

function isEmptyLines(bytes: Buffer): boolean {
  return bytes.length <= 4 && /^[\r\n]*$/.test(bytes.toString('latin1'))
}

/** Shakes hands over a connection that is there. @throws what a human can read when the peer has no SIP over WebSocket here */
export async function upgrade(
  socket: Socket,
  { host, port, name = host, path = '/', transport }: Target,
): Promise<WebSocketChannel> {
  const scheme = transport === 'WSS' ? 'wss' : 'ws'
  const url = `${scheme}://${isIPv6(name) ? bracketed(name) : name}:${port}${path}`
  const upgraded = new WebSocket(url, [SUBPROTOCOL], {
    ...FRAMES,
    followRedirects: false,
    createConnection: () => socket,
  })
  await new Promise<void>((resolve, reject) => {
    upgraded.once('open', resolve)
    upgraded.once('error', reject)
    socket.once('close', () => reject(new Error('the peer closed the connection before the WebSocket was open')))
  })
  return new WebSocketChannel(upgraded, socket)
}

/** Takes WebSockets at a server of HTTP; what asks for anything else is told so and let go. */
export function takeWebSockets(server: HttpServer, taken: (channel: WebSocketChannel, socket: Socket) => void): void {
  const upgrades = new WebSocketServer({
    ...FRAMES,
    ...{ noServer: true, clientTracking: false, handleProtocols: () => SUBPROTOCOL },
  })
  server.on('request', (_request, response) => {
    response.writeHead(426, { Connection: 'close', Upgrade: 'websocket', 'Sec-WebSocket-Protocol': SUBPROTOCOL }).end()
  })
  server.on('upgrade', (request: IncomingMessage, _duplex, head: Buffer) => {
    const { socket } = request
    // Until it is a WebSocket nobody else hears of its end.
    socket.on('error', () => socket.destroy())
    if (!offered(request))
      return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    upgrades.handleUpgrade(request, socket, head, (upgraded) => taken(new WebSocketChannel(upgraded, socket), socket))
  })
}

/** 7118 4.1: without the subprotocol it is no SIP. */
function offered({ headers }: IncomingMessage): boolean {
  return (headers['sec-websocket-protocol'] ?? '').split(',').some((each) => each.trim().toLowerCase() === SUBPROTOCOL)
}
