/** Signals with known truth for the tests of audio analysis: speech-like, noise, tones, and G.711 by its definition. Everything is seeded. */
import { seededRandom } from '../../../lib/random.ts'

export const RATE = 8000

/** What a talker is like; drawn from the seed where it is not said. */
interface Talker {
  seed: number
  seconds: number
  rate?: number
  /** Level of the syllables, dBov. */
  level?: number
  /** Level of white noise below it all, dBov. */
  noise?: number
}

/** Mean 0, deviation 1 (Box and Muller). */
export function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** White noise of that level, dBov. */
export function noise(seed: number, seconds: number, level: number, rate = RATE): Int16Array {
  const random = seededRandom(seed)
  const deviation = 32_768 * 10 ** (level / 20)
  return Int16Array.from({ length: Math.round(seconds * rate) }, () => clip(deviation * gaussian(random)))
}

/** Sines of equal level that sum to that level, dBov; `on` and `off` are the seconds of a cadence. */
export function tone(
  frequencies: readonly number[],
  seconds: number,
  level: number,
  cadence = { on: Infinity, off: 0 },
): Int16Array {
  const amplitude = (32_768 * Math.SQRT2 * 10 ** (level / 20)) / Math.sqrt(frequencies.length)
  return Int16Array.from({ length: seconds * RATE }, (_, index) => {
    const time = index / RATE
    if (cadence.on !== Infinity && time % (cadence.on + cadence.off) >= cadence.on) return 0
    return clip(
      frequencies.reduce((sum, frequency) => sum + amplitude * Math.sin(2 * Math.PI * frequency * time + frequency), 0),
    )
  })
}

/**
 * Talk spurts of two to eight syllables with pauses of 0.2 to 1.2 s: a burst of noise, then pulses at a pitch of 80 to 320 Hz that falls
 * and rises, through three resonances. Pitch, resonances, speed and level of the noise differ from seed to seed.
 */
export function speech({ seed, seconds, rate = RATE, level = -26, noise: below = -75 }: Talker): Int16Array {
  const random = seededRandom(seed)
  const talker = { pitch: 80 + 180 * random(), formants: 0.85 + 0.35 * random(), speed: 0.7 + 0.6 * random() }
  const signal = new Float64Array(Math.round(seconds * rate))
  let [offset, energy, active] = [Math.round(0.3 * rate * random()), 0, 0]
  while (offset < signal.length) {
    for (let left = 2 + Math.floor(7 * random()); left > 0 && offset < signal.length; left--) {
      const voice = syllable(random, rate, talker).subarray(0, signal.length - offset)
      signal.set(voice, offset)
      for (const sample of voice) energy += sample ** 2
      active += voice.length
      offset += voice.length + Math.round(0.04 * rate * random())
    }
    offset += Math.round(rate * (0.2 + random()))
  }
  const gain = (32_768 * 10 ** (level / 20)) / Math.sqrt(energy / active)
  const floor = 32_768 * 10 ** (below / 20)
  return Int16Array.from(signal, (sample) => clip(gain * sample + floor * gaussian(random)))
}

function syllable(
  random: () => number,
  rate: number,
  talker: { pitch: number; formants: number; speed: number },
): Float64Array {
  const consonant = Math.round((rate * (0.02 + 0.06 * random())) / talker.speed)
  const vowel = Math.round((rate * (0.08 + 0.14 * random())) / talker.speed)
  const loudness = 0.4 + 0.6 * random()
  const resonances = [300 + 500 * random(), 900 + 1300 * random(), 2300 + 700 * random()].map((frequency) =>
    resonator(frequency * talker.formants, rate),
  )
  let [pitch, phase] = [talker.pitch * (0.9 + 0.3 * random()), 0]
  const glide = (talker.pitch * (random() - 0.6)) / vowel / 2
  return Float64Array.from({ length: consonant + vowel }, (_, index) => {
    if (index < consonant) return 0.4 * gaussian(random) * Math.sin((Math.PI * index) / consonant)
    pitch += glide
    phase += pitch / rate
    const pulse = phase >= 1 ? 1 : 0
    phase -= pulse
    const position = (index - consonant) / vowel
    const voiced = resonances.reduce((sum, resonate) => sum + resonate(pulse), 0)
    return loudness * voiced * Math.min(1, 8 * position) * (1 - position)
  })
}

