/** Finds what we sent in what we heard: delay and loss of the echo, or the reason why there is none. It looks once, at the end. */
import { CrossSpectrum } from './cross-spectrum.ts'
import { Fft } from './fft.ts'
import { SILENCE, levelOf } from './full-scale.ts'
import { MISSING, RECORDING_RATE, type Recording } from './recording.ts'

/** The longest echo that is looked for, milliseconds. */
export const LONGEST_ECHO = 2500
/** How much of what was heard is looked at, seconds: the last ones. */
export const ECHO_WINDOW = 20
/** Heard and sent audio without which nothing is said, seconds. */
const SHORTEST = 2

export type Echo =
  | {
      kind: 'Found'
      /** From our sending a sound to hearing it again, milliseconds, 0 to 2,500, what coding takes included; in steps of 0.125 ms. */
      delay: number
      /** How much weaker the echo is than what was sent, dB; below 0: it is louder. Other sounds in what was heard do not count, nor what a
       * codec does not keep as a wave: by Opus at 32 kbit/s speech seems 0.5 dB weaker, white noise 5 dB. */
      loss: number
      /** The peak of the correlation, 0 to 1, and over the root mean square beside it: 15 and more is an echo. */
      correlation: number
      prominence: number
    }
  | { kind: 'Absent'; reason: NoEcho; prominence?: number }

/**
 * Why no echo is known:
 * `TooShort`: less than 2 s were heard or sent. `NothingSent`, `NothingHeard`: silence. `SentRepeats`: what was sent repeats itself, as a
 * tone does, and has no one delay. `NotFound`: it is not in there, or more than some 25 dB below other sounds, or later than 2,500 ms.
 * `Ambiguous`: two delays are as likely.
 */
export type NoEcho = 'TooShort' | 'NothingSent' | 'NothingHeard' | 'SentRepeats' | 'NotFound' | 'Ambiguous'

const LENGTH = 65_536
/** How wrong the lateness may be, as it is an average, milliseconds. */
const MARGIN = 5
const LAGS = ((MARGIN + LONGEST_ECHO) * RECORDING_RATE) / 1000
/** Heard samples a transform: so many of it see every lag. */
const BLOCK = LENGTH - LAGS
/** Of the spectrum counts what every codec carries, 100 to 3600 Hz; smoothed over 50 Hz to either side; of both 50 dB below the strongest. */
const BIN = RECORDING_RATE / LENGTH
const WEIGHTING = { from: 100 / BIN, to: 3600 / BIN, smoothing: Math.round(50 / BIN), floor: 1e-5 }
const PROMINENT = 15
/** A second peak that reaches this share of the first, further away than `NEAR` milliseconds, makes it ambiguous. */
const RIVAL = 0.8
const NEAR = 5
/** Autocorrelation, beyond 20 ms, of what repeats itself. */
const REPEATS = 0.9
const REPEATS_FROM = 20

/**
 * Generalised cross-correlation with smoothed coherence weighting (Knapp and Carter, "The generalized correlation method for estimation of
 * time delay", IEEE ASSP 24(4), 1976):
 *
 *     c(lag) = inverse transform of  sum S* H / sqrt(smooth(sum |S|^2) smooth(sum |H|^2))
 *
 * S and H are transforms of 65,536 samples at 8 kHz: 5.7 s of what was heard against the 8.2 s of what was sent that can be in it. Lost
 * audio counts as 0 here and is left out of the loss, which is the regression of the heard on the sent samples at the delay that was found.
 * At most 4 blocks and one inverse: 25 ms (90 ms the first time) and 4 MB, whatever the length of the call.
 */
