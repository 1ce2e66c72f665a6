/** Our side of the video beside the audio of a call: its ports, its keys, its session. Offers and answers are those of `AudioStream`. */
import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { MediaEngine, OpenOutcome, Resolution, VideoSession, VideoStart } from '../media/index.ts'
import type { EncryptionPolicy } from '../media/srtp/index.ts'
import type { LocalVideo, RemoteVideo, VideoCodec } from '../sip/index.ts'
import { StreamKeys } from './stream-keys.ts'

export interface VideoWishes {
  /** Best first, at least one. */
  codecs: readonly VideoCodec[]
  /** Of what we send. */
  resolution: Resolution
  /** Frames a second that we send. */
  frameRate: number
  /** Without video there is no call. */
  required: boolean
}

export interface VideoOptions extends VideoWishes {
  media: MediaEngine
  /** IP address on which packets are sent and received. */
  address: string
  /** What our descriptions say instead of `address`. */
  advertised?: string
  encryption: EncryptionPolicy
  rtcpMux: boolean
}

/** What both sides agreed on last. */
export interface VideoTerms {
  codec: VideoCodec
  /** The SRTP suite; absent: nothing is encrypted. */
  suite?: string
}

export class VideoStream implements AsyncDisposable {
  readonly #options: VideoOptions
  readonly #session: VideoSession
  readonly #keys: StreamKeys
  #remote: RemoteVideo | undefined
  #running = false
  #stopped = false

  static async open(options: VideoOptions): Promise<OpenOutcome<VideoStream>> {
    const { media, codecs, resolution, address } = options
    for (const codec of codecs) media.clip(codec, resolution)
    const opened = await media.openVideo(address)
    return opened.kind === 'Open' ? { kind: 'Open', session: new VideoStream(options, opened.session) } : opened
  }

  private constructor(options: VideoOptions, session: VideoSession) {
    this.#options = options
    this.#session = session
    this.#keys = new StreamKeys(options.encryption, randomBytes, [])
  }

  /** For descriptions. The codec in use stays. */
  get local(): LocalVideo {
    const { address: bound, advertised: address = bound, codecs, rtcpMux } = this.#options
    const { rtpPort, rtcpPort } = this.#session
    return {
      ...{ address, rtpPort, rtcpPort, rtcpMux, keys: this.#keys },
      codecs: this.#remote ? [this.#remote.codec] : codecs,
    }
  }

  /** Takes what the peer says of it; nothing flows before `begin`. Text: why there can be no call. @param remote absent: it has no video, or none that we can */
  agree(remote: RemoteVideo | undefined): string | undefined {
    const { required, codecs } = this.#options
    if (!remote) return required ? `it has no video in ${codecs.join(' or ')} under our terms` : undefined
    if (isIP(remote.address) === 0) return `its video address is ${remote.address.slice(0, 100)}, not an IP address`
    this.#remote = remote
    return undefined
  }

  /** Begins as was agreed on; nothing, when there is no video. */
  begin(): void {
    if (!this.#remote || this.#stopped) return
    const { media, resolution, frameRate } = this.#options
    const { codec, payloadType, receivedType, feedback, rtcpMux } = this.#remote
    this.#session.start({
      ...this.#termsOf(this.#remote),
      ...{ clip: media.clip(codec, resolution), frameRate, payloadType, receivedType, rtcpMux },
      repair: {
        nack: feedback.includes('nack'),
        keyFrames: feedback.includes('nack pli') ? 'PLI' : feedback.includes('ccm fir') ? 'FIR' : 'None',
      },
    })
    this.#running = true
    this.#keys.use(this.#remote.keys)
  }

  /** Whether a re-INVITE can be answered. @param remote absent: it has no video */
  fits(remote: RemoteVideo | undefined): boolean {
    const before = this.#remote
    if (!remote) return true
    if (isIP(remote.address) === 0) return false
    return !before || (remote.rtcpMux === before.rtcpMux && remote.codec === before.codec)
  }

  /** Follows a re-INVITE that fits: video begins, changes, or pauses where there is none any more. */
  change(remote: RemoteVideo | undefined): void {
    const before = this.#remote
    const now = remote ?? (before && { ...before, direction: 'inactive' as const })
    this.#remote = now
    if (!now || this.#stopped) return
    if (!this.#running) return this.begin()
    this.#session.renegotiate(this.#termsOf(now))
    this.#keys.use(now.keys)
  }

  /** Undefined: there is no video. */
  get terms(): VideoTerms | undefined {
    if (!this.#remote) return undefined
    const { codec, keys } = this.#remote
    return { codec, ...(keys && { suite: keys.local.suite }) }
  }

  /** The peer said that it shows something, and not one packet of it came. */
  get missing(): boolean {
    const direction = this.#remote?.direction
    return (
      this.#running && this.#session.packetsReceived === 0 && (direction === 'sendrecv' || direction === 'sendonly')
    )
  }

  /** The call so far: of what never came nothing. `srtpFailures` are those of this stream alone. */
  report(): ReturnType<VideoSession['report']> {
    return this.#session.report()
  }

  /** The second that ended now: call it once a second. */
  sample(): ReturnType<VideoSession['sample']> {
    return this.#session.sample()
  }

  stop(): void {
    this.#stopped = true
    this.#session.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await this.#session[Symbol.asyncDispose]()
  }

  #termsOf(remote: RemoteVideo): Pick<VideoStart, 'remote' | 'sending' | 'protection'> {
    const { address: host, rtpPort, rtcpPort, direction } = remote
    const protection = this.#keys.protection(remote.keys)
    return {
      remote: { host, rtpPort, rtcpPort },
      sending: direction === 'sendrecv' || direction === 'recvonly',
      ...(protection && { protection }),
    }
  }
}
