/**
 * RTP and RTCP beside ICE and DTLS on one socket of the caller's (RFC 7983, RFC 5764, RFC 8445): finds the way to the peer, proves who is there
 * and has the SRTP keys; it encrypts no packet and reads no SDP. Loads werift, 40 MB: import it when a call needs it.
 */
import type { RemoteInfo, Socket } from 'node:dgram'
import type { Clock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { kindOf } from './demultiplex.ts'
import {
  type DtlsCertificate,
  DtlsEndpoint,
  type DtlsFailure,
  type DtlsSide,
  type Fingerprint,
  type SrtpContexts,
} from './dtls/index.ts'
import {
  type Gathering,
  IceAgent,
  type IceDescription,
  type IceFailure,
  type IceOptions,
  type SelectedPair,
} from './ice/index.ts'
import type { PacketListener, PacketPath, PacketSource } from './packet-path.ts'

export interface PathOptions {
  clock: Clock
  random: Random
  /** Bound and not connected; whoever owns it closes it after the path. */
  socket: Socket
  /** Absent: the peer is where its description says. */
  ice?: Pick<IceOptions, 'mode' | 'controlling' | 'stun' | 'turn' | 'candidates'>
  /** Absent: no handshake. */
  certificate?: DtlsCertificate
  /** The peer has not consented for 30 s, and nothing is sent any more (RFC 7675). */
  lost?(): void
  /** The peer has made another handshake: these are the keys from now on, and the caller's to dispose of. */
  rekeyed?(contexts: SrtpContexts): void
}

/** What the peer's description says of the stream. */
export interface RemotePath {
  readonly host: string
  readonly port: number
  /** Absent: it does not speak ICE, and is where it says. */
  readonly ice?: IceDescription
  readonly dtls?: { readonly side: DtlsSide; readonly fingerprints: readonly Fingerprint[] }
}

/** Milliseconds; a stage that there was not is absent. */
export interface PathTimes {
  readonly connectTime?: number
  readonly handshakeTime?: number
}

/** `contexts` are the caller's to dispose of; absent: there was no handshake. `pair`: absent without ICE. */
export type PathOutcome =
  | { kind: 'Connected'; pair?: SelectedPair; contexts?: SrtpContexts; times: PathTimes }
  | { kind: 'Failed'; stage: 'ICE'; reason: IceFailure; detail: string; times: PathTimes }
  | { kind: 'Failed'; stage: 'DTLS'; reason: DtlsFailure; detail: string; times: PathTimes }

/** Of a handshake that the peer begins before we know of it: two flights in fragments. */
const EARLY_DATAGRAMS = 16

export class NegotiatedPath implements PacketPath {
  readonly #options: PathOptions
  readonly #ice: IceAgent | undefined
  readonly #onMessage: (datagram: Buffer, from: RemoteInfo) => void
  #dtls: DtlsEndpoint | undefined
  #early: Buffer[] = []
  #listener: PacketListener | undefined
  #remote: PacketSource | undefined
  #pair: SelectedPair | undefined
  #refused = 0
  #handshaken = false

  constructor(options: PathOptions) {
    this.#options = options
    const { clock, random, socket, ice } = options
    const { address, port } = socket.address()
    this.#ice =
      ice &&
      new IceAgent({
        ...{ ...ice, clock, random, address, port },
        send: (datagram, host, to) => this.#write(datagram, host, to),
        received: (datagram, host, from) => this.#receive(datagram, clock.monotonic(), { address: host, port: from }),
        lost: () => options.lost?.(),
      })
    this.#onMessage = (datagram, from) => this.#receive(datagram, clock.monotonic(), from)
    socket.on('message', this.#onMessage)
    // A send that failed shows as packets that do not come.
    socket.on('error', ignore)
  }

  /** For our description, once `gather` is done; undefined: we do not speak ICE. */
  get ice(): IceDescription | undefined {
    return this.#ice?.local
  }

  /** Datagrams that were of no kind, not authentic, or not the peer's. */
  get refused(): number {
    return this.#refused + (this.#ice?.refused ?? 0)
  }

  get rehandshakes(): number {
    return this.#dtls?.rehandshakes ?? 0
  }

  /** Once, before our description is written; undefined: there is nothing to gather. */
  async gather(): Promise<Gathering | undefined> {
    return await this.#ice?.gather()
  }

  /** Once. @param timeout milliseconds for each of checks and handshake. Never rejects. */
  async connect(remote: RemotePath, timeout: number): Promise<PathOutcome> {
    this.#remote = { address: remote.host, port: remote.port }
    let times: PathTimes = {}
    if (this.#ice && remote.ice) {
      const outcome = await this.#ice.connect(remote.ice, timeout)
      times = { connectTime: outcome.connectTime }
      if (outcome.kind === 'Failed') {
        const { reason, detail } = outcome
        return { kind: 'Failed', stage: 'ICE', reason, detail, times }
      }
      this.#pair = outcome.pair
    }
    const pair = this.#pair && { pair: this.#pair }
    if (!remote.dtls || !this.#options.certificate) return { kind: 'Connected', ...pair, times }
    const dtls = this.#begin(remote.dtls, this.#options.certificate, timeout)
    const outcome = await dtls.outcome
    times = { ...times, handshakeTime: outcome.handshakeTime }
    if (outcome.kind === 'Failed') {
      const { reason, detail } = outcome
      return { kind: 'Failed', stage: 'DTLS', reason, detail, times }
    }
    this.#handshaken = true
    return { kind: 'Connected', ...pair, contexts: outcome.contexts, times }
  }

  send(_kind: 'RTP' | 'RTCP', packet: Buffer): void {
    this.#transmit(packet)
  }

  listen(listener: PacketListener): void {
    this.#listener = listener
  }

  /** The socket stays open, and is no longer listened to. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener = undefined
    await Promise.all([this.#dtls?.[Symbol.asyncDispose](), this.#ice?.[Symbol.asyncDispose]()])
    this.#options.socket.off('message', this.#onMessage).off('error', ignore)
  }

  #begin({ side, fingerprints }: NonNullable<RemotePath['dtls']>, certificate: DtlsCertificate, timeout: number) {
    const dtls = new DtlsEndpoint({
      ...{ clock: this.#options.clock, certificate, side, fingerprints, timeout },
      send: (datagram) => this.#transmit(datagram),
      rekeyed: (contexts) => this.#options.rekeyed?.(contexts),
    })
    this.#dtls = dtls
    for (const datagram of this.#early) dtls.receive(datagram)
    this.#early = []
    return dtls
  }

  #transmit(datagram: Buffer): void {
    if (this.#pair) this.#pair.send(datagram)
    else if (this.#remote && this.#remote.port > 0) this.#write(datagram, this.#remote.address, this.#remote.port)
  }

  #write(datagram: Buffer, host: string, port: number): void {
    this.#options.socket.send(datagram, port, host, ignore)
  }

  #receive(datagram: Buffer, at: number, from: PacketSource): void {
    const kind = kindOf(datagram)
    switch (kind) {
      case 'STUN':
        if (this.#ice) this.#ice.receive(datagram, from.address, from.port)
        else this.#refused++
        break
      case 'DTLS':
        this.#onDtls(datagram, from)
        break
      case 'RTP':
      case 'RTCP':
        if (this.#isPeer(from)) this.#listener?.(kind, datagram, at, from)
        else this.#refused++
        break
      case 'Unknown':
        this.#refused++
    }
  }

  /** Behind a NAT the peer begins from another address than it signalled: without ICE its handshake shows which (RFC 5763 6.7.1). */
  #onDtls(datagram: Buffer, from: PacketSource): void {
    if (!this.#options.certificate || !this.#isPeer(from)) {
      this.#refused++
      return
    }
    if (!this.#pair && this.#dtls && !this.#handshaken) this.#remote = { address: from.address, port: from.port }
    if (this.#dtls) this.#dtls.receive(datagram)
    else if (this.#early.length < EARLY_DATAGRAMS) this.#early.push(datagram)
  }

  /** Without ICE everybody may be it until it has shown where it is; what is not encrypted, the session judges. */
  #isPeer({ address, port }: PacketSource): boolean {
    if (this.#pair) return this.#ice?.isPeer(address, port) ?? false
    return !this.#handshaken || (this.#remote?.port === port && this.#remote.address === address)
  }
}

function ignore(): void {}
