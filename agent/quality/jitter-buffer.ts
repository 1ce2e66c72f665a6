/** A model of a receiver's jitter buffer: from arrival times alone it says which packets would have come too late to be played. No audio. */

export type JitterBufferMode = 'Fixed' | 'Adaptive'

/** The adaptive buffer stays between these, milliseconds; a larger configured delay raises the upper one. */
export const ADAPTIVE_MINIMUM = 20
export const ADAPTIVE_MAXIMUM = 200
/** Deviations of the delay that an adaptive buffer waits for, and how much of the old estimate stays: Ramjee et al., below. */
const DEVIATIONS = 4
const ALPHA = 0.998002
/** A player that hears nothing but late packets begins anew: 200 ms of 20 ms packets. */
const LATE_IN_ROW = 10
/** A packet this much earlier than the reference, milliseconds, is a jump of the sender's timestamps and no early arrival. */
const TIMESTAMP_JUMP = 1000

/**
 * transit = arrival - timestamp, of which only differences mean anything. A packet is late when
 *
 *     Fixed      transit > transit of the first packet + delay
 *     Adaptive   transit > d + clamp(4 v)      d += (1 - a) (transit - d)    v += (1 - a) (|transit - d| - v)
 *
 * The adaptive estimates are algorithm 1 of Ramjee, Kurose, Towsley, Schulzrinne, "Adaptive playout mechanisms for packetized audio
 * applications in wide-area networks", INFOCOM 1994, applied to each packet, as buffers do that stretch time. v begins at delay / 4.
 * After 10 late packets in a row, or a jump of the timestamps by more than a second, both begin anew with that packet.
 */
export class JitterBuffer {
  readonly #adaptive: boolean
  readonly #delay: number
  readonly #maximum: number
  readonly #millisecondsPerUnit: number
  #started = false
  #timestamp = 0
  /** Milliseconds of the timestamps, unwrapped. */
  #media = 0
  #reference = 0
  #deviation = 0
  #lateInRow = 0
  #discarded = 0
  #packets = 0
  #targetSum = 0
  #waitSum = 0

  /** @param delay milliseconds: of Fixed the playout delay, of Adaptive where it begins @param clockRate RTP timestamp units a second */
  constructor(mode: JitterBufferMode, delay: number, clockRate: number) {
    this.#adaptive = mode === 'Adaptive'
    this.#delay = delay
    this.#maximum = Math.max(delay, ADAPTIVE_MAXIMUM)
    this.#deviation = delay / DEVIATIONS
    this.#millisecondsPerUnit = 1000 / clockRate
  }

  /** True: played. False: too late. Not for duplicates. @param arrival monotonic milliseconds @param timestamp 32 bit, wraps */
  add(arrival: number, timestamp: number): boolean {
    if (this.#started) this.#media += ((timestamp - this.#timestamp) | 0) * this.#millisecondsPerUnit
    this.#timestamp = timestamp
    const transit = arrival - this.#media
    if (!this.#started || transit < this.#reference - TIMESTAMP_JUMP) this.#begin(transit)
    const target = this.target
    this.#packets++
    this.#targetSum += target
    const wait = this.#reference + target - transit
    if (this.#adaptive) {
      this.#reference += (1 - ALPHA) * (transit - this.#reference)
      this.#deviation += (1 - ALPHA) * (Math.abs(transit - this.#reference) - this.#deviation)
    }
    if (wait >= 0) {
      this.#waitSum += wait
      this.#lateInRow = 0
      return true
    }
    this.#discarded++
    this.#lateInRow++
    if (this.#lateInRow >= LATE_IN_ROW) this.#begin(transit)
    return false
  }

  /** The next packet is another source's. */
  restart(): void {
    this.#started = false
  }

  /** Milliseconds a packet that comes on time waits now. */
  get target(): number {
    if (!this.#adaptive) return this.#delay
    return Math.min(this.#maximum, Math.max(ADAPTIVE_MINIMUM, DEVIATIONS * this.#deviation))
  }

  /** The average of `target` over the packets, milliseconds; the delay it begins with before the first one. */
  get averageTarget(): number {
    return this.#packets === 0 ? this.target : this.#targetSum / this.#packets
  }

  /** The average of what the played packets waited, milliseconds; undefined: none was played. */
  get averageWait(): number | undefined {
    const played = this.#packets - this.#discarded
    return played === 0 ? undefined : this.#waitSum / played
  }

  /** Packets that came too late. */
  get discarded(): number {
    return this.#discarded
  }

  /** Packets that it judged. */
  get packets(): number {
    return this.#packets
  }

  #begin(transit: number): void {
    this.#started = true
    this.#reference = transit
    this.#deviation = this.#delay / DEVIATIONS
    this.#lateInRow = 0
  }
}
