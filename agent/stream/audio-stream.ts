/** Our side of one audio stream through the offers and answers of a call: ports, descriptions, keys, the media session. It sends no SIP. */
import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { fittingPtime, type MediaEngine, type MediaSession, type NewTerms, type StartOptions } from '../media/index.ts'
import { type AudioCodec, buildAnswer, buildOffer, type LocalAudio, readAudio, type RemoteAudio } from '../sip/index.ts'
import { type StreamEncryption, StreamKeys } from './stream-keys.ts'

export type StreamOutcome = { kind: 'Open'; stream: AudioStream } | { kind: 'PortsExhausted'; range: string }

export interface StreamOptions extends Pick<StartOptions, 'source' | 'jitterBuffer' | 'analysis'> {
  media: MediaEngine
  /** IP address on which packets are sent and received. */
  address: string
  /** Number of the o= line. */
  sessionId: number
  /** Best first, at least one. */
  codecs: readonly AudioCodec[]
  /** Milliseconds of audio a packet that we ask for. */
  ptime: number
  encryption: StreamEncryption
  rtcpMux: boolean
}

/** What both sides agreed on last. */
export interface StreamTerms {
  codec: AudioCodec
  /** The SRTP suite; absent: nothing is encrypted. */
  suite?: string
  rtcpMux: boolean
}

export async function openStream(options: StreamOptions): Promise<StreamOutcome> {
  const { media, codecs, ptime, source, address } = options
  for (const codec of codecs) media.prepare({ codec, ptime: fittingPtime(codec, ptime), source })
  const opened = await media.open(address)
  return opened.kind === 'Open' ? { kind: 'Open', stream: new AudioStream(options, opened.session) } : opened
}

export class AudioStream implements AsyncDisposable {
  readonly session: MediaSession
  readonly #options: StreamOptions
  readonly #keys: StreamKeys
  readonly #local: LocalAudio
  /** What we sent last. */
  #previous: string | undefined
  #remote: RemoteAudio | undefined
  #onHold = false
  #stopped = false

  constructor(options: StreamOptions, session: MediaSession) {
    const { address, sessionId, codecs, ptime, encryption, rtcpMux } = options
    const { rtpPort, rtcpPort } = session
    this.session = session
    this.#options = options
    this.#keys = new StreamKeys(encryption, randomBytes)
    this.#local = { address, rtpPort, rtcpPort, codecs, ptime, sessionId, rtcpMux, keys: this.#keys }
  }

  offer(): string {
    this.#previous = buildOffer(this.#next())
    return this.#previous
  }

  /** Takes the answer to our offer and begins to send. Text: why it cannot be used. */
  accept(answer: string): string | undefined {
    const outcome = readAudio(answer, this.#local.codecs, this.#local)
    if (outcome.kind !== 'Usable') return outcome.detail
    if (isIP(outcome.audio.address) === 0) return noAddress(outcome.audio)
    this.#remote = outcome.audio
    this.begin()
    return undefined
  }

  /** The answer to an offer. Nothing is sent before `begin`. */
  answer(offer: string): { sdp: string } | { unusable: string } {
    const outcome = buildAnswer(offer, this.#next())
    if (outcome.kind !== 'Answer') return { unusable: outcome.detail }
    if (isIP(outcome.audio.address) === 0) return { unusable: noAddress(outcome.audio) }
    this.#remote = outcome.audio
    this.#previous = outcome.sdp
    return { sdp: outcome.sdp }
  }

  /** Begins to send as the answer says, once it is on its way. @throws when there is none, or media has begun or stopped */
  begin(): void {
    if (!this.#remote) throw new Error('nothing was agreed on')
    const { source, jitterBuffer, analysis } = this.#options
    const { direction } = this.#remote
    this.#onHold = direction === 'inactive' || direction === 'recvonly'
    const { sending, receiving, ...terms } = this.#termsOf(this.#remote)
    this.session.start({
      ...terms,
      ...{ source, jitterBuffer },
      ...(this.#remote.rtcpMux && { rtcpMux: true }),
      ...(analysis && { analysis }),
    })
    this.#keys.use(this.#remote.keys)
    const { protection: _, ...again } = terms
    if (!sending || !receiving) this.session.renegotiate({ ...again, sending, receiving })
  }

  /**
   * Answers a re-INVITE (RFC 3264 8): media goes on where and as it says, another address, codec, hold or its end. The codec in use stays
   * while it is offered. Undefined, 488: what cannot be, and the call goes on as before.
   */
  reoffer(offer: string | undefined): string | undefined {
    if (offer === undefined) return this.offer()
    const before = this.#remote
    if (!before) return undefined
    const stays = buildAnswer(offer, { ...this.#next(), codecs: [before.codec] })
    const outcome = stays.kind === 'Answer' ? stays : buildAnswer(offer, this.#next())
    if (outcome.kind !== 'Answer' || !this.#change(outcome.audio, before)) return undefined
    this.#previous = outcome.sdp
    return outcome.sdp
  }

  /** True: the peer need send nothing for now. */
  get onHold(): boolean {
    return this.#onHold
  }

  /** Undefined: nothing was agreed on yet. */
  get terms(): StreamTerms | undefined {
    if (!this.#remote) return undefined
    const { codec, rtcpMux, keys } = this.#remote
    return { codec, rtcpMux, ...(keys && { suite: keys.local.suite }) }
  }

  /** The call is over for media: nothing is sent any more. */
  stop(): void {
    this.#stopped = true
    this.session.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await this.session[Symbol.asyncDispose]()
  }

  #next(): LocalAudio {
    return { ...this.#local, ...(this.#previous !== undefined && { previous: this.#previous }) }
  }

  /** False: it cannot be. */
  #change(remote: RemoteAudio, before: RemoteAudio): boolean {
    if (isIP(remote.address) === 0 || remote.rtcpMux !== before.rtcpMux) return false
    // The old form of hold names no address (RFC 3264 8.4): RTCP goes where it went.
    const { address, rtpPort, rtcpPort } = UNSPECIFIED.has(remote.address) ? before : remote
    const now = { ...remote, address, rtpPort, rtcpPort }
    // Who changes to `sendonly` holds us, and may play music or nothing at all (RFC 3264 8.4).
    const onHold = remote.direction !== 'sendrecv'
    const terms = this.#termsOf(now)
    if (!this.#stopped && this.session.renegotiate({ ...terms, receiving: !onHold }) !== 'Changed') {
      terms.protection?.sender[Symbol.dispose]()
      terms.protection?.receiver[Symbol.dispose]()
      return false
    }
    this.#keys.use(remote.keys)
    this.#onHold = onHold
    this.#remote = now
    return true
  }

  #termsOf(remote: RemoteAudio): NewTerms {
    const { address: host, rtpPort, rtcpPort, codec, payloadType, receivedType, telephoneEvent, direction } = remote
    const protection = this.#keys.protection(remote.keys)
    return {
      remote: { host, rtpPort, rtcpPort },
      ...{ codec, payloadType, receivedType, ptime: fittingPtime(codec, remote.ptime) },
      ...(telephoneEvent !== undefined && { telephoneEvent }),
      ...(protection && { protection }),
      sending: direction === 'sendrecv' || direction === 'recvonly',
      receiving: !this.#onHold,
    }
  }
}

function noAddress({ address }: RemoteAudio): string {
  return `its media address is ${address.slice(0, 100)}, not an IP address`
}

const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::'])
