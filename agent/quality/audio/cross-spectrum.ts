/** The weighted cross-spectrum of two real signals, summed over blocks; it knows no lags. */

/** Which part of the spectrum counts, in bins of the transform. */
export interface Weighting {
  from: number
  to: number
  /** Bins to either side over which the spectra are smoothed. */
  smoothing: number
  /** Powers below this share of the strongest do not count. */
  floor: number
}

/** Works on transforms of s + i h, which hold both: S_k = (Z_k + Z*_-k) / 2, H_k = (Z_k - Z*_-k) / 2i. */
export class CrossSpectrum {
  readonly #length: number
  /** Sums by bin, 0 to length / 2: S* H, |S|^2 and |H|^2. */
  readonly #real: Float64Array
  readonly #imaginary: Float64Array
  readonly #sent: Float64Array
  readonly #heard: Float64Array

  constructor(length: number) {
    this.#length = length
    const bins = length / 2 + 1
    this.#real = new Float64Array(bins)
    this.#imaginary = new Float64Array(bins)
    this.#sent = new Float64Array(bins)
    this.#heard = new Float64Array(bins)
  }

  /** @param real and @param imaginary the transform of s + i h */
  add(real: Float64Array, imaginary: Float64Array): void {
    for (let bin = 0; bin <= this.#length / 2; bin++) {
      const mirror = (this.#length - bin) % this.#length
      const sentReal = ((real[bin] ?? 0) + (real[mirror] ?? 0)) / 2
      const sentImaginary = ((imaginary[bin] ?? 0) - (imaginary[mirror] ?? 0)) / 2
      const heardReal = ((imaginary[bin] ?? 0) + (imaginary[mirror] ?? 0)) / 2
      const heardImaginary = ((real[mirror] ?? 0) - (real[bin] ?? 0)) / 2
      increase(this.#real, bin, sentReal * heardReal + sentImaginary * heardImaginary)
      increase(this.#imaginary, bin, sentReal * heardImaginary - sentImaginary * heardReal)
      increase(this.#sent, bin, sentReal ** 2 + sentImaginary ** 2)
      increase(this.#heard, bin, heardReal ** 2 + heardImaginary ** 2)
    }
  }

  /**
   * Writes the spectrum whose inverse transform has the correlation of the two as its real and that of s with itself, without weighting,
   * as its imaginary part; equal signals have a peak of about 1.
   */
  write(real: Float64Array, imaginary: Float64Array, { from, to, smoothing, floor }: Weighting): void {
    const [sent, heard] = [smooth(this.#sent, smoothing), smooth(this.#heard, smoothing)]
    const weight = sent.map((power, bin) => power * (heard[bin] ?? 0))
    const least = floor ** 2 * weight.reduce((left, right) => Math.max(left, right), Number.MIN_VALUE)
    const counts = (bin: number) => bin >= from && bin < to && (weight[bin] ?? 0) >= least
    const counted = weight.reduce((number, _, bin) => number + (counts(bin) ? 1 : 0), 0)
    // Both of about 1: the transform's rounding goes by the larger one.
    const total = this.#sent.reduce((left, right) => left + right, Number.MIN_VALUE)
    real.fill(0)
    imaginary.fill(0)
    for (let bin = 1; bin < this.#length / 2; bin++) {
      const scale = counts(bin) ? 1 / (2 * counted * Math.sqrt(weight[bin] ?? 1)) : 0
      const [crossReal, crossImaginary] = [scale * (this.#real[bin] ?? 0), scale * (this.#imaginary[bin] ?? 0)]
      const itself = (this.#sent[bin] ?? 0) / (2 * total)
      const mirror = this.#length - bin
      real[bin] = crossReal
      real[mirror] = crossReal
      imaginary[bin] = crossImaginary + itself
      imaginary[mirror] = itself - crossImaginary
    }
  }
}

function increase(values: Float64Array, index: number, by: number): void {
  values[index] = (values[index] ?? 0) + by
}

/** Moving average over `reach` bins to either side, fewer at the ends. */
function smooth(values: Float64Array, reach: number): Float64Array {
  const sums = new Float64Array(values.length + 1)
  for (let index = 0; index < values.length; index++) sums[index + 1] = (sums[index] ?? 0) + (values[index] ?? 0)
  return values.map((_, index) => {
    const [from, to] = [Math.max(0, index - reach), Math.min(values.length, index + reach + 1)]
    return ((sums[to] ?? 0) - (sums[from] ?? 0)) / (to - from)
  })
}
