/** Our side of the audio of a call, with its video if it has one, through offers and answers: ports, descriptions, keys, path, the media session. It sends no SIP. */
import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import {
  fittingPtime,
  type MediaEngine,
  type MediaSession,
  type NewTerms,
  type Protection,
  type StartOptions,
} from '../media/index.ts'
import { type AudioCodec, buildAnswer, buildOffer, type LocalAudio, readAudio, type RemoteAudio } from '../sip/index.ts'
import { StreamKeys } from './stream-keys.ts'
import { type PathFailure, type PathTerms, type PathWishes, sameWay, StreamPath } from './stream-path.ts'
import { VideoStream, type VideoTerms, type VideoWishes } from './video-stream.ts'

export type StreamOutcome = { kind: 'Open'; stream: AudioStream } | { kind: 'PortsExhausted'; range: string }

export interface StreamOptions extends Pick<StartOptions, 'source' | 'jitterBuffer' | 'analysis'>, PathWishes {
  media: MediaEngine
  /** IP address on which packets are sent and received. */
  address: string
  /** What our descriptions say instead of `address`. With ICE they say `address` all the same: it finds the way by candidates. */
  advertised?: string
  /** Number of the o= line. */
  sessionId: number
  /** Best first, at least one. */
  codecs: readonly AudioCodec[]
  /** Milliseconds of audio a packet that we ask for. */
  ptime: number
  /** DTLS and ICE have one port: they need it of the other side, too, and offer it without being told. */
  rtcpMux: boolean
  /** Absent: no video. With DTLS or ICE there is none. */
  video?: VideoWishes
}

/** What both sides agreed on last, and the way that was found for it. */
export interface StreamTerms extends PathTerms {
  codec: AudioCodec
  rtcpMux: boolean
  video?: VideoTerms
}

export async function openStream(options: StreamOptions): Promise<StreamOutcome> {
  const { media, codecs, ptime, source, address } = options
  for (const codec of codecs) media.prepare({ codec, ptime: fittingPtime(codec, ptime), source })
  const opened = await media.open(address)
  if (opened.kind !== 'Open') return opened
  await using stack = new AsyncDisposableStack()
  const session = stack.use(opened.session)
  const video = options.video && (await VideoStream.open({ ...options, ...options.video }))
  if (video?.kind === 'PortsExhausted') return video
  if (video) stack.use(video.session)
  const path = await StreamPath.open(session, media, options)
  stack.move()
  return { kind: 'Open', stream: new AudioStream(options, { session, path, video: video?.session }) }
}

interface Parts {
  session: MediaSession
  path: StreamPath | undefined
  video: VideoStream | undefined
}

export class AudioStream implements AsyncDisposable {
  readonly session: MediaSession
  /** Undefined: none was wished for. */
  readonly video: VideoStream | undefined
  readonly #options: StreamOptions
  readonly #keys: StreamKeys
  readonly #local: LocalAudio
  /** Undefined: there is none, or the peer has no use for it. */
  #path: StreamPath | undefined
  /** What we sent last. */
  #previous: string | undefined
  #remote: RemoteAudio | undefined
  #onHold = false
  #running = false
  #stopped = false

  constructor(options: StreamOptions, { session, path, video }: Parts) {
    const { sessionId, codecs, ptime, encryption, rtcpMux } = options
    const address = (options.ice ? undefined : options.advertised) ?? options.address
    const { rtpPort, rtcpPort } = session
    this.session = session
    this.video = video
    this.#options = options
    this.#path = path
    this.#keys = new StreamKeys(encryption, randomBytes, path?.fingerprints ?? [])
    this.#local = {
      ...{ address, rtpPort, rtcpPort, codecs, ptime, sessionId, keys: this.#keys },
      rtcpMux: rtcpMux || path !== undefined,
    }
  }

  offer(): string {
    this.#previous = buildOffer(this.#next())
    return this.#previous
  }

