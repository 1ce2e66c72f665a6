/** What leaves on the RTP socket and what is known of it: counters and the RTP clock. When a packet leaves is the caller's decision. */
import type { Socket } from 'node:dgram'
import type { PacketBuffers } from './packet-buffers.ts'
import type { PacketPath } from './packet-path.ts'
import type { Peer } from './peer.ts'
import type { ProtectedSession } from './protected-session.ts'
import { HEADER_LENGTH, sequenceNumber, setSsrc, timestamp } from './rtp.ts'
import { MOST_OVERHEAD } from './srtp/index.ts'

/** More than these wait: the system takes none any more. */
const MOST_WAITING = 256

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
  /** One that sends within the turn: its `lookup` calls back at once. */
  socket: Socket
  peer: Peer
  /** Takes the place of socket and peer. */
  path: PacketPath | undefined
  ssrc: number
  /** RTP timestamp units a second. */
  clockRate: number
  protection: ProtectedSession
  buffers: PacketBuffers
  totals: Totals
}

export class Sender {
  readonly #options: SenderOptions
  /** Packets that the socket could not let go of at once, when it was asked last. */
  #waiting = 0
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

  /** Memory for a packet, up to the next call. */
  room(length: number): Buffer {
    // A path does not say what it has let go of.
    return this.#options.path ? Buffer.alloc(length) : this.#options.buffers.room(length)
  }

  /**
   * Sends an RTP packet whose header is complete. False: it did not leave; under SRTP no sequence number leaves twice.
   * @param now the RTP clock, where the packet has the timestamp of something that began earlier
   */
  send(packet: Buffer, at: number, now = timestamp(packet)): boolean {
    const { peer, path, protection, totals } = this.#options
    if (!this.sending || (!path && peer.port === 0)) return false
    if (this.#isFull()) {
      totals.sendErrors++
      return false
    }
    const room = protection.active ? this.room(packet.length + MOST_OVERHEAD) : packet
    const leaves = protection.active ? protection.sealRtp(packet, room) : packet
    if (!leaves) return false
    if (this.packets === 0) {
      this.firstSequenceNumber = sequenceNumber(packet)
      this.firstAt = at
    }
    if (path) path.send('RTP', leaves)
    else this.#leave(leaves, room)
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

  #isFull(): boolean {
    if (this.#waiting > 0) this.#waiting = this.#options.socket.getSendQueueCount()
    return this.#waiting >= MOST_WAITING
  }

  /** @param room the memory that the packet is in */
  #leave(packet: Buffer, room: Buffer): void {
    const { socket, peer, buffers } = this.#options
    socket.send(packet, peer.port, peer.host, this.#sent)
    this.#waiting = socket.getSendQueueCount()
    if (this.#waiting > 0) buffers.leave(room)
  }

  // One function for all packets: a new one for each would be garbage.
  readonly #sent = (error: Error | null) => {
    if (error) this.#options.totals.sendErrors++
  }
}
