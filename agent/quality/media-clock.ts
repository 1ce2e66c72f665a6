/** What the RTP timestamps of one stream say of its clock: packet time, jumps, drift. Jitter is another file's. */
import { ClockDrift } from './clock-drift.ts'

/** Milliseconds. RFC 3551 4.1: no packet is longer, so a timestamp that is off by more fits neither packets nor time. */
const LONGEST_PACKET = 200
/** Milliseconds by which timestamps and arrivals may part without the drift beginning anew: a delay that comes and goes. */
const CONTINUOUS = 1000

/**
 * Of two packets of which the second has the higher sequence number, the timestamps may differ by the packets between them, or by the
 * time between them when the sender paused (RFC 3550 5.1). A difference that is neither is a jump.
 */
export class MediaClock {
  readonly #millisecondsPerUnit: number
  readonly #drift = new ClockDrift()
  #started = false
  #arrival = 0
  #sequenceNumber = 0
  #timestamp = 0
  /** Milliseconds of the timestamps, unwrapped. */
  #media = 0
  /** Timestamp units of a packet; 0: not known. */
  #step = 0
  #jumps = 0

  /** @param clockRate timestamp units a second */
  constructor(clockRate: number) {
    this.#millisecondsPerUnit = 1000 / clockRate
  }

  /** The packet with the highest sequence number so far. True: its timestamp jumped. @param arrival monotonic milliseconds */
  add(arrival: number, sequenceNumber: number, timestamp: number): boolean {
    const jumped = this.#started && this.#advance(arrival, sequenceNumber, timestamp)
    this.#started = true
    this.#arrival = arrival
    this.#sequenceNumber = sequenceNumber
    this.#timestamp = timestamp
    this.#drift.add(arrival, this.#media)
    return jumped
  }

  /** The next packet is of another count. */
  restart(): void {
    this.#started = false
    this.#drift.restart()
  }

  get jumps(): number {
    return this.#jumps
  }

  /** Step of the timestamps from one sequence number to the next, as seen last, milliseconds; undefined: no two followed each other. */
  get packetDuration(): number | undefined {
    return this.#step === 0 ? undefined : this.#step * this.#millisecondsPerUnit
  }

  get driftPpm(): number | undefined {
    return this.#drift.ppm
  }

  #advance(arrival: number, sequenceNumber: number, timestamp: number): boolean {
    const packets = (sequenceNumber - this.#sequenceNumber) & 0xffff
    const units = (timestamp - this.#timestamp) | 0
    const media = units * this.#millisecondsPerUnit
    const behind = Math.abs(media - (arrival - this.#arrival))
    const fitsPackets = Math.abs(units - packets * this.#step) <= this.#step / 2
    const jumped = !fitsPackets && behind > LONGEST_PACKET
    if (jumped) this.#jumps++
    if (jumped || behind > CONTINUOUS) this.#drift.restart()
    this.#media += media
    if (packets === 1 && media > 0 && media <= LONGEST_PACKET) this.#step = units
    return jumped
  }
}
