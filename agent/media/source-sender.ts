/** Packet after packet of an encoded source, or of digits in its place, onto a sender. When one is due is the caller's decision. */
import type { PacketLoop } from './codec/packet-loop.ts'
import type { EventPacket } from './codec/telephone-event.ts'
import { HEADER_LENGTH, beginPacket, createPacket, stampPacket } from './rtp.ts'
import type { Sender } from './sender.ts'

export interface SourceFormat {
  source: PacketLoop
  payloadType: number
  /** Milliseconds. */
  ptime: number
  /** Told of each packet of the source that left: monotonic milliseconds, RTP timestamp, payload. */
  heard?: (at: number, timestamp: number, payload: Uint8Array) => void
}

/** Sequence numbers go up by one a packet; the clock goes on in pauses too. */
export class SourceSender {
  readonly #sender: Sender
  #format: SourceFormat
  /** RTP timestamp units of a packet. */
  #duration: number
  /** The packet of the source that is next. */
  #next = 0
  #sequenceNumber: number
  #timestamp: number
  #marker = true
  #events: ReadonlyArray<EventPacket | undefined> = []
  #nextEvent = 0
  #eventType = 0
  /** Of all packets of the event that is being sent. */
  #eventTimestamp = 0

  /** @param start random sequence number and timestamp to begin with (RFC 3550 5.1) */
  constructor(sender: Sender, format: SourceFormat, start: { sequenceNumber: number; timestamp: number }) {
    this.#sender = sender
    this.#format = format
    this.#duration = (format.ptime * sender.clockRate) / 1000
    this.#sequenceNumber = start.sequenceNumber
    this.#timestamp = start.timestamp
  }

  /** Goes on with packets of another kind, in the same numbers and on the same clock. */
  change(format: SourceFormat): void {
    this.#format = format
    this.#duration = (format.ptime * this.#sender.clockRate) / 1000
    this.#next = 0
  }

  /** @param at monotonic milliseconds @param leftOut milliseconds of the source that are not sent, before this packet */
  next(at: number, leftOut: number): void {
    if (leftOut > 0) this.#advance(leftOut / this.#format.ptime)
    if (this.#sender.sending) this.#send(at)
    // What comes after a pause begins anew for the jitter buffer of the peer (RFC 3551 4.1).
    else this.#marker = true
    this.#advance(1)
  }

  #send(at: number): void {
    const event = this.#nextEvent < this.#events.length ? this.#events[this.#nextEvent++] : undefined
    if (event) this.#sendEvent(at, event)
    else this.#sendSource(at)
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
  }

  /** Packet times of digits to come, behind those that are not sent yet; the clock of the source goes on under them. */
  queue(payloadType: number, packets: ReadonlyArray<EventPacket | undefined>): void {
    this.#events = [...this.#events.slice(this.#nextEvent), ...packets]
    this.#nextEvent = 0
    this.#eventType = payloadType
  }

  #sendSource(at: number): void {
    const { source, payloadType, heard } = this.#format
    const { octets, starts, ends } = source
    const start = starts[this.#next] ?? 0
    const end = ends[this.#next] ?? 0
    const packet = this.#sender.room(HEADER_LENGTH + end - start)
    beginPacket(packet, payloadType, this.#sender.ssrc)
    stampPacket(packet, this.#marker, this.#sequenceNumber, this.#timestamp)
    octets.copy(packet, HEADER_LENGTH, start, end)
    if (this.#sender.send(packet, at)) heard?.(at, this.#timestamp, octets.subarray(start, end))
    this.#marker = false
  }

  #sendEvent(at: number, { payload, marker }: EventPacket): void {
    if (marker) this.#eventTimestamp = this.#timestamp
    const packet = createPacket(this.#eventType, this.#sender.ssrc, payload.length)
    stampPacket(packet, marker, this.#sequenceNumber, this.#eventTimestamp)
    packet.set(payload, HEADER_LENGTH)
    this.#sender.send(packet, at, this.#timestamp)
  }

  /** @param packets may be a fraction: the clock goes on by it, the source by the nearest packet */
  #advance(packets: number): void {
    this.#timestamp = (this.#timestamp + Math.round(packets * this.#duration)) >>> 0
    this.#next = (this.#next + Math.round(packets)) % this.#format.source.starts.length
  }
}
