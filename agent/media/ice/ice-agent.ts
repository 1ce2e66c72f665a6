/**
 * ICE for one stream on a socket of the caller's (RFC 8445): our candidates, connectivity checks, the pair that is selected, and consent to
 * go on sending (RFC 7675). It reads no SDP, carries no media, and does not own the socket. Trickle ICE is not there: all candidates of a
 * side are known at once, as SIP has them.
 */
import { type Candidate as WeriftCandidate, CandidatePairState, Connection } from 'werift'
import type { Clock } from '../../../lib/clock.ts'
import { type Random, token } from '../../../lib/random.ts'
import { type Candidate, checkable, describe, type IceDescription, mayShowItself } from './description.ts'
import { hostCandidate, openRelay, reflexiveCandidate, type RelayBase, type StunServer } from './gather.ts'
import type { TurnServer } from './relay.ts'
import { StunEndpoint } from './stun-endpoint.ts'

export interface IceOptions {
  clock: Clock
  random: Random
  /** `Lite` answers checks and makes none; it is for addresses that everybody reaches (RFC 8445 2.7). */
  mode: 'Lite' | 'Full'
  /** The offerer, unless it alone is lite: then the answerer (RFC 8445 6.1.1). */
  controlling: boolean
  /** Where the socket is bound. */
  address: string
  port: number
  stun: readonly StunServer[]
  turn: readonly TurnServer[]
  /** `Relay`: nothing but relays is offered and used, so that the call shows whether TURN carries it. */
  candidates: 'All' | 'Relay'
  /** By the socket. */
  send(datagram: Buffer, host: string, port: number): void
  /** What came by a relay and is no STUN. */
  received(datagram: Buffer, host: string, port: number): void
  /** The peer has not answered for 30 s: nothing may be sent any more (RFC 7675 5.1). */
  lost?(): void
}

export interface Gathering {
  /** Milliseconds. */
  readonly gatheringTime: number
  /** What each server that gave no candidate did, as `turn:192.0.2.1:3478: refused with 401 Unauthorized`. */
  readonly problems: readonly string[]
}

/** What media goes over. */
export interface SelectedPair {
  readonly local: Candidate
  readonly remote: { readonly address: string; readonly port: number; readonly type: string }
  /** Nothing, once the peer's consent is lost. */
  send(datagram: Buffer): void
}

/**
 * `NoCandidatePair`: none of their candidates can be reached from one of ours, and nobody else checked us; `ChecksFailed`: each check was refused or not answered;
 * `Timeout`: checks were still under way, or as a lite agent we were not checked; `Stopped`: we ended it.
 */
export type IceFailure = 'NoCandidatePair' | 'ChecksFailed' | 'Timeout' | 'Stopped'

/** Milliseconds from the beginning of the checks, in both. */
export type IceOutcome =
  | { kind: 'Connected'; pair: SelectedPair; connectTime: number }
  | { kind: 'Failed'; reason: IceFailure; detail: string; connectTime: number }

/** RFC 8445 5.3 asks for 24 and 128 bits; a character has 5.2. */
const UFRAG_LENGTH = 8
const PWD_LENGTH = 31

export class IceAgent implements AsyncDisposable {
  readonly #options: IceOptions
  readonly #connection: Connection
  readonly #socket: StunEndpoint
  readonly #relays: RelayBase[] = []
  readonly #credentials: { ufrag: string; pwd: string }
  readonly #stopped = Promise.withResolvers<IceFailure>()
  #disposing: Promise<void> | undefined
  #selected: SelectedPair | undefined
  #consented = true

