/** Packets of an encoded signal that begins again at its end: what a sender steps through. It keeps no place in them. */

/** Packet n is `octets` from `starts[n]` to before `ends[n]`. After the last one comes the first: the signal goes on there without a break. */
export interface PacketLoop {
  readonly octets: Buffer
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

/** Octets a millisecond of G.711 and G.722: each stands for itself, so that a packet may begin anywhere. */
export const SLIDING_OCTETS = 8

/**
 * Packets of `ptime` milliseconds, one after the other until one of them ends where the loop ends:
 *
 *     loop       [ 0 1 2 3 4 5 6 7 8 9 ]
 *     packets    [0 1 2 3][4 5 6 7][8 9 0 1][2 3 4 5][6 7 8 9]
 *
 * @param loop the octets of one turn
 */
export function slide(loop: Uint8Array, ptime: number): PacketLoop {
  const size = ptime * SLIDING_OCTETS
  const octets = Buffer.alloc(loop.length + size)
  for (let offset = 0; offset < octets.length; offset += loop.length)
    octets.set(cut(loop, octets.length - offset), offset)
  const starts = new Uint32Array(loop.length / greatestCommonDivisor(loop.length, size))
  for (let index = 0; index < starts.length; index++) starts[index] = (index * size) % loop.length
  return { octets, starts, ends: starts.map((start) => start + size) }
}

/** Packets that are whole and of any size, as a codec made them. */
export function inTurn(packets: readonly Uint8Array[]): PacketLoop {
  const ends = new Uint32Array(packets.length)
  let end = 0
  for (const [index, packet] of packets.entries()) ends[index] = end += packet.length
  const starts = ends.map((next, index) => next - (packets[index]?.length ?? 0))
  return { octets: Buffer.concat(packets), starts, ends }
}

function cut(octets: Uint8Array, length: number): Uint8Array {
  return octets.subarray(0, Math.min(octets.length, length))
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other)
}
