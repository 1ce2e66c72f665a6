/** All connections of an engine, whoever opened them: used again for the same peer with the same settings (RFC 3261 18), bounded, and closed with the engine. */
import { createHash } from 'node:crypto'
import { isWildcard } from './addresses.ts'
import type { Endpoint, Hop, TlsSettings } from '../engine.ts'
import type { Channel } from './channel.ts'
import { connectTo, type Connecting } from './connect.ts'
import { Connection, type ConnectionOptions, type ConnectionPeer } from './connection.ts'
import type { Flow, OpenOutcome } from './flow.ts'
import { type Target, transportParameter } from './hop.ts'

export interface ConnectionsOptions extends ConnectionOptions {
  /** The bind address, which connections leave from. */
  host: string
  /** The port we listen on by this transport. */
  listening: (transport: Endpoint['transport']) => number | undefined
}

/** Milliseconds; as long as timer B. */
const CONNECT_TIMEOUT = 32_000

export class Connections implements Disposable {
  readonly #options: ConnectionsOptions
  readonly #all = new Set<Connection>()
  /** The last one of each peer. */
  readonly #byKey = new Map<string, Connection>()
  readonly #opening = new Map<string, { connecting: Connecting; outcome: Promise<OpenOutcome> }>()
  readonly #settings = new WeakMap<TlsSettings, string>()
  #closed = false

  constructor(options: ConnectionsOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#all.size + this.#opening.size
  }

  /** One that a peer made. What is sent to the address it came from goes over it: a client that listens nowhere is reached by no other way. */
  take(channel: Channel, remote: Endpoint): void {
    const { limits, refused } = this.#options
    if (this.#all.size < 2 * limits.connections && !this.#closed) {
      this.#adopt(peerKey(remote), channel, { remote, accepted: true, certificate: undefined })
      return
    }
    refused.connections++
    channel.destroy()
  }

  /** What is there already, without waiting. Whoever connected to us has proven to be nobody: what is to be verified goes over one of ours. */
  present(target: Target): Flow | undefined {
    const verified = target.transport === 'TLS' || target.transport === 'WSS'
    const theirs = verified ? undefined : this.#byKey.get(peerKey(target))
    if (theirs?.usable) return theirs
    const ours = this.#byKey.get(this.#key(target))
    return ours?.usable ? ours : undefined
  }

  /** A connection to the peer: the one that is there, or a new one. */
  async open(target: Target): Promise<OpenOutcome> {
    const flow = this.present(target)
    if (flow) return { kind: 'Open', flow }
    const key = this.#key(target)
    const opening = this.#opening.get(key)
    if (opening) return opening.outcome
    const { clock, limits, refused } = this.#options
    if (this.#closed) return { kind: 'ConnectFailed', detail: 'the engine was stopped' }
    // As many of ours as of others: a peer can have us connect as well, by the way back that it names.
    if (this.size >= 2 * limits.connections) {
      refused.connections++
      return { kind: 'ConnectFailed', detail: 'there are too many connections' }
    }
    const { host } = this.#options
    let handshakes: Disposable | undefined
    const connecting = connectTo(target, isWildcard(host) ? undefined : host, () => {
      handshakes = clock.timer(limits.handshake, () => connecting.end(`no handshake within ${limits.handshake} ms`))
    })
    const outcome = this.#made(key, target, connecting).finally(() => handshakes?.[Symbol.dispose]())
    this.#opening.set(key, { connecting, outcome })
    return outcome
  }

  /** A connection to the peer is there, but its handshake of TLS takes its time. */
  securing(target: Target): boolean {
    return this.#opening.get(this.#key(target))?.connecting.step === 'Tls'
  }

  [Symbol.dispose](): void {
    this.#closed = true
    for (const { connecting } of this.#opening.values()) connecting.end('the engine was stopped')
    for (const connection of this.#all) connection.destroy()
  }

  async #made(key: string, target: Target, connecting: Connecting): Promise<OpenOutcome> {
    const { host, port, transport } = target
    using _timer = this.#options.clock.timer(CONNECT_TIMEOUT, () => connecting.end('it was not accepted in time'))
    const outcome = await connecting.outcome
    this.#opening.delete(key)
    if (outcome.kind !== 'Connected') return outcome
    const { channel, certificate } = outcome
    const flow = this.#adopt(key, channel, {
      remote: { host, port, transport },
      ...{ certificate, accepted: false, settings: settingsOf(target) },
    })
    if (this.#closed) flow.destroy()
    return { kind: 'Open', flow }
  }

  #adopt(key: string, channel: Channel, peer: Omit<ConnectionPeer, 'listening'>): Connection {
    const listening = this.#options.listening(peer.remote.transport)
    const connection: Connection = new Connection(channel, { ...peer, listening }, this.#options, () => {
      this.#all.delete(connection)
      if (this.#byKey.get(key) === connection) this.#byKey.delete(key)
    })
    this.#all.add(connection)
    this.#byKey.set(key, connection)
    return connection
  }

  #key(target: Target): string {
    const { host, port, transport, name = host, path = '/', tls } = target
    if (transport === 'TCP') return peerKey(target)
    const settings = transport === 'WS' ? '' : ` ${name} ${tls ? this.#fingerprint(tls) : ''}`
    return `${transport} ${host} ${port}${transport === 'TLS' ? '' : ` ${name} ${path}`}${settings}`
  }

  /** Two that trust others, or are others, share no connection. */
  #fingerprint(settings: TlsSettings): string {
    const known = this.#settings.get(settings)
    if (known !== undefined) return known
    const { ca, certificate, serverName, verify } = settings
    const text = JSON.stringify([ca, certificate?.certificate, certificate?.key, serverName, verify])
    const fingerprint = createHash('sha256').update(text).digest('base64')
    this.#settings.set(settings, fingerprint)
    return fingerprint
  }
}

/** What was asked for by a name is asked for by it again when only the address is known. */
function settingsOf({ name, path, tls }: Target): Pick<Hop, 'path' | 'tls'> {
  const verified: TlsSettings = { verify: 'Full', ...(name !== undefined && { serverName: name }), ...tls }
  return { tls: verified, ...(path !== undefined && { path }) }
}

/** As a URI names it, which is the same for both WebSockets. */
function peerKey({ host, port, transport }: Endpoint): string {
  return `${transportParameter(transport)} ${host} ${port}`
}