  constructor(options: IceOptions) {
    this.#options = options
    const { clock, random, mode, controlling } = options
    this.#credentials = { ufrag: token(random, UFRAG_LENGTH), pwd: token(random, PWD_LENGTH) }
    const lite = mode === 'Lite'
    this.#connection = new Connection(controlling && !lite, { iceLite: lite, useIpv4: false, useIpv6: false })
    // It has one of its own when it is told none.
    delete this.#connection.stunServer
    this.#connection.localUsername = this.#credentials.ufrag
    this.#connection.localPassword = this.#credentials.pwd
    this.#connection.stateChanged.subscribe((state) => {
      if (state !== 'failed') return
      this.#consented = false
      // Checks that fail before are the outcome of `connect`.
      if (this.#selected) options.lost?.()
    })
    const send = (datagram: Buffer, host: string, port: number) => options.send(datagram, host, port)
    this.#socket = new StunEndpoint({ clock, type: 'socket', credentials: this.#credentials, send })
  }

  /** For our description; its candidates are those gathered so far. */
  get local(): IceDescription {
    const candidates = this.#connection.localCandidates.map((candidate) => describe(candidate))
    return { ...this.#credentials, candidates, lite: this.#options.mode === 'Lite' }
  }

  /** STUN messages that were not authentic, cut off, or nobody's. */
  get refused(): number {
    return this.#relays.reduce((sum, { endpoint }) => sum + endpoint.refused, this.#socket.refused)
  }

  /** Once, before everything else. A server that does not answer costs its candidate and is told of, nothing more. */
  async gather(): Promise<Gathering> {
    const { clock, mode, stun, turn, candidates } = this.#options
    const startedAt = clock.monotonic()
    const full = mode === 'Full'
    if (candidates === 'All' || !full) this.#adopt(this.#socket, hostCandidate(this.#options))
    const problems = await Promise.all([
      ...(full && candidates === 'All' ? stun.map((server) => this.#reflexive(server)) : []),
      ...(full ? turn.map((server) => this.#relay(server)) : []),
    ])
    await this.#connection.gatherCandidates()
    const gatheringTime = clock.monotonic() - startedAt
    return { gatheringTime, problems: problems.filter((problem) => problem !== undefined) }
  }

  /** A STUN message that came on the socket. */
  receive(datagram: Buffer, host: string, port: number): void {
    this.#socket.receive(datagram, host, port)
  }

  /** Whether an address is one of the peer's: signalled, or shown by a check that knew our password. */
  isPeer(host: string, port: number): boolean {
    const remote = this.#selected?.remote
    if (remote && remote.port === port && remote.address === host) return true
    return this.#connection.remoteCandidates.some((candidate) => candidate.port === port && candidate.host === host)
  }

  /** Once, after `gather`. @param timeout milliseconds. Never rejects. */
  async connect(remote: IceDescription, timeout: number): Promise<IceOutcome> {
    const { clock } = this.#options
    const startedAt = clock.monotonic()
    const result = await this.#check(remote, timeout)
    const connectTime = clock.monotonic() - startedAt
    if (typeof result === 'object') {
      this.#selected = result
      return { kind: 'Connected', pair: result, connectTime }
    }
    return { kind: 'Failed', reason: result, detail: this.#detail(), connectTime }
  }

  /** Gives relays back to their servers. `connect` that is under way has `Stopped` as its outcome. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose()
    return this.#disposing
  }

  async #dispose(): Promise<void> {
    this.#stopped.resolve('Stopped')
    await this.#connection.close()
    await this.#socket.close()
    await Promise.all(this.#relays.map((each) => each[Symbol.asyncDispose]()))
  }

  async #check(remote: IceDescription, timeout: number): Promise<SelectedPair | IceFailure> {
    const connection = this.#connection
    const candidates = checkable(remote.candidates)
    if (connection.iceLite && remote.lite) return this.#unchecked(candidates) ?? 'NoCandidatePair'
    // Who alone is full controls (RFC 8445 6.1.1).
    if (remote.lite) connection.iceControlling = true
    connection.setRemoteParams({ iceLite: remote.lite, usernameFragment: remote.ufrag, password: remote.pwd })
    for (const candidate of candidates) await connection.addRemoteCandidate(candidate)
    if (connection.checkList.length > 0 || !mayShowItself(remote)) await connection.addRemoteCandidate(undefined)
    const failure = await this.#ended(timeout)
    if (this.#disposing) return 'Stopped'
    return failure ?? this.#nominated() ?? 'Timeout'
  }

  /** Undefined: a pair is nominated. */
  async #ended(timeout: number): Promise<IceFailure | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<IceFailure>()
    using _timer = this.#options.clock.timer(timeout, () => {
      const pairs = this.#connection.checkList
      const failed = pairs.every(({ state }) => state === CandidatePairState.FAILED)
      if (pairs.length === 0) resolve(this.#connection.iceLite ? 'Timeout' : 'NoCandidatePair')
      else resolve(failed ? 'ChecksFailed' : 'Timeout')
    })
    return await Promise.race([
      late,
      this.#stopped.promise,
      // It rejects when there is nothing to check.
      this.#connection.connect().then(
        () => undefined,
        (): IceFailure => 'NoCandidatePair',
      ),
    ])
  }

  #nominated(): SelectedPair | undefined {
    const { nominated } = this.#connection
    if (!nominated) return undefined
    const [host, port] = nominated.remoteAddr
    const base = [this.#socket, ...this.#relays.map(({ endpoint }) => endpoint)].find(
      (each) => each === nominated.protocol,
    )
    return {
      local: describe(nominated.localCandidate),
      remote: { address: host, port, type: nominated.remoteCandidate.type },
      send: (datagram) => {
        if (this.#consented) base?.send(datagram, host, port)
      },
    }
  }

  /** Two lite agents check nothing: what they signalled is believed (RFC 8445 6.1.1, 8.1.2). */
  #unchecked(candidates: readonly WeriftCandidate[]): SelectedPair | undefined {
    const local = this.#socket.localCandidate
    const [remote] = candidates
      .filter((candidate) => local?.canPairWith(candidate))
      .toSorted((left, right) => right.priority - left.priority)
    if (!local || !remote) return undefined
    const { host, port, type } = remote
    return {
      local: describe(local),
      remote: { address: host, port, type },
      send: (datagram) => this.#socket.send(datagram, host, port),
    }
  }

  #detail(): string {
    const pairs = this.#connection.checkList
    const failed = pairs.filter(({ state }) => state === CandidatePairState.FAILED).length
    return `${pairs.length} candidate pairs, ${failed} of them failed`
  }

  /** werift has no door for a socket of the caller's: these two members are private. */
  #adopt(endpoint: StunEndpoint, candidate: WeriftCandidate): void {
    endpoint.localCandidate = candidate
    this.#connection['protocols'].push(endpoint)
    this.#connection['ensureProtocol'](endpoint)
  }

  /** What went wrong. */
  async #reflexive(server: StunServer): Promise<string | undefined> {
    try {
      const candidate = await reflexiveCandidate(this.#socket, server, this.#options)
      if (candidate) this.#connection.localCandidates.push(candidate)
      return undefined
    } catch (error) {
      return `stun:${server.host}:${server.port}: ${textOf(error)}`
    }
  }

  async #relay(server: TurnServer): Promise<string | undefined> {
    try {
      const base = await openRelay(server, this.#credentials, this.#options)
      if (this.#disposing) {
        await base[Symbol.asyncDispose]()
        return undefined
      }
      this.#relays.push(base)
      this.#adopt(base.endpoint, base.candidate)
      return undefined
    } catch (error) {
      return `turn:${server.host}:${server.port}: ${textOf(error)}`
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
