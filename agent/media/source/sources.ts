/** What we send, as code words made before any call: a tone, a speech-like signal, silence. It keeps no place in them. */
import { seededRandom } from '../../../lib/random.ts'
import { G711_CLOCK_RATE, encodeG711 } from '../codec/g711.ts'
import type { Codec } from '../media.ts'

/** A loop of code words. `octets` goes on beyond `loop` with its beginning, so that a packet may start anywhere in the loop. */
export interface EncodedSource {
  octets: Buffer
  /** Octets after which it begins again. */
  loop: number
}

export type SourceKind = 'Tone' | 'Speech' | 'Silence'

/** The longest packet a source can fill: 200 ms (RFC 3551 4.2). */
export const LONGEST_PACKET = G711_CLOCK_RATE / 5
const FULL_SCALE = 32_768
/** Hertz. Whole periods in a second, and no divisor of the sampling rate: it visits many code words. */
const TONE_FREQUENCY = 1004
/** Level of the tone, dBov. */
const TONE_LEVEL = -16
/** Nominal level of active speech, dBov (ITU-T P.56, G.100.1). */
const SPEECH_LEVEL = -26
/** Seconds after which the speech-like signal repeats. */
const SPEECH_LENGTH = 6

/** All sources in all codecs: made once, used by every session. Takes some milliseconds. */
export function encodeSources(): Readonly<Record<Codec, Readonly<Record<SourceKind, EncodedSource>>>> {
  const samples: Record<SourceKind, Int16Array> = {
    Tone: toneSamples(),
    Speech: speechSamples(),
    Silence: new Int16Array(G711_CLOCK_RATE),
  }
  const encodeAll = (codec: Codec): Record<SourceKind, EncodedSource> => ({
    Tone: loopOf(codec, samples.Tone),
    Speech: loopOf(codec, samples.Speech),
    Silence: loopOf(codec, samples.Silence),
  })
  return { PCMA: encodeAll('PCMA'), PCMU: encodeAll('PCMU') }
}

function loopOf(codec: Codec, samples: Int16Array): EncodedSource {
  const octets = encodeG711(codec, samples)
  return { octets: Buffer.concat([octets, octets.subarray(0, LONGEST_PACKET)]), loop: octets.length }
}

function toneSamples(): Int16Array {
  const amplitude = FULL_SCALE * Math.SQRT2 * 10 ** (TONE_LEVEL / 20)
  const step = (2 * Math.PI * TONE_FREQUENCY) / G711_CLOCK_RATE
  return Int16Array.from({ length: G711_CLOCK_RATE }, (_, index) => Math.round(amplitude * Math.sin(step * index)))
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

/**
 * Talk spurts of syllables and pauses between them. A syllable is a burst of noise, then pulses at a wandering pitch of 100 to 140 Hz
 * through three formant resonators. Always the same: its random choices are seeded. It is no language, and no substitute for
 * ITU-T P.50 artificial voice where a Recommendation asks for that one.
 */
function speechSamples(): Int16Array {
  const random = seededRandom(0x50_e3c4)
  const signal = new Float64Array(SPEECH_LENGTH * G711_CLOCK_RATE)
  let [energy, active, offset] = [0, 0, 0]
  while (offset < signal.length) {
    for (let syllable = 0; syllable < SPURT_SYLLABLES && offset < signal.length; syllable++) {
      const voice = syllableSamples(random).subarray(0, signal.length - offset)
      signal.set(voice, offset)
      for (const sample of voice) energy += sample ** 2
      active += voice.length
      offset += voice.length
    }
    offset += Math.round(PAUSE * G711_CLOCK_RATE * (0.7 + 0.6 * random()))
  }
  const gain = (FULL_SCALE * 10 ** (SPEECH_LEVEL / 20)) / Math.sqrt(energy / active)
  return Int16Array.from(signal, (sample) => Math.round(Math.max(-FULL_SCALE, Math.min(FULL_SCALE - 1, gain * sample))))
}

function syllableSamples(random: () => number): Float64Array {
  const consonant = Math.round(SYLLABLE.consonant * G711_CLOCK_RATE)
  const vowel = Math.round(SYLLABLE.vowel * G711_CLOCK_RATE * (0.8 + 0.4 * random()))
  const formants = VOWELS[Math.floor(random() * VOWELS.length)] ?? VOWELS[0]
  const resonators = formants.map((frequency) => resonator(frequency))
  let [pitch, phase] = [100 + 40 * random(), 0]
  return Float64Array.from({ length: consonant + vowel }, (_, index) => {
    if (index < consonant) return 0.3 * (random() - 0.5) * Math.sin((Math.PI * index) / consonant)
    const position = (index - consonant) / vowel
    pitch += 0.02 * (random() - 0.5)
    phase += pitch / G711_CLOCK_RATE
    const pulse = phase >= 1 ? 1 : 0
    phase -= pulse
    const voiced = resonators.reduce((sum, resonate) => sum + resonate(pulse), 0)
    return voiced * Math.min(1, 8 * position) * (1 - position)
  })
}

/** A two-pole filter at a formant. */
function resonator(frequency: number): (input: number) => number {
  const radius = Math.exp((-Math.PI * FORMANT_BANDWIDTH) / G711_CLOCK_RATE)
  const feedback = 2 * radius * Math.cos((2 * Math.PI * frequency) / G711_CLOCK_RATE)
  let [previous, beforePrevious] = [0, 0]
  return (input) => {
    const output = input + feedback * previous - radius ** 2 * beforePrevious
    beforePrevious = previous
    previous = output
    return output
  }
}
