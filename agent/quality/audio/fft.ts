/** Fast Fourier transform of a fixed power-of-two length, in place; it allocates nothing when it runs. */

/** X_k = sum of x_n exp(-2 pi i k n / length), without scaling; the inverse is the same with real and imaginary part swapped, over length. */
export class Fft {
  readonly length: number
  readonly #cosine: Float64Array
  readonly #sine: Float64Array
  readonly #reversed: Uint32Array

  /** @param length a power of two, at least 2. @throws RangeError for any other */
  constructor(length: number) {
    const bits = Math.log2(length)
    if (!Number.isInteger(bits) || bits < 1) throw new RangeError(`${length} is no power of two`)
    this.length = length
    this.#cosine = Float64Array.from({ length: length / 2 }, (_, index) => Math.cos((2 * Math.PI * index) / length))
    this.#sine = Float64Array.from({ length: length / 2 }, (_, index) => Math.sin((2 * Math.PI * index) / length))
    this.#reversed = new Uint32Array(length)
    for (let index = 1; index < length; index++) {
      this.#reversed[index] = ((this.#reversed[index >> 1] ?? 0) >> 1) | ((index & 1) << (bits - 1))
    }
  }

  /** Both of `length`; they become the transform. */
  transform(real: Float64Array, imaginary: Float64Array): void {
    this.#reorder(real, imaginary)
    for (let half = 1; half < this.length; half *= 2) {
      const stride = this.length / (2 * half)
      for (let start = 0; start < this.length; start += 2 * half) {
        for (let offset = 0; offset < half; offset++) {
          const [cosine, sine] = [this.#cosine[offset * stride] ?? 0, this.#sine[offset * stride] ?? 0]
          const [upper, lower] = [start + offset, start + offset + half]
          const [a, b] = [real[lower] ?? 0, imaginary[lower] ?? 0]
          const turnedReal = a * cosine + b * sine
          const turnedImaginary = b * cosine - a * sine
          const [c, d] = [real[upper] ?? 0, imaginary[upper] ?? 0]
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
