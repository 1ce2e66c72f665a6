/** What comes of the peer: audio, digits, comfort noise or nothing that was agreed on, and who is told of it. Whose packet it is was decided before. */
import type { Arrival, ReceivedPacket, ReceiveStatistics } from '../quality/index.ts'
import type { DigitReceiver } from './codec/digit-receiver.ts'
import type { Listener } from './listener.ts'
import type { StartOptions } from './media.ts'
import { headerLength, payloadType, sequenceNumber, ssrc, timestamp } from './rtp.ts'

/** The static payload type of comfort noise (RFC 3389 3). */
const COMFORT_NOISE = 13

/** Payload types. */
type Types = Pick<StartOptions, 'payloadType' | 'receivedType' | 'telephoneEvent'>

export interface IncomingOptions {
  types: Types
  statistics: ReceiveStatistics
  digits: DigitReceiver
  listener: Listener | undefined
}

export class Incoming {
  readonly #options: IncomingOptions
  /** What is counted: packets of every payload type, octets with their headers. */
  readonly count = { packets: 0, octets: 0, audio: { packets: 0, octets: 0 } }
  readonly #packet: ReceivedPacket = { ssrc: 0, sequenceNumber: 0, timestamp: 0, timed: true }
  #audioType = 0
  #eventType: number | undefined
  #decoded = true

  constructor(options: IncomingOptions) {
    this.#options = options
    this.expect(options.types)
  }

  /** Other payload types are agreed on. */
  expect({ payloadType: sent, receivedType = sent, telephoneEvent }: Types): void {
    this.#audioType = receivedType
    this.#eventType = telephoneEvent
  }

  /** From now on the audio is of another codec than the one that is listened to. */
  deafen(): void {
    this.#decoded = false
  }

  /** Whether it has the agreed payload type: such a packet may come from a place where the peer was not before. */
  isAudio(packet: Uint8Array): boolean {
    return payloadType(packet) === this.#audioType
  }

  /** @param at monotonic milliseconds of arrival @param message an RTP packet of the peer, not encrypted any more */
  take(at: number, message: Buffer): void {
    const { statistics, digits, listener } = this.#options
    const type = payloadType(message)
    const packet = this.#packet
    packet.ssrc = ssrc(message)
    packet.sequenceNumber = sequenceNumber(message)
    packet.timestamp = timestamp(message)
    packet.timed = type === this.#audioType
    const isEvent = type === this.#eventType
    this.#count(message.length)
    if (isEvent) digits.receive(at, packet.timestamp, payloadOf(message))
    const isKnown = packet.timed || isEvent || type === COMFORT_NOISE
    // Who sends something else under another SSRC does not send the stream; under its SSRC, it takes its sequence numbers.
    const counts = isKnown || packet.ssrc === statistics.ssrc
    if (!listener) {
      if (counts) statistics.note(at, packet)
      return
    }
    const place = counts ? statistics.receive(at, packet) : 'Stray'
    if (isKnown) this.#hear(listener, at, message, place)
    else listener.unknown(at)
  }

  #count(octets: number): void {
    const { count } = this
    count.packets++
    count.octets += octets
    if (!this.#packet.timed) return
    count.audio.packets++
    count.audio.octets += octets
  }

  #hear(listener: Listener, at: number, message: Buffer, place: Arrival): void {
    if (this.#packet.timed && this.#decoded) listener.heard(at, this.#packet, payloadOf(message), place)
    else listener.arrived(at)
  }
}

/** Without padding (RFC 3550 5.1). */
function payloadOf(packet: Buffer): Buffer {
  const padding = packet.readUInt8(0) & 0x20 ? packet.readUInt8(packet.length - 1) : 0
  return packet.subarray(headerLength(packet), packet.length - padding)
}
