/** From rate to rate: what is in the band stays as it is, what is beyond it goes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { level, signalToNoise } from '../codec/sound.fixture.ts'
import { resample } from './resample.ts'

const sine = (frequency: number, rate: number) =>
  Int16Array.from({ length: Math.floor(rate / 2) }, (_, index) =>
    Math.round(16_000 * Math.sin((2 * Math.PI * frequency * index) / rate)),
  )

const PAIRS = [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000].flatMap((from) =>
  [8000, 16_000, 48_000].map((to) => [from, to] as const),
)

test.each(PAIRS)(
  'from %i to %i: tones of the pass band are what they would be at the new rate, to 60 dB',
  (from, to) => {
    for (const frequency of [200, 1004, 0.44 * Math.min(from, to)]) {
      const samples = resample(sine(frequency, from), from, to)
      expect(samples.length).toBe(Math.ceil((Math.floor(from / 2) * to) / from))
      expect(signalToNoise(sine(frequency, to), samples.subarray(0, -to / 10), 0, to)).toBeGreaterThan(60)
    }
  },
)

test.each([
  [48_000, 8000],
  [44_100, 8000],
  [48_000, 16_000],
  [16_000, 8000],
])('from %i to %i: what the lower rate cannot hold is 80 dB down', (from, to) => {
  for (const frequency of [0.505 * to, 0.7 * to, 0.9 * to]) {
    if (frequency >= from / 2) continue
    const middle = resample(sine(frequency, from), from, to).subarray(to / 10, -to / 10)
    expect(level(Float64Array.from(middle, (sample) => sample + 1e-9))).toBeLessThan(-80)
  }
})

test('loud sounds are clipped, not turned over', () => {
  const square = Int16Array.from({ length: 4800 }, (_, index) => (Math.floor(index / 48) % 2 ? 32_767 : -32_768))
  const samples = resample(square, 48_000, 16_000)
  // Sixteen samples of either sign; beside a jump the low-pass may take the sign of its neighbour.
  const turned = [...samples].filter(
    (sample, index) => index % 16 > 0 && index % 16 < 15 && sample < 0 !== Math.floor(index / 16) % 2 < 1,
  )
  expect(turned).toEqual([])
})

test('any samples at any rates: as long as they were, and never beyond 16 bits', () => {
  const rate = fc.integer({ min: 8000, max: 48_000 })
  fc.assert(
    fc.property(fc.int16Array({ maxLength: 300 }), rate, rate, (samples, from, to) => {
      const resampled = resample(samples, from, to)
      expect(resampled.length).toBe(Math.ceil((samples.length * to) / from))
    }),
  )
})
