/** What SIP is carried over: a byte stream (TCP, TLS) or the frames of a WebSocket, both as one kind of channel for whole messages. It knows no transaction. */
import type { Socket } from 'node:net'
import { plainAddress } from './addresses.ts'
import { Framing } from './framing.ts'
import { isAlert, tlsDetail } from './tls.ts'

export interface ChannelUser {
  /** Bytes came, of whatever kind. */
  heard(): void
  message(bytes: Buffer): void
  /** The peer asks whether we are there (RFC 5626 4.4.1); what it is answered with is sent by the channel. */
  pinged(): void
  /** The answer to our own question. */
  ponged(): void
  /** Nothing can be read from it any more. */
  broken(reason: string): void
  /** Once. */
  closed(end: ChannelEnd): void
}

export interface ChannelEnd {
  /** What a human can read. */
  detail: string
  /** False for an orderly end by the peer. */
  reset: boolean
  /** The peer ended it because of TLS: over TLS 1.3 that may come after the handshake. */
  alert: boolean
}

export interface Channel {
  /** Our side. */
  readonly local: { host: string; port: number }
  readonly open: boolean
  /** Bytes that wait for the peer to read. */
  readonly unsent: number
  /** A peer that is there answers a ping: over a WebSocket it must, over a stream only some do. */
  readonly answers: boolean
  /** Begins to tell what comes. */
  attach(user: ChannelUser): void
  send(text: string, failed?: (detail: string) => void): void
  ping(): void
  /** Ends it when what was sent has left; nothing is read any more. */
  close(): void
  /** Ends it at once. @param reason what its user is told; absent: it was ours to end */
  destroy(reason?: string): void
}

/** RFC 5626 3.5.1: two empty lines ask, one answers. */
const PING = '\r\n\r\n'
const PONG = '\r\n'

/** TCP, and TLS over it: messages are cut by their Content-Length. */
export class StreamChannel implements Channel {
  readonly answers = false
  readonly local: { host: string; port: number }
  readonly #socket: Socket
  readonly #framing = new Framing()

  constructor(socket: Socket) {
    this.#socket = socket
    this.local = localOf(socket)
  }

  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  get unsent(): number {
    return this.#socket.writableLength
  }

  attach(user: ChannelUser): void {
    let error: Error | undefined
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk, user))
    this.#socket.on('error', (thrown) => (error = thrown))
    this.#socket.on('close', () => user.closed(endBy(error)))
  }

  send(text: string, failed?: (detail: string) => void): void {
    this.#socket.write(text, (error) => error && failed?.(error.message))
  }

  ping(): void {
    this.#socket.write(PING)
  }

  close(): void {
    this.#socket.destroySoon()
  }

  destroy(reason?: string): void {
    this.#socket.destroy(reason === undefined ? undefined : new Error(reason))
  }

  #take(chunk: Buffer, user: ChannelUser): void {
    // After what lost the frame nothing is read any more.
    if (!this.open) return
    user.heard()
    const framed = this.#framing.push(chunk)
    if (framed.pongs > 0) user.ponged()
    if (framed.pings > 0) {
      this.#socket.write(PONG.repeat(framed.pings))
      user.pinged()
    }
    for (const bytes of framed.messages) {
      // What answers the one before may have been too much.
      if (this.#socket.destroyed) return
      user.message(bytes)
    }
    if (framed.kind === 'Broken') user.broken(framed.reason)
  }
}

export function endBy(error: Error | undefined): ChannelEnd {
  if (!error) return { detail: 'the peer closed the connection', reset: false, alert: false }
  const alert = isAlert(error)
  return { detail: alert ? tlsDetail(error) : error.message, reset: true, alert }
}

export function localOf({ localAddress = '', localPort = 0 }: Socket): { host: string; port: number } {
  return { host: plainAddress(localAddress), port: localPort }
}

/** Where a socket's peer is; undefined: gone before it was accepted. */
export function remoteOf({ remoteAddress, remotePort }: Socket): { host: string; port: number } | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return { host: plainAddress(remoteAddress), port: remotePort }
}
