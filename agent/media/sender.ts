/** What leaves on the RTP socket and what is known of it: counters and the RTP clock. When a packet leaves is the caller's decision. */
import type { Socket } from 'node:dgram'
import type { PacketLoop } from './codec/packet-loop.ts'
import type { EventPacket } from './codec/telephone-event.ts'
import type { Peer } from './peer.ts'
import { HEADER_LENGTH, createPacket, sequenceNumber, setSsrc, stampPacket, timestamp } from './rtp.ts'

/** Packets are written into the same few buffers again and again, as long as no more than these are on their way. */
const BUFFERS = 8
/** More than these on their way: the system takes none any more. */
const MOST_PENDING = 256

/** Totals of the agent, for its gauges. */
export interface Totals {
  packetsSent: number
  packetsReceived: number
  /** RTP and RTCP packets that the system refused, or that found the socket still full. */
  sendErrors: number
  /** What arrived and was no RTP or RTCP, or not the peer's. */
  refused: number
}

export interface SenderOptions {
  socket: Socket
  peer: Peer
  ssrc: number
  /** RTP timestamp units a second. */
  clockRate: number
  totals: Totals
}

export class Sender {
  readonly #options: SenderOptions
  #pending = 0
  packets = 0
  /** Payload octets: what an SR counts (RFC 3550 6.4.1). */
  payloadOctets = 0
  /** With RTP headers. */
  octets = 0
  firstSequenceNumber = 0
  /** Clock.monotonic. */
  firstAt = 0
  lastAt = 0
  #lastTimestamp = 0

  constructor(options: SenderOptions) {
    this.#options = options
  }

  get ssrc(): number {
    return this.#options.ssrc
  }

  get clockRate(): number {
    return this.#options.clockRate
  }

  /** The RTP timestamp that belongs to a moment after a packet was sent. */
  timestampAt(at: number): number {
    return (this.#lastTimestamp + Math.round(((at - this.lastAt) * this.#options.clockRate) / 1000)) >>> 0
  }

  /** Packets that the socket has not let go of yet: Node says so after the turn of the event loop, also of what has long left. */
  get pending(): number {
    return this.#pending
  }

  /**
   * Sends an RTP packet whose header is complete. False: it did not leave.
   * @param now the RTP clock, where the packet has the timestamp of something that began earlier
   */
  send(packet: Buffer, at: number, now = timestamp(packet)): boolean {
    const { socket, peer, totals } = this.#options
    if (peer.port === 0) return false
    if (this.#pending >= MOST_PENDING) {
      totals.sendErrors++
      return false
    }
    if (this.packets === 0) {
      this.firstSequenceNumber = sequenceNumber(packet)
      this.firstAt = at
    }
    this.#pending++
    socket.send(packet, peer.port, peer.host, this.#sent)
    this.packets++
    totals.packetsSent++
    this.octets += packet.length
    this.payloadOctets += packet.length - HEADER_LENGTH
    this.lastAt = at
    this.#lastTimestamp = now
    return true
  }

  /** Sends a received packet back: sequence number, timestamp, marker and payload as they are, the SSRC ours. */
  echo(packet: Buffer, at: number): boolean {
    setSsrc(packet, this.ssrc)
    return this.send(packet, at)
  }

  // One function for all packets: a new one for each would be garbage.
  readonly #sent = (error: Error | null) => {
    this.#pending--
    if (error) this.#options.totals.sendErrors++
  }
}

/** Packet after packet of an encoded source, or of digits in its place. */
export class SourceSender {
  readonly #sender: Sender
  readonly #source: PacketLoop
  readonly #payloadType: number
  /** Milliseconds. */
  readonly #ptime: number
  /** RTP timestamp units of a packet. */
  readonly #duration: number
  readonly #buffers: Buffer[] = []
  #lastBuffer = 0
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
  constructor(
    sender: Sender,
    source: PacketLoop,
    format: { payloadType: number; ptime: number },
    start: { sequenceNumber: number; timestamp: number },
  ) {
    this.#sender = sender
    this.#source = source
    this.#payloadType = format.payloadType
    this.#ptime = format.ptime
    this.#duration = (format.ptime * sender.clockRate) / 1000
    this.#sequenceNumber = start.sequenceNumber
    this.#timestamp = start.timestamp
  }

  /** @param at monotonic milliseconds @param leftOut milliseconds of the source that are not sent, before this packet */
  next(at: number, leftOut: number): void {
    if (leftOut > 0) this.#advance(leftOut / this.#ptime)
    const event = this.#nextEvent < this.#events.length ? this.#events[this.#nextEvent++] : undefined
    if (event) this.#sendEvent(at, event)
    else this.#sendSource(at)
    this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff
    this.#advance(1)
  }

  /** Packet times of digits to come, behind those that are not sent yet; the clock of the source goes on under them. */
  queue(payloadType: number, packets: ReadonlyArray<EventPacket | undefined>): void {
    this.#events = [...this.#events.slice(this.#nextEvent), ...packets]
    this.#nextEvent = 0
    this.#eventType = payloadType
  }

  #sendSource(at: number): void {
    const { octets, starts, ends } = this.#source
    const start = starts[this.#next] ?? 0
    const end = ends[this.#next] ?? 0
    const packet = this.#buffer(end - start)
    stampPacket(packet, this.#marker, this.#sequenceNumber, this.#timestamp)
    octets.copy(packet, HEADER_LENGTH, start, end)
    this.#sender.send(packet, at)
    this.#marker = false
  }

  /** Some packets a digit: each is a new buffer, so that those of the source keep their size. */
  #sendEvent(at: number, { payload, marker }: EventPacket): void {
    if (marker) this.#eventTimestamp = this.#timestamp
    const packet = createPacket(this.#eventType, this.#sender.ssrc, payload.length)
    stampPacket(packet, marker, this.#sequenceNumber, this.#eventTimestamp)
    packet.set(payload, HEADER_LENGTH)
    this.#sender.send(packet, at, this.#timestamp)
  }

  /** One that is not on its way: after a stop of the process many packets leave in one turn, more than there are buffers. */
  #buffer(size: number): Buffer {
    if (this.#sender.pending >= BUFFERS) return createPacket(this.#payloadType, this.#sender.ssrc, size)
    this.#lastBuffer = (this.#lastBuffer + 1) % BUFFERS
    const used = this.#buffers[this.#lastBuffer]
    // All packets of a stream have one size, with the codecs that there are.
    if (used?.length === HEADER_LENGTH + size) return used
    return (this.#buffers[this.#lastBuffer] = createPacket(this.#payloadType, this.#sender.ssrc, size))
  }

  /** @param packets may be a fraction: the clock goes on by it, the source by the nearest packet */
  #advance(packets: number): void {
    this.#timestamp = (this.#timestamp + Math.round(packets * this.#duration)) >>> 0
    this.#next = (this.#next + Math.round(packets)) % this.#source.starts.length
  }
}
