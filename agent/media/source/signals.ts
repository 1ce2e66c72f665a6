/** The signals that are made here, as samples at any rate: a tone, a speech-like signal, noise, silence. They are encoded elsewhere. */
import { seededRandom } from '../../../lib/random.ts'

export type Signal =
  /** Hertz, whole ones, and dBov. Default 1004 and -16. */
  | { kind: 'Tone'; frequency?: number; level?: number }
  /** Default Caller. */
  | { kind: 'Speech' | 'Noise'; role?: SignalRole }
  | { kind: 'Silence' }

export type SignalKind = Signal['kind']

/** Milliseconds that loops are a multiple of: the least that every packet time of Opus divides. */
export const LOOP_UNIT = 120
/** Seconds after which a signal begins again. */
const LENGTH = 6
const FULL_SCALE = 32_768
/** Hertz: no divisor of a sampling rate, it visits many code words. Whole hertz are whole periods in a loop. */
const TONE_FREQUENCY = 1004
/** Of the tone, dBov. */
const TONE_LEVEL = -16
/** Nominal level of active speech, dBov (ITU-T P.56, G.100.1); noise has it too. */
const SPEECH_LEVEL = -26

/** Who sends speech or noise; each has its own, so that the other's is no echo of it. */
export type SignalRole = 'Caller' | 'Callee'

/** What the random choices of a signal begin with. */
const SEEDS = {
  Speech: { Caller: 0x50_e3c4, Callee: 0x2_ca11 },
  Noise: { Caller: 0x6015e, Callee: 0x1_5019 },
} as const

/** One loop. @param rate samples a second, 8000 or more */
export function signal(what: Signal, rate: number): Int16Array {
  switch (what.kind) {
    case 'Tone':
      return tone(rate, what)
    case 'Speech':
      return speech(rate, SEEDS.Speech[what.role ?? 'Caller'])
    case 'Noise':
      return noise(rate, SEEDS.Noise[what.role ?? 'Caller'])
    case 'Silence':
      return new Int16Array(LENGTH * rate)
  }
}

function tone(
  rate: number,
  { frequency = TONE_FREQUENCY, level = TONE_LEVEL }: { frequency?: number; level?: number },
): Int16Array {
  const amplitude = FULL_SCALE * Math.SQRT2 * 10 ** (level / 20)
  const step = (2 * Math.PI * frequency) / rate
  return new Int16Array(LENGTH * rate).map((_, index) => clipped(amplitude * Math.sin(step * index)))
}

/** White, with an even distribution of its samples. */
function noise(rate: number, seed: number): Int16Array {
  const random = seededRandom(seed)
  const amplitude = FULL_SCALE * Math.sqrt(3) * 10 ** (SPEECH_LEVEL / 20)
  return new Int16Array(LENGTH * rate).map(() => Math.round(amplitude * (2 * random() - 1)))
}

/** First three formants of five vowels, hertz; the usual averages of a male voice (Peterson and Barney 1952). */
const VOWELS = [
  [730, 1090, 2440],
  [530, 1840, 2480],
  [270, 2290, 3010],
  [570, 840, 2410],
  [300, 870, 2240],
] as const
const FORMANT_BANDWIDTH = 90
/** Shares of a syllable: noise of a consonant, then a voiced vowel that fades. Seconds. */
const SYLLABLE = { consonant: 0.05, vowel: 0.15 }
/** Syllables of a talk spurt and seconds of the pause after it: about 1 s to 0.6 s. */
const SPURT_SYLLABLES = 5
const PAUSE = 0.6
/** Rate at which noise and pulses have the amplitudes below; at others they are adapted so that the spectrum up to 4 kHz stays as it is. */
const REFERENCE_RATE = 8000

/**
 * Talk spurts of syllables and pauses between them. A syllable is a burst of noise, over all of the band, then pulses at a wandering
 * pitch of 100 to 140 Hz through three formant resonators. Always the same at one rate and of one role: its random choices are seeded. It is no
 * language, and no substitute for ITU-T P.50 artificial voice where a Recommendation asks for that one.
 */
function speech(rate: number, seed: number): Int16Array {
  const random = seededRandom(seed)
  const samples = new Float64Array(LENGTH * rate)
  let [energy, active, offset] = [0, 0, 0]
  while (offset < samples.length) {
    for (let count = 0; count < SPURT_SYLLABLES && offset < samples.length; count++) {
      const voice = syllable(rate, random).subarray(0, samples.length - offset)
      samples.set(voice, offset)
      for (const sample of voice) energy += sample ** 2
      active += voice.length
      offset += voice.length
    }
    offset += Math.round(PAUSE * rate * (0.7 + 0.6 * random()))
  }
  const gain = (FULL_SCALE * 10 ** (SPEECH_LEVEL / 20)) / Math.sqrt(energy / active)
  return new Int16Array(samples.length).map((_, index) => clipped(gain * (samples[index] ?? 0)))
}

function clipped(sample: number): number {
  return Math.round(Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, sample)))
}

function syllable(rate: number, random: () => number): Float64Array {
  const consonant = Math.round(SYLLABLE.consonant * rate)
  const vowel = Math.round(SYLLABLE.vowel * rate * (0.8 + 0.4 * random()))
  const resonators = (VOWELS[Math.floor(random() * VOWELS.length)] ?? VOWELS[0]).map(
    (formant) => new Resonator(formant, rate),
  )
  /** Noise has its power in so much more of a band, and a wandering pitch so many more steps. */
  const density = Math.sqrt(rate / REFERENCE_RATE)
  const samples = new Float64Array(consonant + vowel)
  let [pitch, phase] = [100 + 40 * random(), 0]
  for (let index = 0; index < consonant; index++) {
    samples[index] = 0.3 * density * (random() - 0.5) * Math.sin((Math.PI * index) / consonant)
  }
  for (let index = 0; index < vowel; index++) {
    const position = index / vowel
    pitch += (0.02 / density) * (random() - 0.5)
    phase += pitch / rate
    const pulse = phase >= 1 ? 1 : 0
    phase -= pulse
    let voiced = 0
    for (const resonator of resonators) voiced += resonator.next(pulse)
    samples[consonant + index] = voiced * Math.min(1, 8 * position) * (1 - position)
  }
  return samples
}

/** A two-pole filter at a formant. */
class Resonator {
  readonly #gain: number
  readonly #feedback: number
  readonly #decay: number
  #previous = 0
  #beforePrevious = 0

  constructor(frequency: number, rate: number) {
    const radius = Math.exp((-Math.PI * FORMANT_BANDWIDTH) / rate)
    const angle = (2 * Math.PI * frequency) / rate
    // A pulse rings with 1 / sin(angle): the same loudness at every rate.
    this.#gain = Math.sin(angle) / Math.sin((2 * Math.PI * frequency) / REFERENCE_RATE)
    this.#feedback = 2 * radius * Math.cos(angle)
    this.#decay = radius ** 2
  }

  next(input: number): number {
    const output = this.#gain * input + this.#feedback * this.#previous - this.#decay * this.#beforePrevious
    this.#beforePrevious = this.#previous
    this.#previous = output
    return output
  }
}
