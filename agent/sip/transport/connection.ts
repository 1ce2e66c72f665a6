/** One TCP connection as a flow: what it sends and takes, and how long it is kept. It opens none and reads no message beyond its length. */
import type { Socket } from 'node:net'
import type { Clock } from '../../../lib/clock.ts'
import { plainAddress } from '../locate/addresses.ts'
import type { Endpoint } from '../engine.ts'
import type { Flow, FlowWatcher, Receive } from './flow.ts'
import type { Limits, Refusals } from '../limits.ts'
import { bracketed } from '../message/uri.ts'
import { Framing } from './framing.ts'

export interface ConnectionOptions {
  clock: Clock
  limits: Limits
  refused: Refusals
  /** The port that Via and Contact name. */
  listening: () => number
  receive: Receive
  /** Told of each message that leaves. */
  sent: (text: string) => void
  /** A stream that lost its frame; the connection is closed. */
  broken: (flow: Flow, reason: string) => void
}

/** Milliseconds that a connection without answers is kept for the late ones; no transaction waits longer. */
const RETIRED_IDLE = 32_000

export class Connection implements Flow {
  readonly transport = 'TCP'
  readonly reliable = true
  readonly remote: Endpoint
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #framing = new Framing()
  readonly #watchers = new Set<FlowWatcher>()
  #detail = 'the peer closed the connection'
  #reset = false
  #retired = false
  #heardAt = -Infinity
  /** When bytes came or went last. */
  #usedAt: number
  #idle: Disposable

  /** @param gone told once, when it has ended */
  constructor(socket: Socket, remote: Endpoint, options: ConnectionOptions, gone: () => void) {
    this.#socket = socket
    this.#options = options
    this.remote = remote
    this.#usedAt = options.clock.monotonic()
    this.#idle = this.#idleIn(options.limits.idle)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => {
      this.#detail = error.message
      this.#reset = true
    })
    socket.on('close', () => {
      this.#idle[Symbol.dispose]()
      gone()
      const watchers = [...this.#watchers]
      this.#watchers.clear()
      for (const watcher of watchers) watcher.flowLost(this.#detail, this.#reset)
    })
  }

  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  /** For new requests. */
  get usable(): boolean {
    return this.open && !this.#retired
  }

  get heardAt(): number {
    return this.#heardAt
  }

  get local(): string {
    return `${this.#localHost}:${this.#socket.localPort ?? 0}`
  }

  get sentBy(): string {
    return `${this.#localHost}:${this.#options.listening()}`
  }

  get #localHost(): string {
    return bracketed(plainAddress(this.#socket.localAddress ?? ''))
  }

  send(text: string, failed?: (detail: string) => void): void {
    if (!this.open) return failed?.(this.#detail)
    const { clock, limits, refused, sent } = this.#options
    sent(text)
    this.#usedAt = clock.monotonic()
    this.#socket.write(text, (error) => error && failed?.(error.message))
    if (this.#socket.writableLength <= limits.unsentBytes) return
    refused.unread++
    this.#socket.destroy(new Error('the peer does not read what it is sent'))
  }

  watch(watcher: FlowWatcher): void {
    this.#watchers.add(watcher)
  }

  unwatch(watcher: FlowWatcher): void {
    this.#watchers.delete(watcher)
  }

  retire(): void {
    if (this.#retired || !this.open) return
    this.#retired = true
    this.#idle[Symbol.dispose]()
    this.#idle = this.#idleIn(RETIRED_IDLE)
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    // After what lost the frame nothing is read any more.
    if (!this.open) return
    const { clock, receive, broken } = this.#options
    const at = clock.monotonic()
    this.#heardAt = at
    this.#usedAt = at
    const framed = this.#framing.push(chunk)
    for (const bytes of framed.messages) {
      // What answers the one before may have been too much.
      if (this.#socket.destroyed) return
      receive(bytes, at, this)
    }
    if (framed.kind === 'Messages') return
    broken(this, framed.reason)
    // What it was answered leaves first.
    this.#socket.destroySoon()
  }

  /** Ends it when nobody watches it and it was of no use for `limit` milliseconds; looks again when that is not so yet. */
  #idleIn(limit: number, wait = limit): Disposable {
    const { clock } = this.#options
    return clock.timer(wait, () => {
      const left = this.#usedAt + limit - clock.monotonic()
      if (this.#watchers.size === 0 && left <= 0) this.#socket.destroy()
      else this.#idle = this.#idleIn(limit, left > 0 ? left : limit)
    })
  }
}
