/** Receives a video stream: what its packets say goes to the statistics, what is missing is asked for. It decodes and shows nothing. */
import { ExtendedSequence, type VideoPacket, VideoStatistics, type VideoSummary } from '../../quality/index.ts'
import { headerLength, sequenceNumber, ssrc, timestamp } from '../rtp.ts'
import type { Clip } from './clip.ts'
import type { Feedback } from './feedback.ts'
import { readH264 } from './h264.ts'
import { Repair } from './repair.ts'
import { readVp8 } from './vp8.ts'

/** Milliseconds: packets that are only out of order come in this time. */
const PATIENCE = 20
/** Milliseconds until a key frame is asked for again. */
const KEY_FRAME_RETRY = 500

const READERS = { VP8: readVp8, H264: readH264 } as const

export interface VideoReceiverOptions {
  codec: Clip['codec']
  /** Ours: who asks. */
  ssrc: number
  /** What was agreed on (RFC 4585 4.2, RFC 5104 7.1): whether packets may be asked for again, and how key frames are. */
  repair: { nack: boolean; keyFrames: 'PLI' | 'FIR' | 'None' }
  /** Puts feedback on the wire. */
  send: (feedback: Feedback) => void
}

export class VideoReceiver {
  readonly #options: VideoReceiverOptions
  readonly #statistics = new VideoStatistics()
  readonly #sequence = new ExtendedSequence()
  readonly #repair = new Repair()
  readonly #packet: VideoPacket = {
    ...{ sequenceNumber: 0, timestamp: 0, marker: false, begins: false, key: false },
    ...{ picture: false, padding: false, width: 0, height: 0 },
  }
  readonly #payload = { start: 0, end: 0 }
  /** SSRC of the stream. */
  #media = 0
  #keyFrameAskedAt = -Infinity
  #command = 0
  nacksSent = 0
  plisSent = 0
  firsSent = 0

  constructor(options: VideoReceiverOptions) {
    this.#options = options
  }

  /** @param at monotonic milliseconds of arrival @param packet of the video's payload type, one that `isRtp` holds for */
  receive(at: number, packet: Buffer): void {
    const { codec, repair } = this.#options
    this.#media = ssrc(packet)
    const read = this.#packet
    read.sequenceNumber = this.#sequence.extend(this.#media, sequenceNumber(packet))
    read.timestamp = timestamp(packet)
    read.marker = (packet.readUInt8(1) & 0x80) !== 0
    read.begins = read.key = read.picture = false
    read.width = read.height = 0
    this.#payload.start = headerLength(packet)
    this.#payload.end = packet.length - (packet.readUInt8(0) & 0x20 ? packet.readUInt8(packet.length - 1) : 0)
    read.padding = this.#payload.start >= this.#payload.end
    if (!read.padding) READERS[codec](packet, this.#payload, read)
    if (repair.nack) this.#repair.arrived(at, read.sequenceNumber)
    this.#statistics.receive(at, read)
  }

  /** Asks for what is missing: to be called every few milliseconds. @param at monotonic milliseconds */
  step(at: number): void {
    if (this.#repair.pending) this.#askForPackets(this.#repair.due(at, this.#statistics.next))
    const { waitingSince } = this.#statistics
    if (waitingSince === undefined || at - waitingSince < PATIENCE || this.#repair.pending) return
    if (at - this.#keyFrameAskedAt >= KEY_FRAME_RETRY) this.#askForKeyFrame(at)
  }

  /** Frames shown a second since the last call, or the first packet; undefined: no packet came. @param at monotonic milliseconds */
  frameRateSince(at: number): number | undefined {
    return this.#statistics.frameRateSince(at)
  }

  /** Undefined: nothing of a frame came. @param endedAt monotonic milliseconds at which either side stopped, or now */
  summary(endedAt: number): VideoSummary | undefined {
    return this.#statistics.summary(endedAt)
  }

  #askForPackets(due: readonly number[]): void {
    if (due.length === 0) return
    this.nacksSent += due.length
    const lost = due.map((number) => number & 0xffff)
    this.#options.send({ type: 'NACK', sender: this.#options.ssrc, media: this.#media, lost })
  }

  #askForKeyFrame(at: number): void {
    const { repair, ssrc: sender, send } = this.#options
    this.#keyFrameAskedAt = at
    switch (repair.keyFrames) {
      case 'PLI':
        this.plisSent++
        send({ type: 'PLI', sender, media: this.#media })
        return
      case 'FIR':
        this.firsSent++
        send({ type: 'FIR', sender, commands: [{ ssrc: this.#media, number: this.#command++ & 0xff }] })
        return
      case 'None':
    }
  }
}
