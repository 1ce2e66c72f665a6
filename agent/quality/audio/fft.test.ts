/** The transform against its definition. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { Fft } from './fft.ts'

test('is the sum that defines it', () => {
  const random = seededRandom(1)
  const [real, imaginary] = [Float64Array.from({ length: 32 }, random), Float64Array.from({ length: 32 }, random)]
  const expected = real.map((_, bin) =>
    real.reduce((sum, value, index) => {
      const angle = (2 * Math.PI * bin * index) / 32
      return sum + value * Math.cos(angle) + (imaginary[index] ?? 0) * Math.sin(angle)
    }, 0),
  )
  new Fft(32).transform(real, imaginary)
  real.forEach((value, bin) => expect(value).toBeCloseTo(expected[bin] ?? NaN, 10))
})

test('with both parts swapped it is its own inverse', () => {
  const random = seededRandom(2)
  const signal = Float64Array.from({ length: 1024 }, random)
  const [real, imaginary] = [signal.slice(), new Float64Array(1024)]
  const fft = new Fft(1024)
  fft.transform(real, imaginary)
  fft.transform(imaginary, real)
  real.forEach((value, index) => expect(value / 1024).toBeCloseTo(signal[index] ?? NaN, 10))
})

test('knows only powers of two', () => {
  for (const length of [0, 1, 12, -4]) expect(() => new Fft(length)).toThrow(RangeError)
})
