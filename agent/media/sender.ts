/** What leaves on the RTP socket and what is known of it: counters and the RTP clock. When a packet leaves is the caller's decision. */
import type { Socket } from 'node:dgram'
import type { PacketPath } from './packet-path.ts'
import type { Peer } from './peer.ts'
import type { ProtectedSession } from './protected-session.ts'
import { HEADER_LENGTH, sequenceNumber, setSsrc, timestamp } from './rtp.ts'
import { MOST_OVERHEAD } from './srtp/index.ts'

/** Packets are written into the same few buffers again and again, as long as no more than these are on their way. */
export const BUFFERS = 8
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
  /** Takes the place of socket and peer. */
  path: PacketPath | undefined
  ssrc: number
  /** RTP timestamp units a second. */
  clockRate: number
  protection: ProtectedSession
  totals: Totals
}

export class Sender {
  readonly #options: SenderOptions
  #pending = 0
  readonly #sealed: Buffer[] = []
  #lastSealed = 0
  /** False: nothing leaves for now, as the peer wants no media. */
  sending = true
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
    // A path does not say what it has let go of.
    return this.#options.path ? BUFFERS : this.#pending
  }

  /**
   * Sends an RTP packet whose header is complete. False: it did not leave; under SRTP no sequence number leaves twice.
   * @param now the RTP clock, where the packet has the timestamp of something that began earlier
   */
  send(packet: Buffer, at: number, now = timestamp(packet)): boolean {
    const { socket, peer, path, protection, totals } = this.#options
    if (!this.sending || (!path && peer.port === 0)) return false
    if (this.#pending >= MOST_PENDING) {
      totals.sendErrors++
      return false
    }
    const leaves = protection.active ? protection.sealRtp(packet, this.#room(packet.length)) : packet
    if (!leaves) return false
    if (this.packets === 0) {
      this.firstSequenceNumber = sequenceNumber(packet)
      this.firstAt = at
    }
    if (path) path.send('RTP', leaves)
    else {
      this.#pending++
      socket.send(leaves, peer.port, peer.host, this.#sent)
    }
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

  /** For a packet in its protected form; as for those of a source, one that is not on its way. */
  #room(length: number): Buffer {
    if (this.pending >= BUFFERS) return Buffer.alloc(length + MOST_OVERHEAD)
    this.#lastSealed = nextBuffer(this.#lastSealed, this.#pending)
    const used = this.#sealed[this.#lastSealed]
    if (used && used.length >= length + MOST_OVERHEAD) return used
    return (this.#sealed[this.#lastSealed] = Buffer.alloc(length + MOST_OVERHEAD))
  }

  // One function for all packets: a new one for each would be garbage.
  readonly #sent = (error: Error | null) => {
    this.#pending--
    if (error) this.#options.totals.sendErrors++
  }
}

/** The first one while nothing is on its way, so that most senders have one buffer and no more. */
export function nextBuffer(last: number, pending: number): number {
  return pending === 0 ? 0 : (last + 1) % BUFFERS
}
