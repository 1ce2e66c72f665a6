/** The record of RTP that passed a relay: what came when, and when its copies left; in memory, and as a file of rows of 40 octets. */

/** One RTP packet of a direction. Stamps are monotonic milliseconds of the relay's process. */
export interface RtpPassage {
  readonly ssrc: number
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly arrivedAt: number
  /** In the order in which its copies left: none when it was lost, else one or two. */
  readonly departures: readonly number[]
}

/** What a row is about. */
export type Kind = 'Rtp' | 'Rtcp'

/** What is known of a datagram when it comes. For RTCP the timestamp is the middle of the SR's NTP time, and there is no number. */
export interface Coming {
  readonly kind: Kind
  /** Of the sender: it tells the calls apart. */
  readonly port: number
  readonly ssrc: number
  readonly sequenceNumber: number
  readonly timestamp: number
  readonly arrivedAt: number
}

export interface Row extends Coming, RtpPassage {}

/**
 *     octets  0     4           8        10     12    13..15   16         24               32
 *             SSRC  timestamp   number   port   kind  -        arrival    first departure  second departure
 *
 * Integers little-endian, stamps IEEE doubles, NaN where nothing left.
 */
const ROW = 40
const KINDS: readonly Kind[] = ['Rtp', 'Rtcp']

/** Grows by doubling: a row is written while packets wait. */
export class PassageRecord {
  #octets = Buffer.alloc(ROW * 4096)
  #rows = 0

  /** Returns the row, for `depart`. */
  add(coming: Coming): number {
    const row = this.#rows++
    const offset = row * ROW
    if (offset + ROW > this.#octets.length) {
      const larger = Buffer.alloc(2 * this.#octets.length)
      this.#octets.copy(larger)
      this.#octets = larger
    }
    this.#octets.writeUInt32LE(coming.ssrc, offset)
    this.#octets.writeUInt32LE(coming.timestamp, offset + 4)
    this.#octets.writeUInt16LE(coming.sequenceNumber, offset + 8)
    this.#octets.writeUInt16LE(coming.port, offset + 10)
    this.#octets.writeUInt8(KINDS.indexOf(coming.kind), offset + 12)
    this.#octets.writeDoubleLE(coming.arrivedAt, offset + 16)
    this.#octets.writeDoubleLE(NaN, offset + 24)
    this.#octets.writeDoubleLE(NaN, offset + 32)
    return row
  }

  /** A copy left; there are two at most. */
  depart(row: number, at: number): void {
    const first = row * ROW + 24
    this.#octets.writeDoubleLE(at, Number.isNaN(this.#octets.readDoubleLE(first)) ? first : first + 8)
  }

  octets(): Buffer {
    return this.#octets.subarray(0, this.#rows * ROW)
  }
}

/** In the order in which they came. */
export function readRecord(octets: Buffer): Row[] {
  return Array.from({ length: octets.length / ROW }, (_, row) => {
    const offset = row * ROW
    return {
      ssrc: octets.readUInt32LE(offset),
      timestamp: octets.readUInt32LE(offset + 4),
      sequenceNumber: octets.readUInt16LE(offset + 8),
      port: octets.readUInt16LE(offset + 10),
      kind: KINDS[octets.readUInt8(offset + 12)] ?? 'Rtp',
      arrivedAt: octets.readDoubleLE(offset + 16),
      departures: [octets.readDoubleLE(offset + 24), octets.readDoubleLE(offset + 32)].filter(
        (at) => !Number.isNaN(at),
      ),
    }
  })
}
