/** Sends a clip again and again at its frame times, and answers feedback. When it has its turn, and the socket, are the caller's. */
import { HEADER_LENGTH, createPacket, stampPacket } from '../rtp.ts'
import type { Clip, ClipFrame } from './clip.ts'
import type { Feedback } from './feedback.ts'
import { SentPackets } from './sent-packets.ts'
import { setPictureId } from './vp8.ts'

/** RTP timestamp units a second, of VP8 and of H.264 (RFC 7741 4.1, RFC 6184 5.1). */
export const VIDEO_CLOCK_RATE = 90_000
/** The packets of a frame leave over this share of its time, so that a key frame is not one burst. */
const SPREAD = 0.5
/** Further behind than this, milliseconds, the frame times begin anew: a process that was stopped does not send all its frames at once. */
const CATCH_UP = 500
/** Milliseconds between key frames that are asked for. A request in between waits. */
const KEY_FRAME_SPACING = 500

export interface VideoSenderOptions {
  clip: Clip
  ssrc: number
  payloadType: number
  /** Frames a second, above 0: the clip is as fast as it is sent. */
  frameRate: number
  /** Random numbers to begin with (RFC 3550 5.1); the sequence number below 2^15, for SRTP (RFC 3711 3.3.1). */
  start: { sequenceNumber: number; timestamp: number }
  /** The packet as it leaves, protected under SRTP; asked once for each. Absent: it leaves as it is. */
  protect?: (packet: Buffer) => Buffer | undefined
  /** Puts octets on the wire. The same octets come again when they are asked for, so they must stay as they are. */
  send: (octets: Buffer) => void
}

/**
 *     frame times    |K             |P             |P             |       one frame time apart: 1 / frame rate
 *     packets        |x x x x x     |x     x       |x             |       spread over half of it; marker on the last
 *
 * A packet that is asked for again leaves as it was, under its own SSRC: retransmission as AVPF peers without RFC 4588 do it.
 */
export class VideoSender {
  readonly #options: VideoSenderOptions
  readonly #sent = new SentPackets()
  readonly #startedAt: number
  #sequenceNumber: number
  #pictureId = 0
  /** The frame that is being sent, and its next packet. */
  #frame = 0
  #packet = 0
  /** Monotonic milliseconds. */
  #frameAt: number
  /** The RTP timestamp of the frame that is being sent, and its time. */
  #timestamp: number
  #timestampAt: number
  /** Octets that the protection adds to a packet. */
  #overhead = 0
  #keyFrameAt = -Infinity
  #keyFrameWanted = false
  #lastCommand: number | undefined
  /** What an SR counts (RFC 3550 6.4.1): what was sent again, too. */
  packets = 0
  payloadOctets = 0
  frames = 0
  /** Packets that left again. */
  retransmissions = 0
  nacksReceived = 0
  plisReceived = 0
  firsReceived = 0

  /** @param at monotonic milliseconds of the first frame */
  constructor(options: VideoSenderOptions, at: number) {
    this.#options = options
    this.#startedAt = at
    this.#frameAt = at
    this.#timestampAt = at
    this.#sequenceNumber = options.start.sequenceNumber
    this.#timestamp = options.start.timestamp
  }

  get ssrc(): number {
    return this.#options.ssrc
  }

  /** The RTP timestamp that belongs to a moment from the first frame on, for an SR (RFC 3550 6.4.1). */
  timestampAt(at: number): number {
    return (this.#timestamp + Math.round(((at - this.#timestampAt) * VIDEO_CLOCK_RATE) / 1000)) >>> 0
  }

  /** Sends what is due: to be called every few milliseconds. @param at monotonic milliseconds */
  step(at: number): void {
    for (;;) {
      if (this.#packet === 0) {
        if (this.#frameAt > at) return
        this.#begin(at)
      }
      const { payloads } = this.#current
      if (this.#frameAt + (this.#packet * SPREAD * this.#frameTime) / payloads.length > at) return
      this.#send(payloads, at)
    }
  }

  /** @param at monotonic milliseconds */
  receive(feedback: Feedback, at: number): void {
    switch (feedback.type) {
      case 'NACK':
        if (feedback.media === this.ssrc) this.#sendAgain(feedback.lost, at)
        return
      case 'PLI':
        if (feedback.media !== this.ssrc) return
        this.plisReceived++
        this.#keyFrameWanted = true
        return
      case 'FIR':
        for (const { ssrc, number } of feedback.commands) {
          if (ssrc !== this.ssrc || number === this.#lastCommand) continue
          this.#lastCommand = number
          this.firsReceived++
          this.#keyFrameWanted = true
        }
    }
  }

  get #frameTime(): number {
    return 1000 / this.#options.frameRate
  }

  get #current(): ClipFrame {
    const frame = this.#options.clip.frames[this.#frame]
    if (!frame) throw new RangeError('a clip without frames')
    return frame
  }

  /** The frame whose turn it is, or, when a key frame was asked for, the next one of those. */
  #begin(at: number): void {
    const { clip, start } = this.#options
    if (at - this.#frameAt > CATCH_UP) this.#frameAt = at
    if (this.#keyFrameWanted && at - this.#keyFrameAt >= KEY_FRAME_SPACING) {
      while (!this.#current.key) this.#frame = (this.#frame + 1) % clip.frames.length
    }
    if (this.#current.key) {
      this.#keyFrameAt = at
      this.#keyFrameWanted = false
    }
    this.#timestamp = start.timestamp + Math.round(((this.#frameAt - this.#startedAt) * VIDEO_CLOCK_RATE) / 1000)
    this.#timestampAt = this.#frameAt
    this.#pictureId++
    this.frames++
  }

  #send(payloads: readonly Buffer[], at: number): void {
    const { clip, payloadType, ssrc, protect, send } = this.#options
    const payload = payloads[this.#packet++]
    if (!payload) return
    const last = this.#packet === payloads.length
    // A new one for each, which is kept: some tens a second, unlike audio's packets of a thousand calls.
    const packet = createPacket(payloadType, ssrc, payload.length)
    stampPacket(packet, last, this.#sequenceNumber, this.#timestamp >>> 0)
    payload.copy(packet, HEADER_LENGTH)
    if (clip.codec === 'VP8') setPictureId(packet, HEADER_LENGTH, this.#pictureId)
    const octets = protect ? protect(packet) : packet
    if (octets) {
      this.#overhead = octets.length - packet.length
      this.#sent.keep(this.#sequenceNumber, octets, at)
      this.#count(payload.length)
      send(octets)
    }
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
    if (!last) return
    this.#packet = 0
    this.#frame = (this.#frame + 1) % clip.frames.length
    this.#frameAt += this.#frameTime
  }

  #sendAgain(lost: readonly number[], at: number): void {
    this.nacksReceived += lost.length
    for (const sequenceNumber of lost) {
      const octets = this.#sent.again(sequenceNumber, at)
      if (!octets) continue
      this.retransmissions++
      this.#count(octets.length - this.#overhead - HEADER_LENGTH)
      this.#options.send(octets)
    }
  }

  #count(payloadOctets: number): void {
    this.packets++
    this.payloadOctets += payloadOctets
  }
}