  /** Takes the answer to our offer and begins. Text: why it cannot be used. */
  accept(answer: string): string | undefined {
    const outcome = readAudio(answer, this.#local.codecs, this.#next())
    if (outcome.kind !== 'Usable') return outcome.detail
    const unfit = whyUnfit(outcome.audio) ?? this.video?.agree(outcome.video)
    if (unfit !== undefined) return unfit
    this.#remote = outcome.audio
    this.begin()
    return undefined
  }

  /** The answer to an offer. Nothing is sent before `begin`. */
  answer(offer: string): { sdp: string } | { unusable: string } {
    const outcome = buildAnswer(offer, this.#next())
    if (outcome.kind !== 'Answer') return { unusable: outcome.detail }
    const unusable = whyUnfit(outcome.audio) ?? this.video?.agree(outcome.video)
    if (unusable !== undefined) return { unusable }
    this.#remote = outcome.audio
    this.#previous = outcome.sdp
    return { sdp: outcome.sdp }
  }

  /**
   * Begins as the answer says, once it is on its way: to send, or first to find the path that is needed for it.
   * @throws when there is none, or media has begun or stopped
   */
  begin(): void {
    if (!this.#remote) throw new Error('nothing was agreed on')
    const { direction, ice, dtls } = this.#remote
    this.#onHold = direction === 'inactive' || direction === 'recvonly'
    this.video?.begin()
    if (this.#path && (ice || dtls)) return void this.#join(this.#path, this.#remote)
    if (this.#path) this.session.leavePath()
    this.#path = undefined
    this.#start(this.#remote)
  }

  /** Undefined: no path is needed that could fail. It stays open while all is well, and rejects when a program is broken. */
  get failed(): Promise<PathFailure> | undefined {
    return this.#path?.failed
  }

  /** The path is not found yet: nothing can flow. */
  get joining(): boolean {
    return this.#path !== undefined && this.#path.terms === undefined
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
    if (outcome.kind !== 'Answer' || this.video?.fits(outcome.video) === false) return undefined
    if (!this.#change(outcome.audio, before)) return undefined
    this.video?.change(outcome.video)
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
    const video = this.video?.terms
    return {
      ...{ codec, rtcpMux },
      ...(keys && { suite: keys.local.suite }),
      ...this.#path?.terms,
      ...(video && { video }),
    }
  }

  /** The call is over for media: nothing is sent any more. */
  stop(): void {
    this.#stopped = true
    this.session.stop()
    this.video?.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await Promise.all([this.session[Symbol.asyncDispose](), this.video?.[Symbol.asyncDispose]()])
  }

  #next(): LocalAudio {
    const { dtls } = this.#remote ?? {}
    const ice = this.#path?.ice
    return {
      ...this.#local,
      ...(this.#previous !== undefined && { previous: this.#previous }),
      ...(ice && { ice }),
      ...(this.video && { video: this.video.local }),
      ...(dtls && { setup: dtls.setup }),
    }
  }

  async #join(path: StreamPath, agreed: RemoteAudio): Promise<void> {
    try {
      const found = await path.find(agreed)
      if (found.kind === 'NotFound') return
      if (this.#stopped) return disposeOf(found.protection)
      // The other side may have changed its mind about what flows meanwhile.
      this.#start(this.#remote ?? agreed, found.protection)
    } catch (error) {
      path.broke(error)
    }
  }

  /** @param protection of the handshake */
  #start(remote: RemoteAudio, protection?: Protection): void {
    const { source, jitterBuffer, analysis } = this.#options
    const { sending, receiving, ...terms } = this.#termsOf(remote)
    this.session.start({
      ...terms,
      ...{ source, jitterBuffer },
      ...(protection && { protection }),
      ...(remote.rtcpMux && { rtcpMux: true }),
      ...(analysis && { analysis }),
    })
    this.#running = true
    this.#keys.use(remote.keys)
    const { protection: _, ...again } = terms
    if (!sending || !receiving) this.session.renegotiate({ ...again, sending, receiving })
  }

  /** False: it cannot be. */
  #change(remote: RemoteAudio, before: RemoteAudio): boolean {
    if (isIP(remote.address) === 0 || remote.rtcpMux !== before.rtcpMux) return false
    // The old form of hold names no address (RFC 3264 8.4): RTCP goes where it went.
    const { address, rtpPort, rtcpPort } = UNSPECIFIED.has(remote.address) ? before : remote
    const now = { ...remote, address, rtpPort, rtcpPort }
    if (this.#path && !sameWay(now, before)) return false
    // Who changes to `sendonly` holds us, and may play music or nothing at all (RFC 3264 8.4).
    const onHold = remote.direction !== 'sendrecv'
    if (this.#running && !this.#stopped && !this.#renegotiate(now, onHold)) return false
    this.#onHold = onHold
    this.#remote = now
    return true
  }

  #renegotiate(now: RemoteAudio, onHold: boolean): boolean {
    const terms = this.#termsOf(now)
    const changed = this.session.renegotiate({ ...terms, receiving: !onHold }) === 'Changed'
    if (changed) this.#keys.use(now.keys)
    else disposeOf(terms.protection)
    return changed
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

/** Undefined: it can be used. */
function whyUnfit({ address, rtcpMux, ice, dtls }: RemoteAudio): string | undefined {
  if (isIP(address) === 0) return `its media address is ${address.slice(0, 100)}, not an IP address`
  if ((ice || dtls) && !rtcpMux) return 'it has RTCP on a port of its own, and ICE and DTLS have one port for both here'
  return undefined
}

function disposeOf(protection: Protection | undefined): void {
  protection?.sender[Symbol.dispose]()
  protection?.receiver[Symbol.dispose]()
}

const UNSPECIFIED: ReadonlySet<string> = new Set(['0.0.0.0', '::'])