function resonator(frequency: number, rate: number): (input: number) => number {
  const radius = Math.exp((-Math.PI * 90) / rate)
  const feedback = 2 * radius * Math.cos((2 * Math.PI * frequency) / rate)
  let [previous, before] = [0, 0]
  return (input) => {
    const output = input + feedback * previous - radius ** 2 * before
    before = previous
    previous = output
    return output
  }
}

/** Notes of a major scale, three at a time, struck two to four times a second: each with four harmonics that fade. */
export function music(seed: number, seconds: number, level = -24): Int16Array {
  const random = seededRandom(seed)
  const signal = new Float64Array(seconds * RATE)
  for (let start = 0; start < signal.length; start += Math.round(RATE * (0.25 + 0.25 * random()))) {
    for (let voice = 0; voice < 3; voice++) {
      const pitch = 196 * 2 ** (([0, 2, 4, 5, 7, 9, 11, 12][Math.floor(8 * random())] ?? 0) / 12 + voice / 2)
      for (let index = start; index < Math.min(signal.length, start + RATE); index++) {
        const time = (index - start) / RATE
        for (let harmonic = 1; harmonic <= 4; harmonic++) {
          signal[index] =
            (signal[index] ?? 0) + (Math.sin(2 * Math.PI * pitch * harmonic * time) / harmonic) * Math.exp(-4 * time)
        }
      }
    }
  }
  const rms = Math.sqrt(signal.reduce((sum, sample) => sum + sample ** 2, 0) / signal.length)
  return Int16Array.from(signal, (sample) => clip((sample / rms) * 32_768 * 10 ** (level / 20)))
}

export function gained(samples: Int16Array, decibels: number): Int16Array {
  return samples.map((sample) => clip(sample * 10 ** (decibels / 20)))
}

export function mixed(left: Int16Array, right: Int16Array): Int16Array {
  return left.map((sample, index) => clip(sample + (right[index] ?? 0)))
}

/** `samples` after that many samples of silence; as long as it was. */
export function delayed(samples: Int16Array, by: number): Int16Array {
  const later = new Int16Array(samples.length)
  later.set(samples.subarray(0, samples.length - by), by)
  return later
}

export function clip(sample: number): number {
  return Math.round(Math.max(-32_768, Math.min(32_767, sample)))
}

export type Law = 'PCMA' | 'PCMU'

/** Decoded values of G.711 (tables 1a and 2a, 16 bit): by code word on the line. */
const DECODED: Record<Law, number[]> = {
  PCMA: Array.from({ length: 256 }, (_, code) => {
    const bits = code ^ 0x55
    const [segment, step] = [(bits >> 4) & 7, bits & 15]
    const magnitude = segment === 0 ? 16 * step + 8 : (16 * step + 264) * 2 ** (segment - 1)
    return bits & 0x80 ? magnitude : -magnitude
  }),
  PCMU: Array.from({ length: 256 }, (_, code) => {
    const bits = ~code & 0xff
    const magnitude = (8 * (bits & 15) + 132) * 2 ** ((bits >> 4) & 7) - 132
    return bits & 0x80 ? -magnitude : magnitude
  }),
}

/** The code words nearest to the samples, by search over the table. */
function encode(law: Law, samples: Int16Array): Uint8Array {
  const words = DECODED[law].map((value, code) => ({ value, code })).toSorted((left, right) => left.value - right.value)
  return Uint8Array.from(samples, (sample) => {
    let [low, high] = [0, words.length - 1]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((words[middle]?.value ?? 0) <= sample) low = middle
      else high = middle
    }
    const [below, above] = [words[low], words[high]]
    if (!below || !above) return 0
    return sample - below.value <= above.value - sample ? below.code : above.code
  })
}

export function decode(law: Law, octets: Uint8Array): Int16Array {
  return Int16Array.from(octets, (code) => DECODED[law][code] ?? 0)
}

/** Encoded by one law and decoded by one, the same or the other. */
export function throughG711(samples: Int16Array, encoder: Law, decoder: Law = encoder): Int16Array {
  return decode(decoder, encode(encoder, samples))
}

/** What the code word of a decoded sample is in the other law. */
export function otherLaw(law: Law): (sample: number) => number {
  const other = law === 'PCMA' ? 'PCMU' : 'PCMA'
  const meaning = new Map(DECODED[law].map((value, code) => [value, DECODED[other][code] ?? 0]))
  return (sample) => meaning.get(sample) ?? 0
}
