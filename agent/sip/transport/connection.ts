/** One connection as a flow, whatever carries it: what it sends and takes, whether its peer is still there, and how long it is kept. It opens none. */
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import type { Endpoint, Hop, PeerCertificate } from '../engine.ts'
import type { Limits, Refusals } from '../limits.ts'
import { bracketed } from '../message/uri.ts'
import { advertised } from './addresses.ts'
import type { Channel, ChannelEnd, ChannelUser } from './channel.ts'
import type { Flow, FlowWatcher, Receive } from './flow.ts'

export interface ConnectionOptions {
  clock: Clock
  random: Random
  limits: Limits
  refused: Refusals
  receive: Receive
  /** Told of each message that leaves. */
  sent: (text: string) => void
  /** What came can be read no further; the connection is closed. */
  broken: (flow: Flow, reason: string) => void
  /** What Contact names instead of our address. */
  externalAddress?: string | undefined
}

export interface ConnectionPeer {
  remote: Endpoint
  /** The peer made it: it may be reached by no other way. */
  accepted: boolean
  /** How another one is made to the same peer. */
  settings?: Pick<Hop, 'path' | 'tls'>
  /** The port of our own that Via and Contact name; undefined: we do not listen, and are reached over this connection alone. */
  listening: number | undefined
  certificate: PeerCertificate | undefined
}

/** Milliseconds that a connection without answers is kept for the late ones; no transaction waits longer. */
const RETIRED_IDLE = 32_000

/**
 * RFC 5626 4.4.1, milliseconds: a connection that something depends on is asked for an answer, first soon, to learn whether the peer
 * gives any, then when nothing was heard for a random time out of this range. Who has answered once is gone when there is no answer in time.
 */
const PING = { first: 5_000, least: 95_000, most: 120_000, answer: 10_000 }

export class Connection implements Flow, ChannelUser {
  readonly transport: Endpoint['transport']
  readonly reliable = true
  readonly remote: Endpoint
  readonly local: string
  readonly sentBy: string
  readonly contact: string
  readonly certificate: PeerCertificate | undefined
  readonly accepted: boolean
  readonly settings: Pick<Hop, 'path' | 'tls'>
  readonly #channel: Channel
  readonly #options: ConnectionOptions
  readonly #gone: () => void
  readonly #watchers = new Set<FlowWatcher>()
  #end: ChannelEnd | undefined
  #retired = false
  #heardAt = -Infinity
  /** When bytes came or went last. */
  #usedAt: number
  #idle: Disposable
  #holders = 0
  #ping: Disposable | undefined
  /** It has answered before: when it does not once, it is gone. */
  #answers: boolean

  /** @param gone told once, when it has ended */
  constructor(
    channel: Channel,
    { remote, listening, certificate, accepted, settings = {} }: ConnectionPeer,
    options: ConnectionOptions,
    gone: () => void,
  ) {
    this.#channel = channel
    this.#answers = channel.answers
    this.#options = options
    this.#gone = gone
    this.remote = remote
    this.transport = remote.transport
    this.certificate = certificate
    this.accepted = accepted
    this.settings = settings
    const { host, port } = channel.local
    this.local = `${bracketed(host)}:${port}`
    this.sentBy = `${bracketed(host)}:${listening ?? port}`
    this.contact = `${bracketed(advertised(host, options.externalAddress))}:${listening ?? port}`
    this.#usedAt = options.clock.monotonic()
    this.#idle = this.#idleIn(options.limits.idle)
    channel.attach(this)
  }

  get open(): boolean {
    return this.#end === undefined && this.#channel.open
  }

  /** For new requests. */
  get usable(): boolean {
    return this.open && !this.#retired
  }

  get heardAt(): number {
    return this.#heardAt
  }

  get refusedByTls(): boolean {
    return this.#end?.alert ?? false
  }

  send(text: string, failed?: (detail: string) => void): void {
    if (!this.open) return failed?.(this.#end?.detail ?? 'the connection is closed')
    const { clock, sent } = this.#options
    sent(text)
    this.#usedAt = clock.monotonic()
    this.#channel.send(text, failed)
    this.#bound()
  }

  watch(watcher: FlowWatcher): void {
    this.#watchers.add(watcher)
    if (watcher.keepAlive && this.#holders++ === 0) this.#askAfter(PING.first)
  }

  unwatch(watcher: FlowWatcher): void {
    if (!this.#watchers.delete(watcher)) return
    if (watcher.keepAlive && --this.#holders === 0) this.#ping?.[Symbol.dispose]()
  }

  retire(): void {
    if (this.#retired || !this.open) return
    this.#retired = true
    this.#idle[Symbol.dispose]()
    this.#idle = this.#idleIn(RETIRED_IDLE)
  }

  destroy(): void {
    this.#channel.destroy()
  }

  heard(): void {
    const now = this.#options.clock.monotonic()
    this.#heardAt = now
    this.#usedAt = now
  }

  message(bytes: Buffer): void {
    this.#options.receive(bytes, this.#heardAt, this)
  }

  pinged(): void {
    this.#bound()
  }

  ponged(): void {
    this.#answers = true
  }

  broken(reason: string): void {
    this.#options.broken(this, reason)
    // What it was answered leaves first.
    this.#channel.close()
  }

  closed(end: ChannelEnd): void {
    if (this.#end) return
    this.#end = end
    this.#idle[Symbol.dispose]()
    this.#ping?.[Symbol.dispose]()
    this.#gone()
    const watchers = [...this.#watchers]
    this.#watchers.clear()
    for (const watcher of watchers) watcher.flowLost(end.detail, end.reset)
  }

  /** A peer that does not read, but asks and asks. */
  #bound(): void {
    const { limits, refused } = this.#options
    if (this.#channel.unsent <= limits.unsentBytes) return
    refused.unread++
    this.#channel.destroy('the peer does not read what it is sent')
  }

  #ask(): void {
    const { clock, random } = this.#options
    const asked = clock.monotonic()
    this.#channel.ping()
    this.#ping = clock.timer(PING.answer, () => {
      // When all of us was held up the answer may wait to be read: it is read before the next timer.
      this.#ping = clock.timer(1, () => {
        if (this.#answers && this.#heardAt < asked) {
          return this.#channel.destroy(`the peer did not answer a keep-alive for ${PING.answer / 1_000} s`)
        }
        this.#askAfter(PING.least + random() * (PING.most - PING.least))
      })
    })
  }

  /** What is heard meanwhile is as good as an answer. */
  #askAfter(silence: number, wait = silence): void {
    const { clock } = this.#options
    this.#ping = clock.timer(wait, () => {
      const left = this.#heardAt + silence - clock.monotonic()
      if (left > 0) this.#askAfter(silence, left)
      else this.#ask()
    })
  }

  /** Ends it when nobody watches it and it was of no use for `limit` milliseconds; looks again when that is not so yet. */
  #idleIn(limit: number, wait = limit): Disposable {
    const { clock } = this.#options
    return clock.timer(wait, () => {
      const left = this.#usedAt + limit - clock.monotonic()
      if (this.#watchers.size === 0 && left <= 0) this.#channel.destroy()
      else this.#idle = this.#idleIn(limit, left > 0 ? left : limit)
    })
  }
}
