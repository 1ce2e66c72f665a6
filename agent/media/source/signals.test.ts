/** Signals at every rate that a codec has. */
import { expect, test } from 'vitest'
import { level, share } from '../codec/sound.fixture.ts'
import { resample } from './resample.ts'
import { LOOP_UNIT, type SignalKind, signal } from './signals.ts'

const KINDS: readonly SignalKind[] = ['Tone', 'Speech', 'Noise', 'Silence']

test.each([8000, 16_000, 48_000])(
  'at %i a second they are whole packets of every codec, and always the same',
  (rate) => {
    for (const kind of KINDS) {
      const samples = signal({ kind }, rate)
      expect((samples.length * 1000) / rate / LOOP_UNIT).toBe(50)
      expect(samples).toEqual(signal({ kind }, rate))
    }
  },
)

test('speech sounds alike at every rate: below 4 kHz it has the same spectrum, above there are only its consonants', () => {
  const power = (samples: Int16Array) => samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length
  for (const rate of [16_000, 48_000]) {
    const wide = signal({ kind: 'Speech' }, rate)
    const below = power(resample(wide, rate, 8000)) / power(wide)
    expect(below).toBeGreaterThan(0.9)
    expect(below).toBeLessThan(0.9999)
  }
})

test('the tone goes on from its end with its beginning', () => {
  for (const rate of [8000, 16_000, 48_000]) {
    const tone = signal({ kind: 'Tone' }, rate)
    expect(share([...tone, ...tone], 1004, rate)).toBeGreaterThan(0.99999)
  }
})

test.each([
  [200, -60],
  [440, -20.5],
  [3400, -3],
])('a tone of %i Hz at %d dBov', (frequency, wanted) => {
  const tone = signal({ kind: 'Tone', frequency, level: wanted }, 8000)
  expect(share([...tone, ...tone], frequency, 8000)).toBeGreaterThan(0.999)
  expect(level(tone)).toBeCloseTo(wanted, 1)
})
