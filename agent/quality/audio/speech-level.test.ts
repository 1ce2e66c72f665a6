/** Levels of signals whose levels are known. */
import { describe, expect, test } from 'vitest'
import { gained, mixed, noise, speech, throughG711, tone } from './signals.fixture.ts'
import { type LevelSummary, SpeechLevel } from './speech-level.ts'

function measure(samples: Int16Array, { rate = 8000, largest = 32_767, chunk = samples.length } = {}): LevelSummary {
  const level = new SpeechLevel(rate, largest)
  for (let from = 0; from < samples.length; from += chunk) level.add(samples.subarray(from, from + chunk))
  const summary = level.summary()
  if (!summary) throw new Error('no sample')
  return summary
}

describe('against a full scale of 32768', () => {
  test('a sine at full scale is -3.01, a square wave 0', () => {
    const sine = Int16Array.from({ length: 8000 }, (_, index) => Math.round(32_767 * Math.sin(index * 1.234)))
    expect(measure(sine).rms).toBeCloseTo(-3.01, 2)
    const square = Int16Array.from({ length: 8000 }, (_, index) => (index % 8 < 4 ? 32_767 : -32_768))
    expect(measure(square).rms).toBeCloseTo(0, 3)
    expect(measure(square).peak).toBe(0)
  })

  test('the digital milliwatt of G.711 is -6.22 by mu-law and -6.15 by A-law', () => {
    const wave = (outer: number, inner: number) =>
      Int16Array.from({ length: 16_000 }, (_, index) => {
        const magnitude = [0, 3].includes(index % 4) ? outer : inner
        return index % 8 < 4 ? magnitude : -magnitude
      })
    expect(measure(wave(8828, 20_860)).rms).toBeCloseTo(-6.22, 1)
    expect(measure(wave(8960, 20_992)).rms).toBeCloseTo(-6.15, 1)
  })

  test('nothing is -127, and no sample has no level', () => {
    const { rms, peak, speech: active, noise: floor } = measure(new Int16Array(8000))
    expect([rms, peak, active, floor]).toEqual([-127, -127, undefined, -127])
    expect(new SpeechLevel(8000, 32_767).summary()).toBeUndefined()
  })

  test('a constant is an offset', () => {
    expect(measure(new Int16Array(800).fill(-328)).offset).toBeCloseTo(-0.01, 4)
    expect(measure(tone([1000], 1, -20)).offset).toBeCloseTo(0, 4)
  })
})

/** P.56 method B word by word: fifteen thresholds, each with its own counter and hangover. */
function activeLevel(samples: Int16Array, rate: number): { level: number; activity: number } {
  const g = Math.exp(-1 / (rate * 0.03))
  const thresholds = Array.from({ length: 15 }, (_, index) => 2 ** (index - 15))
  const counts = thresholds.map(() => 0)
  const hangovers = thresholds.map(() => 0.2 * rate)
  let [p, q, energy] = [0, 0, 0]
  for (const sample of samples) {
    const x = sample / 32_768
    energy += x * x
    p = g * p + (1 - g) * Math.abs(x)
    q = g * q + (1 - g) * p
    thresholds.forEach((threshold, index) => {
      if (q >= threshold) hangovers[index] = 0
      else if ((hangovers[index] ?? 0) < 0.2 * rate) hangovers[index] = (hangovers[index] ?? 0) + 1
      else return
      counts[index] = (counts[index] ?? 0) + 1
    })
  }
  const levels = counts.map((count) => 10 * Math.log10(energy / count))
  const margins = levels.map((level, index) => level - 20 * Math.log10(thresholds[index] ?? 1) - 15.9)
  const upper = margins.findIndex((margin) => margin <= 0)
  const [above, below] = [margins[upper - 1] ?? NaN, margins[upper] ?? NaN]
  const share = above / (above - below)
  const level = (levels[upper - 1] ?? NaN) * (1 - share) + (levels[upper] ?? NaN) * share
  return { level, activity: energy / samples.length / 10 ** (level / 10) }
}

