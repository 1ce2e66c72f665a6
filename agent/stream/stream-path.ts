/** The way of one stream over ICE and DTLS: opened before our description, found when the peer's is there, and what became of it. It writes no SDP. */
import { isDeepStrictEqual } from 'node:util'
import type { IceOptions } from '../media/ice/index.ts'
import type { MediaEngine, MediaSession, NegotiatedPath, PathOutcome, Protection } from '../media/index.ts'
import type { EncryptionPolicy } from '../media/srtp/index.ts'
import type { AudioIce, Fingerprint, RemoteAudio } from '../sip/index.ts'

export interface PathWishes {
  encryption: EncryptionPolicy
  /** Absent: no ICE. */
  ice?: Pick<IceOptions, 'mode' | 'controlling' | 'stun' | 'turn'>
}

type Failed = Extract<PathOutcome, { kind: 'Failed' }>
type Connected = Extract<PathOutcome, { kind: 'Connected' }>

/** Why nothing can flow. `ConsentLost`: it did, until the peer did not answer our checks for 30 s (RFC 7675). */
export interface PathFailure {
  readonly stage: Failed['stage']
  readonly reason: Exclude<Failed['reason'], 'Stopped'> | 'ConsentLost'
  /** Part of a sentence for a human, with what servers did that gave no candidate. */
  readonly detail: string
}

/** What was found. Milliseconds. */
export interface PathTerms {
  /** The SRTP suite; absent: nothing is encrypted, or the handshake is not over. */
  readonly suite?: string
  /** Absent: there was no handshake. */
  readonly dtls?: { readonly handshakeTime: number }
  /** Of the pair in use, the types of both candidates, and what servers that gave none did. Absent: without ICE. */
  readonly ice?: {
    readonly local: string
    readonly remote: string
    readonly gatheringTime: number
    readonly connectTime: number
    readonly problems: readonly string[]
  }
}

export type FoundPath = { kind: 'Found'; protection: Protection | undefined } | { kind: 'NotFound' }

/** Milliseconds for the checks, and again for the handshake; the end of the call ends them. */
const PATIENCE = 15_000

export class StreamPath {
  /** Of our certificate; none: no handshake. */
  readonly fingerprints: readonly Fingerprint[]
  readonly #path: NegotiatedPath
  readonly #gathered: Pick<NonNullable<PathTerms['ice']>, 'gatheringTime' | 'problems'>
  readonly #failing: PromiseWithResolvers<PathFailure>
  #terms: PathTerms | undefined

  /** Undefined: nothing that is wished needs one. Servers that do not answer take their time. */
  static async open(
    session: MediaSession,
    media: MediaEngine,
    { encryption, ice }: PathWishes,
  ): Promise<StreamPath | undefined> {
    if (encryption !== 'DTLS' && !ice) return undefined
    const certificate = encryption === 'DTLS' ? await media.certificate() : undefined
    const failing = Promise.withResolvers<PathFailure>()
    const path = await session.negotiatePath({
      ...(ice && { ice: { ...ice, candidates: 'All' as const } }),
      ...(certificate && { certificate }),
      lost: () => failing.resolve(CONSENT_LOST),
    })
    const gathered = (await path.gather()) ?? { gatheringTime: 0, problems: [] }
    return new StreamPath({ path, gathered, failing, fingerprints: certificate ? [certificate.fingerprint] : [] })
  }

  private constructor(parts: {
    path: NegotiatedPath
    gathered: Pick<NonNullable<PathTerms['ice']>, 'gatheringTime' | 'problems'>
    failing: PromiseWithResolvers<PathFailure>
    fingerprints: readonly Fingerprint[]
  }) {
    this.fingerprints = parts.fingerprints
    this.#path = parts.path
    this.#gathered = parts.gathered
    this.#failing = parts.failing
    // Whoever wants to know asks; nobody has to.
    this.#failing.promise.catch(() => undefined)
  }

  /** Ours; undefined: no ICE. */
  get ice(): AudioIce | undefined {
    return this.#path.ice
  }

  /** Undefined: nothing is found yet. */
  get terms(): PathTerms | undefined {
    return this.#terms
  }

  /** Stays open while all is well. */
  get failed(): Promise<PathFailure> {
    return this.#failing.promise
  }

  /** It could not be looked for, or what was found cannot be used, by a fault of ours. */
  broke(error: unknown): void {
    this.#failing.reject(error)
  }

  /** Once. Without a path it failed, which `failed` tells of, or the session ended. The keys are the caller's to dispose of. */
  async find(remote: RemoteAudio): Promise<FoundPath> {
    const outcome = await this.#path.connect(remoteOf(remote), PATIENCE)
    if (outcome.kind === 'Failed') {
      const { stage, reason, detail } = outcome
      const all = [detail, ...this.#gathered.problems].join('; ')
      if (reason !== 'Stopped') this.#failing.resolve({ stage, reason, detail: all })
      return { kind: 'NotFound' }
    }
    this.#terms = this.#termsOf(outcome)
    return { kind: 'Found', protection: outcome.contexts }
  }

  #termsOf({ pair, contexts, times }: Connected): PathTerms {
    const { connectTime = 0, handshakeTime = 0 } = times
    return {
      ...(contexts && { suite: contexts.suite, dtls: { handshakeTime } }),
      ...(pair && { ice: { local: pair.local.type, remote: pair.remote.type, ...this.#gathered, connectTime } }),
    }
  }
}

const CONSENT_LOST: PathFailure = {
  ...{ stage: 'ICE', reason: 'ConsentLost' },
  detail: 'the other side answered no check for 30 s',
}

function remoteOf({ address, rtpPort, ice, dtls }: RemoteAudio): Parameters<NegotiatedPath['connect']>[0] {
  return {
    ...{ host: address, port: rtpPort },
    ...(ice && { ice }),
    ...(dtls && { dtls: { side: dtls.setup === 'active' ? 'Client' : 'Server', fingerprints: dtls.fingerprints } }),
  }
}

/** Whether a re-INVITE stays on the path that there is: an ICE restart, another handshake or another address would be another one. */
export function sameWay(now: RemoteAudio, before: RemoteAudio): boolean {
  return isDeepStrictEqual(wayOf(now), wayOf(before))
}

/** With ICE its candidates say where, and those that came of checks are not in it. */
function wayOf({ address, rtpPort, ice, dtls }: RemoteAudio): unknown[] {
  return [dtls, ...(ice ? [ice.ufrag, ice.pwd] : [address, rtpPort])]
}
