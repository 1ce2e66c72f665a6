/** Makes hostile packets of good ones, the same ones from the same seed; it sends and judges nothing. */
import type { Random } from '../../../lib/random.ts'

export interface Mutator {
  /** Another packet: one of the corpus with one to four changes, or octets that nobody made. */
  readonly packet: () => Buffer
  readonly pick: <Value>(from: readonly Value[]) => Value
  /** A whole number from 0 to below `limit`. */
  readonly below: (limit: number) => number
}

/** Where counters, lengths and timers turn over. */
const NUMBERS = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] as const

/** What a datagram holds at most over IPv4. */
const LONGEST = 65_507

export function createMutator(random: Random, corpus: readonly Buffer[]): Mutator {
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <Value>(from: readonly Value[]): Value => {
    const value = from[below(from.length)]
    if (value === undefined) throw new Error('there is nothing to pick from')
    return value
  }
  const octets = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, () => below(256)))
  /** Mostly few, seldom many. */
  const times = (most: number): number => (below(50) === 0 ? 1 + below(most) : 1 + below(4))
  const written = (packet: Buffer, at: number, change: Buffer): Buffer => {
    change.copy(packet, at)
    return packet
  }
  const spliced = (packet: Buffer, start: number, end: number, put: Buffer): Buffer =>
    Buffer.concat([packet.subarray(0, start), put, packet.subarray(end)])
  const number = (width: number): Buffer => {
    const whole = Buffer.alloc(4)
    whole.writeUInt32BE(pick(NUMBERS))
    return whole.subarray(4 - width)
  }
  /** The beginning of a word: fields lie there. */
  const word = (packet: Buffer): number => 4 * below(packet.length / 4)

  const changes: ReadonlyArray<(packet: Buffer) => Buffer> = [
    // Octets.
    (packet) => written(packet, below(packet.length), octets(1)),
    (packet) => written(packet, below(packet.length), octets(4)),
    (packet) => packet.subarray(0, below(packet.length + 1)),
    (packet) => Buffer.concat([packet, octets(1 + below(40))]),
    (packet) => spliced(packet, below(packet.length), packet.length, octets(times(1_400))),
    // First octets: version, padding, extension, counts, and the type.
    (packet) => written(packet, 0, Buffer.of(0x80 | below(64))),
    (packet) => written(packet, 0, octets(2)),
    (packet) =>
      written(packet, 1, Buffer.of(pick([0, 8, 9, 13, 96, 101, 111, 136, 200, 201, 202, 203, 204, 205, 206, 207]))),
    // Numbers: sequence numbers and lengths, timestamps, sources, whatever lies in a word.
    (packet) => written(packet, 2, number(2)),
    (packet) => written(packet, 2 + word(packet), number(2)),
    (packet) => written(packet, word(packet), number(4)),
    (packet) => written(packet, word(packet), octets(4)),
    // The tail: padding, tag, MKI, index.
    (packet) => written(packet, Math.max(0, packet.length - 1 - below(24)), octets(2)),
    (packet) => written(packet, packet.length - 1, Buffer.of(pick([0, 1, 4, 5, 255]))),
    // Words again and again: reports, blocks, attributes, whole packets of a compound.
    (packet) => {
      const start = word(packet)
      const piece = packet.subarray(start, start + 4 * (1 + below(8)))
      return spliced(packet, start, start, Buffer.concat(Array.from({ length: times(2_000) }, () => piece)))
    },
    (packet) => spliced(packet, word(packet), word(packet), Buffer.alloc(4 * times(2_000), pick(NUMBERS))),
    // Two packets.
    (packet) => {
      const other = pick(corpus)
      return Buffer.concat([packet.subarray(0, below(packet.length + 1)), other.subarray(below(other.length + 1))])
    },
    (packet) => Buffer.concat([packet, pick(corpus)]),
  ]

  return {
    below,
    pick,
    packet() {
      if (below(20) === 0) return octets(below(300))
      let packet: Buffer = Buffer.from(pick(corpus))
      for (let left = 1 + below(4); left > 0 && packet.length > 0; left--) packet = pick(changes)(packet)
      return packet.subarray(0, LONGEST)
    },
  }
}
