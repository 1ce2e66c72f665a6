/** One video stream: its sockets, the clip that it sends, what it measures, and the feedback both ways. What is in packets is for `video/`. */
import type { Metrics } from '../../crds/index.ts'
import type { RemoteInfo } from 'node:dgram'
import { type ReceivedPacket, ReceiveStatistics } from '../quality/index.ts'
import type { MediaAddress, Protection } from './media.ts'
import { Peer } from './peer.ts'
import type { PortPair } from './ports.ts'
import { ProtectedSession } from './protected-session.ts'
import { RtcpSession } from './rtcp-session.ts'
import { isRtcp, isRtp, payloadType, sequenceNumber, ssrc, timestamp } from './rtp.ts'
import type { SessionContext } from './session.ts'
import { MOST_OVERHEAD } from './srtp/index.ts'
import {
  buildFeedback,
  type Clip,
  isFeedbackAlone,
  parseFeedback,
  VIDEO_CLOCK_RATE,
  videoMetrics,
  VideoReceiver,
  type VideoReceiverOptions,
  VideoSender,
} from './video/index.ts'

export interface VideoStart {
  remote: MediaAddress
  clip: Clip
  /** Frames a second. */
  frameRate: number
  /** Of what we send, and of what the peer sends. */
  payloadType: number
  receivedType: number
  /** Which requests of ours the peer answers. */
  repair: VideoReceiverOptions['repair']
  /** From now on the session's, which disposes of it. Absent: nothing is encrypted. */
  protection?: Protection
  /** RTCP goes and comes on the RTP port (RFC 5761). */
  rtcpMux: boolean
  /** False: the peer wants no video for now. */
  sending: boolean
}

/** What a new offer and answer may change in mid-call; codec and payload types stay. */
export type NewVideoTerms = Pick<VideoStart, 'remote' | 'protection' | 'sending'>

/** Milliseconds between looks at what is to be sent, and at what is missing. */
const STEP = 5
/** For the jitter of our reports; frames are played by nobody. */
const JITTER_BUFFER = { mode: 'Fixed', delay: 60 } as const
/** First sequence numbers are below it, so that a peer that misses the first packets counts the turns as SRTP does here (RFC 3711 3.3.1). */
const FIRST_NUMBERS = 2 ** 15

interface Started {
  receivedType: number
  peer: Peer
  /** The same with RTCP on the RTP port. */
  rtcpPeer: Peer
  sending: boolean
  sender: VideoSender
  receiver: VideoReceiver
  statistics: ReceiveStatistics
  rtcp: RtcpSession
}

export class VideoSession implements AsyncDisposable {
  readonly #context: SessionContext
  readonly #ports: PortPair
  readonly #disposed: () => void
  readonly #protection = new ProtectedSession()
  readonly #packet: ReceivedPacket = { ssrc: 0, sequenceNumber: 0, timestamp: 0, timed: true }
  #started: Started | undefined
  #pacing: Disposable | undefined
  /** Packets of the peer's video. */
  packetsReceived = 0
  #stoppedAt: number | undefined