export function findEcho(sent: Recording, heard: Recording): Echo {
  const from = Math.max(heard.first, heard.end - ECHO_WINDOW * RECORDING_RATE)
  const heardPower = powerOf(heard, from, heard.end)
  const sentPower = powerOf(sent, Math.max(sent.first, from - LAGS), Math.min(sent.end, heard.end))
  if (heardPower.samples < SHORTEST * RECORDING_RATE) return { kind: 'Absent', reason: 'TooShort' }
  if (levelOf(heardPower.power) < SILENCE) return { kind: 'Absent', reason: 'NothingHeard' }
  if (sentPower.samples < SHORTEST * RECORDING_RATE) return { kind: 'Absent', reason: 'TooShort' }
  if (levelOf(sentPower.power) < SILENCE) return { kind: 'Absent', reason: 'NothingSent' }
  // A chunk that was late when it placed its recording must not put the echo before the sound.
  const least = Math.round(((sent.lateness - heard.lateness - MARGIN) * RECORDING_RATE) / 1000)
  const { correlation, repetition } = correlate(sent, heard, { from, least })
  if (repetition > REPEATS) return { kind: 'Absent', reason: 'SentRepeats' }
  const { place, peak, prominence, rival } = highest(correlation)
  if (prominence < PROMINENT) return { kind: 'Absent', reason: 'NotFound', prominence }
  if (rival > RIVAL * peak) return { kind: 'Absent', reason: 'Ambiguous', prominence }
  const lag = least + place
  const delay = (lag * 1000) / RECORDING_RATE + heard.lateness - sent.lateness
  return { kind: 'Found', delay, loss: lossAt(lag, sent, heard, from), correlation: peak, prominence }
}

/** Without the DC part. */
function powerOf(recording: Recording, from: number, to: number): { samples: number; power: number } {
  const all = new Int16Array(Math.max(0, to - from))
  recording.read(from, all)
  let [samples, sum, squares] = [0, 0, 0]
  for (const sample of all) {
    if (sample === MISSING) continue
    samples++
    sum += sample
    squares += sample * sample
  }
  return { samples, power: samples === 0 ? 0 : squares / samples - (sum / samples) ** 2 }
}

/** By lag, from the least on, the magnitude of the weighted correlation, and how alike what was sent is to itself at the most alike lag. */
function correlate(
  sent: Recording,
  heard: Recording,
  { from, least }: { from: number; least: number },
): { correlation: Float64Array; repetition: number } {
  const fft = new Fft(LENGTH)
  const spectra = new CrossSpectrum(LENGTH)
  const [real, imaginary] = [new Float64Array(LENGTH), new Float64Array(LENGTH)]
  const [ours, theirs] = [new Int16Array(LENGTH), new Int16Array(BLOCK)]
  for (let start = from; start < heard.end; start += BLOCK) {
    sent.read(start - least - LAGS, ours)
    heard.read(start, theirs)
    for (let index = 0; index < LENGTH; index++) {
      const [our, their] = [ours[index] ?? 0, index < LAGS ? MISSING : (theirs[index - LAGS] ?? 0)]
      real[index] = our === MISSING ? 0 : our
      imaginary[index] = their === MISSING ? 0 : their
    }
    fft.transform(real, imaginary)
    spectra.add(real, imaginary)
  }
  spectra.write(real, imaginary, WEIGHTING)
  // With real and imaginary part swapped it is the inverse.
  fft.transform(imaginary, real)
  const itself = imaginary.subarray((REPEATS_FROM * RECORDING_RATE) / 1000, LAGS)
  const most = itself.reduce((left, right) => Math.max(left, right), 0)
  return { correlation: real.subarray(0, LAGS).map(Math.abs), repetition: most / (imaginary[0] ?? 1) }
}

/** The highest peak, and the highest further away from it. */
function highest(correlation: Float64Array): { place: number; peak: number; prominence: number; rival: number } {
  const peak = correlation.reduce((left, right) => Math.max(left, right), 0)
  const place = correlation.indexOf(peak)
  let [rival, squares, count] = [0, 0, 0]
  correlation.forEach((value, other) => {
    if (Math.abs(other - place) <= (NEAR * RECORDING_RATE) / 1000) return
    rival = Math.max(rival, value)
    squares += value ** 2
    count++
  })
  return { place, peak, prominence: peak / Math.sqrt(squares / count), rival }
}

/** Of the heard samples on the sent ones `lag` samples before, where both are there. */
function lossAt(lag: number, sent: Recording, heard: Recording, from: number): number {
  const theirs = new Int16Array(heard.end - from)
  const ours = new Int16Array(theirs.length)
  heard.read(from, theirs)
  sent.read(from - lag, ours)
  let [products, squares] = [0, 0]
  theirs.forEach((their, index) => {
    const our = ours[index] ?? 0
    if (their === MISSING || our === MISSING) return
    products += our * their
    squares += our * our
  })
  return -20 * Math.log10(Math.abs(products) / squares)
}
