/** Packets in order of arrival that are noted and not looked at yet, a few of one stream; it judges none. */
import type { ReceivedPacket } from './arrivals.ts'

/** A third of a second of 20 ms packets. */
const ROOM = 16
const COLUMNS = 5

/**
 * Thousands of streams take turns packet by packet, so that whatever a stream knows has left the processor's cache when its next packet
 * comes. A packet that is only noted touches one line of it; the rest is fetched once for all that are noted.
 */
export class NotedPackets {
  readonly #rows = new Float64Array(ROOM * COLUMNS)
  readonly #packet: ReceivedPacket = { ssrc: 0, sequenceNumber: 0, timestamp: 0, timed: true }
  #count = 0

  get isFull(): boolean {
    return this.#count === ROOM
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** @param arrival monotonic milliseconds */
  add(arrival: number, packet: ReceivedPacket): void {
    const rows = this.#rows
    const row = COLUMNS * this.#count++
    rows[row] = arrival
    rows[row + 1] = packet.ssrc
    rows[row + 2] = packet.sequenceNumber
    rows[row + 3] = packet.timestamp
    rows[row + 4] = packet.timed ? 1 : 0
  }

  /** Each in its turn, as the same object filled anew; then there are none. */
  take(receive: (arrival: number, packet: ReceivedPacket) => void): void {
    const rows = this.#rows
    const packet = this.#packet
    for (let row = 0; row < COLUMNS * this.#count; row += COLUMNS) {
      packet.ssrc = rows[row + 1] ?? 0
      packet.sequenceNumber = rows[row + 2] ?? 0
      packet.timestamp = rows[row + 3] ?? 0
      packet.timed = rows[row + 4] === 1
      receive(rows[row] ?? 0, packet)
    }
    this.#count = 0
  }
}
