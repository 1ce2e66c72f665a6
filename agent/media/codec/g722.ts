/** ITU-T G.722 (09/2012) at 64 kbit/s, mode 1: 16 kHz in two bands of ADPCM, exact to the bit. The names are those of its clause 6. */
import { ANY_PTIME, type Codec } from './codec.ts'
import { slide } from './packet-loop.ts'

/**
 *                     +-> lower band, 6 bits --+
 *     16 kHz -> QMF --|                        |--> octet: IH IH IL IL IL IL IL IL
 *                     +-> higher band, 2 bits -+
 *
 * RTP counts 8000 units a second all the same, one an octet: an error of RFC 1890 that was kept (RFC 3551 4.5.2).
 */
export const G722: Codec = {
  name: 'G722',
  clockRate: 8000,
  sampleRate: 16_000,
  channels: 1,
  payloadType: 9,
  ptimes: ANY_PTIME,
  bitRate: 64,
  bandwidth: 'Wideband',
  // 22 samples: the two filters of 24 taps.
  codingDelay: 1.375,
  encode(loop, ptime) {
    const encode = g722Encoder()
    // The state at its end comes first, so that its beginning goes on from there.
    encode(loop.subarray(-SETTLING))
    return slide(encode(loop), ptime)
  },
  decoder: () => ({ decode: g722Decoder(), [Symbol.dispose]: () => undefined }),
}

/** Samples after which the state of the encoder is that of the signal, whatever it was before: half a second. */
const SETTLING = 8000

/** Coefficients of the quadrature mirror filters, every second one; the others are these backwards (table 11). */
const QMF = Int32Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11)

/** Decision levels of the lower band's 60 intervals, those above zero (QUANTL). */
const Q6 = Int32Array.of(
  ...[0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023],
  ...[1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919],
)
/** Of the higher band, between its two magnitudes. */
const Q2 = 564

/** What the code words stand for, of six bits, of the four that the predictor sees, and of the higher band's two (INVQBL, INVQAL, INVQAH). */
const QM6_MAGNITUDES = [
  ...[24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9360, 8576, 7856, 7192, 6576, 6000],
  ...[5456, 4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728],
]
const negative = (magnitudes: readonly number[]) => magnitudes.map((magnitude) => -magnitude)
const QM6 = Int32Array.of(
  ...[-136, -136, -136, -136, ...negative(QM6_MAGNITUDES)],
  ...[...QM6_MAGNITUDES, 432, 136, -432, -136],
)
const QM4_MAGNITUDES = [20_456, 12_896, 8968, 6288, 4240, 2584, 1200]
const QM4 = Int32Array.of(0, ...negative(QM4_MAGNITUDES), ...QM4_MAGNITUDES, 0)
const QM2 = Int32Array.of(-7408, -1616, 7408, 1616)

/** By how much a code word moves the logarithmic scale factor (LOGSCL, LOGSCH). */
const WL4 = Int32Array.of(-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60)
const WH2 = Int32Array.of(798, -214, 798, -214)

/** 2048 times powers of two in steps of a 32nd: the antilogarithm of the scale factor. */
const ILB = Int32Array.from({ length: 32 }, (_, index) => Math.round(2048 * 2 ** (index / 32)))

/** SATURATE of 16 bits. */
function limit(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value
}

function within(value: number, bound: number): number {
  return value > bound ? bound : value < -bound ? -bound : value
}

/** One of the two bands: its scale factor and its predictor of two poles and six zeros (blocks 3 and 4), the same in encoder and decoder. */
class Band {
  readonly #weights: Int32Array
  readonly #largest: number
  readonly #shift: number
  /** NB: logarithm of the scale factor. */
  #logarithm = 0
  /** DET: the scale factor that quantization goes by. */
  scale: number
  /** S: what the next sample is expected to be. */
  prediction = 0
  /** SZ: the share of the zeros in it. */
  #zeroPrediction = 0
  /** A1, A2; B1 to B6. */
  readonly #poles = new Int32Array(3)
  readonly #zeros = new Int32Array(7)
  /** Reconstructed, partly reconstructed and difference signal: index 0 is the newest. */
  readonly #reconstructed = new Int32Array(3)
  readonly #partial = new Int32Array(3)
  readonly #difference = new Int32Array(7)

  /** @param scale DET at the beginning @param weights W by code word @param largest NB at most @param shift of SCALEL or SCALEH */
  constructor(scale: number, weights: Int32Array, largest: number, shift: number) {
    this.scale = scale
    this.#weights = weights
    this.#largest = largest
    this.#shift = shift
  }

  /** @param code what the weights go by @param difference D: the quantized difference to the prediction */
  adapt(code: number, difference: number): void {
    this.#scale(code)
    this.#predict(difference)
  }