describe('active speech level of P.56', () => {
  test.each([
    [1, -26, -75, 8000],
    [2, -40, -60, 8000],
    [3, -12, -50, 8000],
    [4, -30, -127, 16_000],
  ])('is that of the procedure: talker %d at %d dBov over %d dBov', (seed, level, below, rate) => {
    const samples = speech({ seed, seconds: 6, level, noise: below, rate })
    const expected = activeLevel(samples, rate)
    const { speech: active } = measure(samples, { rate })
    expect(active?.level).toBeCloseTo(expected.level, 6)
    expect(active?.activity).toBeCloseTo(expected.activity, 6)
  })

  test('of a tone without pauses is its rms level', () => {
    const { speech: active, rms } = measure(tone([400], 20, -20))
    expect(active?.level).toBeCloseTo(rms, 1)
    expect(active?.activity).toBeGreaterThan(0.99)
  })

  test.each([
    { on: 1, off: 1 },
    { on: 2, off: 3 },
    { on: 0.5, off: 4 },
  ])('of a tone of $on s every $on + $off s counts the hangover of 0.2 s, and not the pause', (cadence) => {
    const { speech: active, noise: floor } = measure(tone([400], 45, -20, cadence))
    // The envelope rises to a margin of 15.9 dB in about 10 ms, and falls to it in about 100 ms.
    const share = (cadence.on + 0.2 + 0.1) / (cadence.on + cadence.off)
    expect(Math.abs((active?.activity ?? 0) - share)).toBeLessThan(0.02 + 0.02 * share)
    const hangover = 10 * Math.log10(cadence.on / (cadence.on + 0.3))
    expect(Math.abs((active?.level ?? 0) - (-20 + hangover))).toBeLessThan(0.3)
    expect(floor).toBe(-127)
  })

  test('follows the gain, decibel by decibel, and the activity stays', () => {
    const samples = speech({ seed: 11, seconds: 8, level: -30, noise: -70 })
    const before = measure(samples)
    for (const gain of [-18, -12, -6, 3, 6, 12]) {
      const after = measure(gained(samples, gain))
      expect((after.speech?.level ?? NaN) - (before.speech?.level ?? NaN) - gain).toBeCloseTo(0, 0)
      expect(Math.abs(after.rms - before.rms - gain)).toBeLessThan(0.1)
      expect(Math.abs((after.speech?.activity ?? NaN) - (before.speech?.activity ?? NaN))).toBeLessThan(0.03)
    }
  })

  test.each([8000, 16_000, 48_000])('is the same at %i samples a second', (rate) => {
    const samples = Int16Array.from({ length: 4 * rate }, (_, index) => {
      const time = index / rate
      return time % 2 < 1 ? Math.round(3000 * Math.sin(2 * Math.PI * 400 * time)) : 0
    })
    const { speech: active, rms } = measure(samples, { rate })
    expect(rms).toBeCloseTo(-26.8, 1)
    expect(active?.level).toBeCloseTo(-24.8, 0)
  })

  test('of clicks is none', () => {
    const clicks = new Int16Array(80_000)
    for (let index = 0; index < clicks.length; index += 8000) clicks[index] = 20
    expect(measure(clicks).speech).toBeUndefined()
  })
})

test.each([-70, -60, -50])('noise between the speech is found at %i dBov', (level) => {
  const talk = speech({ seed: 21, seconds: 20, level: -26, noise: -127 })
  const { noise: floor, speech: active } = measure(mixed(talk, noise(5, 20, level)))
  expect(Math.abs((floor ?? 0) - level)).toBeLessThan(1)
  expect(Math.abs((active?.level ?? 0) - (measure(talk).speech?.level ?? 0))).toBeLessThan(0.5)
})

test('samples at the largest code word are clipped ones, those below it are not', () => {
  const loud = throughG711(tone([440], 1, 3), 'PCMU')
  const { clipped } = measure(loud, { largest: 32_124 })
  // A sine of 2 x full scale is beyond the last decision value, 31612, for acos(31612 / 65536) of each quarter.
  expect(clipped / loud.length).toBeCloseTo(1 - (2 / Math.PI) * Math.asin(31_612 / 65_465), 1)
  expect(measure(throughG711(tone([440], 1, -4), 'PCMU'), { largest: 32_124 }).clipped).toBe(0)
})

test('how the samples are cut into chunks changes nothing', () => {
  const samples = speech({ seed: 31, seconds: 4 })
  expect(measure(samples, { chunk: 160 })).toEqual(measure(samples))
  expect(measure(samples, { chunk: 77 })).toEqual(measure(samples))
})
