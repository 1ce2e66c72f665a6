/** Our side of one audio stream through the offers and answers of a call: ports, descriptions, the media session. It sends no SIP. */
import { isIP } from 'node:net'
import type { RunPlan } from '../api/protocol.ts'
import { type MediaEngine, type MediaSession, fittingPtime } from '../media/index.ts'
import { buildAnswer, buildOffer, readAudio } from '../sip/index.ts'
import type { LocalAudio, RemoteAudio } from '../sip/index.ts'

export type StreamOutcome = { kind: 'Open'; stream: AudioStream } | { kind: 'PortsExhausted'; range: string }

export interface StreamOptions {
  media: MediaEngine
  /** IP address on which packets are sent and received. */
  address: string
  plan: RunPlan['endpoint']['media']
  /** Number of the o= line. */
  sessionId: number
}

/**
 * Both laws of G.711, the plan's first: every gateway has both, and one that answers with the other is no fault of the target.
 * The result names the codec that was used.
 */
const PREFERENCE = { PCMA: ['PCMA', 'PCMU'], PCMU: ['PCMU', 'PCMA'] } as const

export async function openStream(options: StreamOptions): Promise<StreamOutcome> {
  const { codec: preferred, ptime, source } = options.plan.audio
  for (const codec of PREFERENCE[preferred]) options.media.prepare({ codec, ptime, source: { kind: source } })
  const opened = await options.media.open(options.address)
  return opened.kind === 'Open' ? { kind: 'Open', stream: new AudioStream(options, opened.session) } : opened
}

export class AudioStream implements AsyncDisposable {
  readonly session: MediaSession
  readonly #plan: StreamOptions['plan']
  readonly #local: LocalAudio
  #version = 0
  #remote: RemoteAudio | undefined
  #onHold = false

  constructor({ plan, address, sessionId }: StreamOptions, session: MediaSession) {
    this.session = session
    this.#plan = plan
    const { codec, ptime } = plan.audio
    const { rtpPort, rtcpPort } = session
    this.#local = { address, rtpPort, rtcpPort, codecs: PREFERENCE[codec], ptime, sessionId }
  }

  offer(): string {
    return buildOffer(this.#next())
  }

  /** Takes the answer to our offer and begins to send. Text: why it cannot be used. */
  accept(answer: string): string | undefined {
    const outcome = readAudio(answer, this.#local.codecs)
    return outcome.kind === 'Usable' ? this.#start(outcome.audio) : outcome.detail
  }

  /** Answers an offer and begins to send. */
  answer(offer: string): { sdp: string } | { unusable: string } {
    const outcome = buildAnswer(offer, this.#next())
    if (outcome.kind !== 'Answer') return { unusable: outcome.detail }
    const unusable = this.#start(outcome.audio)
    return unusable === undefined ? { sdp: outcome.sdp } : { unusable }
  }

  /**
   * Answers a re-INVITE: a refresh, a hold (RFC 3264 8.4) and its end. Media that would have to go somewhere else or be something else
   * is refused (undefined: 488). On hold we go on sending, so that the far end's NAT stays open; only silence is then no fault.
   */
  reoffer(offer: string | undefined): string | undefined {
    if (offer === undefined) return this.offer()
    const outcome = buildAnswer(offer, this.#next())
    if (outcome.kind !== 'Answer' || !this.#remote) return undefined
    const { direction, ...now } = outcome.audio
    const { rtpPort, payloadType, address } = this.#remote
    const onHold = direction === 'inactive' || direction === 'recvonly'
    if (now.payloadType !== payloadType) return undefined
    if (!onHold && (now.address !== address || now.rtpPort !== rtpPort)) return undefined
    this.#onHold = onHold
    return outcome.sdp
  }

  /** True: the peer said that it sends nothing for now. */
  get onHold(): boolean {
    return this.#onHold
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]()
  }

  #next(): LocalAudio {
    this.#version++
    return { ...this.#local, version: this.#version }
  }

  /** Text: why it cannot be. */
  #start(remote: RemoteAudio): string | undefined {
    if (isIP(remote.address) === 0) return `its media address is ${remote.address.slice(0, 100)}, not an IP address`
    this.#remote = remote
    const { address: host, rtpPort, rtcpPort, codec, payloadType, ptime } = remote
    const { audio, jitterBuffer } = this.#plan
    this.session.start({
      remote: { host, rtpPort, rtcpPort },
      codec,
      payloadType,
      ptime: fittingPtime(codec, ptime),
      source: { kind: audio.source },
      jitterBuffer,
    })
    return undefined
  }
}