  /** LOGSCL, SCALEL and LOGSCH, SCALEH. */
  #scale(code: number): void {
    const logarithm = ((this.#logarithm * 127) >> 7) + (this.#weights[code] ?? 0)
    this.#logarithm = logarithm < 0 ? 0 : logarithm > this.#largest ? this.#largest : logarithm
    const shift = this.#shift - (this.#logarithm >> 11)
    const mantissa = ILB[(this.#logarithm >> 6) & 31] ?? 0
    this.scale = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2
  }

  #predict(difference: number): void {
    const [reconstructed, partial, differences] = [this.#reconstructed, this.#partial, this.#difference]
    differences[0] = difference
    reconstructed[0] = limit(this.prediction + difference)
    partial[0] = limit(this.#zeroPrediction + difference)
    this.#adaptPoles()
    this.#adaptZeros()
    // DELAYA.
    differences.copyWithin(1, 0, 6)
    reconstructed.copyWithin(1, 0, 2)
    partial.copyWithin(1, 0, 2)
    // FILTEZ, FILTEP, PREDIC.
    let zeros = 0
    for (let index = 1; index <= 6; index++) zeros += product(this.#zeros, index, differences)
    this.#zeroPrediction = limit(zeros)
    const poles = limit(product(this.#poles, 1, reconstructed) + product(this.#poles, 2, reconstructed))
    this.prediction = limit(poles + this.#zeroPrediction)
  }

  /** UPPOL2, UPPOL1: by the signs of the partly reconstructed signal. */
  #adaptPoles(): void {
    const poles = this.#poles
    const [newest = 0, previous = 0, oldest = 0] = this.#partial
    const [first = 0, second = 0] = [poles[1], poles[2]]
    const same = newest < 0 === previous < 0
    const four = limit(first << 2)
    let next = ((same ? Math.min(32_767, -four) : four) >> 7) + (newest < 0 === oldest < 0 ? 128 : -128)
    next += (second * 32_512) >> 15
    poles[2] = within(next, 12_288)
    poles[1] = within((same ? 192 : -192) + ((first * 32_640) >> 15), 15_360 - poles[2])
  }

  /** UPZERO: by the signs of the difference signal. */
  #adaptZeros(): void {
    const [zeros, differences] = [this.#zeros, this.#difference]
    const newest = differences[0] ?? 0
    const step = newest === 0 ? 0 : 128
    for (let index = 1; index <= 6; index++) {
      const same = newest < 0 === (differences[index] ?? 0) < 0
      zeros[index] = limit((same ? step : -step) + (((zeros[index] ?? 0) * 32_640) >> 15))
    }
  }
}

/** A coefficient times twice the signal, of as many samples ago. */
function product(coefficients: Int32Array, index: number, signal: Int32Array): number {
  return ((coefficients[index] ?? 0) * limit((signal[index] ?? 0) * 2)) >> 15
}

const lowerBand = () => new Band(32, WL4, 18_432, 8)
const higherBand = () => new Band(8, WH2, 22_528, 10)

/** What six and two bits stand for at a scale factor (INVQAL, INVQBL, INVQAH). */
function inverse(scale: number, table: Int32Array, code: number): number {
  return (scale * (table[code] ?? 0)) >> 15
}

/** A filter with its memory of 24 samples. @param shift of its output */
function mirrorFilter(shift: number) {
  const memory = new Int32Array(24)
  let odd = 0
  let even = 0
  return {
    push(first: number, second: number): void {
      memory.copyWithin(0, 2)
      memory[22] = first
      memory[23] = second
      odd = 0
      even = 0
      for (let index = 0; index < 12; index++) {
        odd += (memory[2 * index] ?? 0) * (QMF[index] ?? 0)
        even += (memory[2 * index + 1] ?? 0) * (QMF[11 - index] ?? 0)
      }
    },
    sum: () => (even + odd) >> shift,
    difference: () => (even - odd) >> shift,
    odd: () => limit(odd >> shift),
    even: () => limit(even >> shift),
  }
}

/** Two samples an octet; it goes on where the last call ended. */
export function g722Encoder(): (samples: Int16Array) => Uint8Array {
  const filter = mirrorFilter(14)
  const [lower, higher] = [lowerBand(), higherBand()]
  return (samples) => {
    const octets = new Uint8Array(samples.length >> 1)
    for (let index = 0; index < octets.length; index++) {
      filter.push(samples[2 * index] ?? 0, samples[2 * index + 1] ?? 0)
      const low = quantizeLower(limit(filter.sum() - lower.prediction), lower.scale)
      const high = quantizeHigher(limit(filter.difference() - higher.prediction), higher.scale)
      lower.adapt(low >> 2, inverse(lower.scale, QM4, low >> 2))
      higher.adapt(high, inverse(higher.scale, QM2, high))
      octets[index] = (high << 6) | low
    }
    return octets
  }
}

/** QUANTL: 4 to 31 are below zero, from the outermost interval inwards, then 32 to 61 above; 62 and 63 are the two innermost below. */
function quantizeLower(difference: number, scale: number): number {
  const magnitude = difference < 0 ? -(difference + 1) : difference
  let interval = 1
  while (interval < 30 && magnitude >= ((Q6[interval] ?? 0) * scale) >> 12) interval++
  if (difference >= 0) return 62 - interval
  return interval < 3 ? 64 - interval : 34 - interval
}

/** QUANTH. */
function quantizeHigher(difference: number, scale: number): number {
  const outer = (difference < 0 ? -(difference + 1) : difference) >= (Q2 * scale) >> 12
  if (difference < 0) return outer ? 0 : 1
  return outer ? 2 : 3
}

function g722Decoder(): (payload: Uint8Array) => Int16Array {
  const filter = mirrorFilter(11)
  const [lower, higher] = [lowerBand(), higherBand()]
  return (payload) => {
    const samples = new Int16Array(2 * payload.length)
    for (let index = 0; index < payload.length; index++) {
      const code = payload[index] ?? 0
      const [low, high] = [code & 0x3f, code >> 6]
      const highDifference = inverse(higher.scale, QM2, high)
      const lowSignal = limit15(lower.prediction + inverse(lower.scale, QM6, low))
      const highSignal = limit15(higher.prediction + highDifference)
      lower.adapt(low >> 2, inverse(lower.scale, QM4, low >> 2))
      higher.adapt(high, highDifference)
      filter.push(lowSignal + highSignal, lowSignal - highSignal)
      samples[2 * index] = filter.even()
      samples[2 * index + 1] = filter.odd()
    }
    return samples
  }
}

/** LIMIT: the bands have 15 bits. */
function limit15(value: number): number {
  return value > 16_383 ? 16_383 : value < -16_384 ? -16_384 : value
}
