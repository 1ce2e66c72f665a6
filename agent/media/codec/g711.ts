/** ITU-T G.711: A-law and mu-law to and from 16-bit linear samples. Nothing is encoded while calls run. */
import { ANY_PTIME, type Codec } from './codec.ts'
import { slide } from './packet-loop.ts'

/** Of mu-law, added before the segment is looked for, so that all segments are powers of two: 33 of 14 bits, 4 x 33 of 16 bits. */
const BIAS = 132
const LARGEST = 32_767 - BIAS

/** Full scale is 32256. */
export const PCMA = g711('PCMA', 8, encodeALaw, decodeALaw)
/** Full scale is 32124. */
export const PCMU = g711('PCMU', 0, encodeMuLaw, decodeMuLaw)

/** One of the two laws. What is beyond its largest code is clipped. */
function g711(
  name: 'PCMA' | 'PCMU',
  payloadType: number,
  encode: (sample: number) => number,
  decode: (code: number) => number,
): Codec {
  const samples = Int16Array.from({ length: 256 }, (_, code) => decode(code))
  return {
    name,
    clockRate: 8000,
    sampleRate: 8000,
    channels: 1,
    payloadType,
    ptimes: ANY_PTIME,
    bitRate: 64,
    bandwidth: 'Narrowband',
    codingDelay: 0,
    encode(loop, ptime) {
      // Plain loops: `from` with a function takes ten times as long.
      const octets = new Uint8Array(loop.length)
      for (let index = 0; index < loop.length; index++) octets[index] = encode(loop[index] ?? 0)
      return slide(octets, ptime)
    },
    decoder: () => ({
      decode(payload) {
        const decoded = new Int16Array(payload.length)
        for (let index = 0; index < payload.length; index++) decoded[index] = samples[payload[index] ?? 0] ?? 0
        return decoded
      },
      [Symbol.dispose]: () => undefined,
    }),
  }
}

/**
 *     S E E E M M M M      sign (1: positive), segment, step; even bits inverted on the line (G.711 table 1a, 0x55)
 *
 * Segment 0 and 1 have steps of 16, each further one steps of twice the size.
 */
function encodeALaw(sample: number): number {
  const positive = sample >= 0
  const magnitude = Math.min(2047, (positive ? sample : -sample - 1) >> 4)
  const segment = magnitude < 16 ? 0 : 31 - Math.clz32(magnitude) - 3
  const step = (segment < 2 ? magnitude : magnitude >> (segment - 1)) & 0x0f
  return ((positive ? 0x80 : 0) | (segment << 4) | step) ^ 0x55
}

function decodeALaw(code: number): number {
  const bits = code ^ 0x55
  const segment = (bits >> 4) & 7
  const step = bits & 0x0f
  // The middle of the step.
  const magnitude = segment === 0 ? (step << 4) + 8 : ((step << 4) + 0x108) << (segment - 1)
  return bits & 0x80 ? magnitude : -magnitude
}

/** Like A-law with BIAS, all bits inverted on the line; sign 1 on the line is positive (G.711 table 2a). */
function encodeMuLaw(sample: number): number {
  const magnitude = Math.min(LARGEST, Math.abs(sample)) + BIAS
  const segment = 31 - Math.clz32(magnitude) - 7
  const step = (magnitude >> (segment + 3)) & 0x0f
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | step) & 0xff
}

function decodeMuLaw(code: number): number {
  const bits = ~code & 0xff
  const magnitude = ((((bits & 0x0f) << 3) + BIAS) << ((bits >> 4) & 7)) - BIAS
  return bits & 0x80 ? -magnitude : magnitude
}