  /** @param disposed called when the ports are free again */
  constructor(context: SessionContext, ports: PortPair, disposed: () => void) {
    this.#context = context
    this.#ports = ports
    this.#disposed = disposed
    const { rtp, rtcp } = ports
    rtp.on('message', (message, from) => this.#onPacket(message, from))
    rtcp.on('message', (message, from) => this.#onRtcpPort(message, from))
    // A send that failed is told to its callback; an error of the socket itself shows as packets that do not come.
    rtp.on('error', () => undefined)
    rtcp.on('error', () => undefined)
  }

  get rtpPort(): number {
    return this.#ports.rtpPort
  }

  get rtcpPort(): number {
    return this.#ports.rtcpPort
  }

  /** Begins to send and to measure, once. @throws when it was started or stopped before */
  start(options: VideoStart): void {
    if (this.#started || this.#stoppedAt !== undefined) throw new Error('a video session starts once')
    if (options.protection) this.#protection.begin(options.protection)
    const started = this.#join(options)
    this.#started = started
    const { clock, pacer } = this.#context
    this.#pacing = pacer.add(STEP, () => {
      const at = clock.monotonic()
      if (started.sending) started.sender.step(at)
      started.receiver.step(at)
    })
  }

  /** @throws when it was not started or is stopped */
  renegotiate({ remote, protection, sending }: NewVideoTerms): void {
    const started = this.#started
    if (!started || this.#stoppedAt !== undefined) throw new Error('new terms are for a video session that runs')
    const at = this.#context.clock.monotonic()
    started.peer.move(remote.host, remote.rtpPort, at)
    if (started.rtcpPeer !== started.peer) started.rtcpPeer.move(remote.host, remote.rtcpPort, at)
    if (protection) this.#protection.change(protection)
    started.sending = sending
  }

  /** The call so far: of what never came nothing. `srtpFailures` are those of this stream alone. */
  report(): Metrics {
    if (!this.#started) return {}
    const { receiver, sender } = this.#started
    const srtpFailures = this.#protection.failures
    return {
      ...videoMetrics(receiver, sender, this.#stoppedAt ?? this.#context.clock.monotonic()),
      ...(srtpFailures !== undefined && { srtpFailures }),
    }
  }

  /** The second that ended now: call it once a second. */
  sample(): Metrics {
    const frameRate = this.#started?.receiver.frameRateSince(this.#context.clock.monotonic())
    return frameRate === undefined ? {} : { frameRate }
  }

  /** RTCP BYE, then silence, and nothing more is received; `report` stays valid. */
  stop(): void {
    if (this.#stoppedAt !== undefined) return
    this.#stoppedAt = this.#context.clock.monotonic()
    this.#pacing?.[Symbol.dispose]()
    this.#started?.rtcp.stop()
    this.#protection[Symbol.dispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await this.#ports[Symbol.asyncDispose]()
    this.#disposed()
  }

  #join({ remote, clip, frameRate, payloadType: sent, receivedType, repair, rtcpMux, sending }: VideoStart): Started {
    const { clock, random, totals, cname } = this.#context
    const protection = this.#protection
    const peer = new Peer(remote.host, remote.rtpPort)
    const rtcpPeer = rtcpMux ? peer : new Peer(remote.host, remote.rtcpPort)
    const source = Math.floor(random() * 2 ** 32)
    const statistics = new ReceiveStatistics({ clockRate: VIDEO_CLOCK_RATE, jitterBuffer: JITTER_BUFFER })
    const sender = new VideoSender(
      {
        ...{ clip, ssrc: source, payloadType: sent, frameRate },
        start: {
          sequenceNumber: Math.floor(random() * FIRST_NUMBERS),
          timestamp: Math.floor(random() * 2 ** 32),
        },
        protect: (packet) =>
          protection.active ? protection.sealRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD)) : packet,
        send: (octets) => this.#send(octets, peer),
      },
      clock.monotonic(),
    )
    const rtcp = new RtcpSession({
      ...{ clock, random, sender, protection, cname, totals, path: undefined },
      socket: rtcpMux ? this.#ports.rtp : this.#ports.rtcp,
      peer: rtcpPeer,
      bandwidth: bitRate(clip, frameRate),
      reception: () => statistics.reception(),
      voipMetrics: () => undefined,
    })
    const receiver = new VideoReceiver({
      ...{ codec: clip.codec, ssrc: source, repair },
      send: (feedback) => rtcp.feedback(buildFeedback([feedback])),
    })
    return { receivedType, peer, rtcpPeer, sending, sender, receiver, statistics, rtcp }
  }

  #send(octets: Buffer, { host, port }: Peer): void {
    const { totals } = this.#context
    if (port === 0) return
    totals.packetsSent++
    this.#ports.rtp.send(octets, port, host, (error) => {
      if (error) totals.sendErrors++
    })
  }

  #onPacket(message: Buffer, from: RemoteInfo): void {
    const started = this.#started
    if (!started || this.#stoppedAt !== undefined) return
    const at = this.#context.clock.monotonic()
    if (isRtcp(message) && started.rtcpPeer === started.peer) return this.#onRtcp(started, { at, message, from })
    const packet = isRtp(message) ? this.#protection.openRtp(message) : undefined
    const isVideo = packet !== undefined && isRtp(packet) && payloadType(packet) === started.receivedType
    if (!isVideo || !started.peer.accepts(from.address, from.port, at, true)) {
      this.#context.totals.refused++
      return
    }
    this.#context.totals.packetsReceived++
    this.packetsReceived++
    this.#packet.ssrc = ssrc(packet)
    this.#packet.sequenceNumber = sequenceNumber(packet)
    this.#packet.timestamp = timestamp(packet)
    started.statistics.note(at, this.#packet)
    started.receiver.receive(at, packet)
  }

  #onRtcpPort(message: Buffer, from: RemoteInfo): void {
    const started = this.#started
    if (!started || this.#stoppedAt !== undefined) return
    if (started.rtcpPeer === started.peer) this.#context.totals.refused++
    else this.#onRtcp(started, { at: this.#context.clock.monotonic(), message, from })
  }

  #onRtcp(started: Started, { at, message, from }: { at: number; message: Buffer; from: RemoteInfo }): void {
    const { peer, rtcpPeer, rtcp, sender } = started
    const packet = this.#protection.openRtcp(message)
    // On one port, only RTP shows another place.
    const convincing = rtcpPeer !== peer && from.address === peer.host
    if (!packet || !rtcpPeer.accepts(from.address, from.port, at, convincing)) {
      this.#context.totals.refused++
      return
    }
    for (const feedback of parseFeedback(packet)) sender.receive(feedback, at)
    if (!isFeedbackAlone(packet)) rtcp.receive(at, packet, () => true)
  }
}

/** Kilobits a second: what RTCP takes its share of (RFC 3550 6.2). */
function bitRate({ frames }: Clip, frameRate: number): number {
  const octets = frames.reduce((sum, { payloads }) => payloads.reduce((part, { length }) => part + length, sum), 0)
  return (8 * octets * frameRate) / frames.length / 1000
}
