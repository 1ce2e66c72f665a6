/** Levels of a stream of samples: ITU-T P.56 method B, noise between the speech, rms, peak, clipping. It keeps no samples and knows no time but theirs. */
import { FULL_SCALE, levelOf } from './full-scale.ts'

/** ITU-T P.56: time constant of the envelope and hangover, seconds; margin of the active level above its threshold, dB. */
const TIME_CONSTANT = 0.03
const HANGOVER = 0.2
const MARGIN = 15.9
/** Thresholds of the envelope, 1 to 16384, each twice the one before: 2^-15 to 2^-1 of full scale. */
const THRESHOLDS = 15
/** Noise is looked at in blocks of 10 ms, and only when the envelope stays low for 100 ms more: it rises later than a voice does. */
const BLOCKS_PER_SECOND = 100
const LOOK_AHEAD = 10

export interface LevelSummary {
  samples: number
  /** Of all samples, dBov, -127 to 0. A full-scale sine is -3.01. */
  rms: number
  /** The largest magnitude, dBov, -127 to 0. */
  peak: number
  /** Mean of the samples over full scale, -1 to 1: the DC part. */
  offset: number
  /** Samples whose magnitude is the codec's largest, or more. */
  clipped: number
  /** Absent: nothing was active, as in silence or with nothing but clicks. */
  speech?: ActiveSpeech
  /**
   * Level of the blocks in which, and 100 ms after which, the envelope was below the threshold of activity, dBov, -127 to 0; without
   * activity that of everything. Absent: there was no such block. Own definition, over the activity of P.56.
   */
  noise?: number
}

export interface ActiveSpeech {
  /** Active level of P.56 method B: all energy over the active time, dBov, at most 0. */
  level: number
  /** Active time over all time, 0 to 1 (P.56: activity factor). */
  activity: number
  /** Energy of the active time alone over the active time, dBov: what RFC 3611 section 4.7.4 calls signal level. */
  signal: number
}

/**
 * Per sample x, envelope q of two smoothings with g = exp(-1 / (rate x 0.03 s)):
 *
 *     p = g p + (1 - g) |x|       q = g q + (1 - g) p
 *
 * Threshold c_j is active while q >= c_j and 0.2 s longer; a_j counts its samples. A_j = energy / a_j, C_j = c_j^2, both in dB. The
 * active level is A where A - C is 15.9 dB, interpolated linearly between the two thresholds around it (ITU-T P.56 method B). A threshold
 * is active whenever a higher one is, so one number says it all: `depth`, how many are active.
 *
 * Lost audio is left out: feed what arrived, and time stands still between. Constant memory; about 60 ns a sample, 30 ms for 60 s at 8 kHz (AMD EPYC, one core).
 */
export class SpeechLevel {
  readonly #smoothing: number
  readonly #hangover: number
  readonly #largest: number
  #p = 0
  #q = 0
  #samples = 0
  #sum = 0
  #peak = 0
  #clipped = 0
  /** How many thresholds the envelope is above, and how many are active. */
  #above = 0
  #depth = 0
  /** By depth: the last sample at which it is active. */
  readonly #activeUntil = new Float64Array(THRESHOLDS + 1).fill(-1)
  /** By depth: samples, and their energy. */
  readonly #counts = new Float64Array(THRESHOLDS + 1)
  readonly #energies = new Float64Array(THRESHOLDS + 1)
  readonly #blocks: BlockNoise

  /** @param sampleRate samples a second @param largest the largest sample of the codec: 32124 PCMU, 32256 PCMA, else 32767 */
  constructor(sampleRate: number, largest: number) {
    this.#smoothing = Math.exp(-1 / (sampleRate * TIME_CONSTANT))
    this.#hangover = Math.round(sampleRate * HANGOVER)
    this.#largest = largest
    this.#blocks = new BlockNoise(sampleRate / BLOCKS_PER_SECOND)
  }

  add(samples: Int16Array): void {
    const g = this.#smoothing
    let [p, q] = [this.#p, this.#q]
    for (let index = 0; index < samples.length; index++) {
      const sample = samples[index] ?? 0
      const magnitude = Math.abs(sample)
      if (magnitude > this.#peak) this.#peak = magnitude
      if (magnitude >= this.#largest) this.#clipped++
      this.#sum += sample
      p = g * p + (1 - g) * magnitude
      q = g * q + (1 - g) * p
      this.#follow(q)
      const energy = sample * sample
      this.#counts[this.#depth] = (this.#counts[this.#depth] ?? 0) + 1
      this.#energies[this.#depth] = (this.#energies[this.#depth] ?? 0) + energy
      this.#blocks.add(energy, this.#depth)
      this.#samples++
    }
    this.#p = p
    this.#q = q
  }

  /** Undefined: there was no sample. */
  summary(): LevelSummary | undefined {
    const samples = this.#samples
    if (samples === 0) return undefined
    const speech = this.#crossing()
    const noise = this.#blocks.power(speech?.depth ?? THRESHOLDS + 1)
    return {
      samples,
      rms: levelOf(total(this.#energies, 0) / samples),
      peak: levelOf(this.#peak ** 2),
      offset: this.#sum / samples / FULL_SCALE,
      clipped: this.#clipped,
      ...(speech && { speech: speech.active }),
      ...(noise !== undefined && { noise: levelOf(noise) }),
    }
  }

  #follow(envelope: number): void {
    while (this.#above < THRESHOLDS && envelope >= 2 ** this.#above) this.#above++
    while (this.#above > 0 && envelope < 2 ** (this.#above - 1)) this.#above--
    this.#activeUntil[this.#above] = this.#samples + this.#hangover
    if (this.#above > this.#depth) this.#depth = this.#above
    else while (this.#depth > this.#above && (this.#activeUntil[this.#depth] ?? 0) < this.#samples) this.#depth--
  }

  /** Where A - C falls below the margin, and the depth that counts as active there; undefined: it does nowhere. */
  #crossing(): { depth: number; active: ActiveSpeech } | undefined {
    const all = total(this.#energies, 0)
    let previous: { difference: number; level: number } | undefined
    for (let depth = 1; depth <= THRESHOLDS; depth++) {
      const active = total(this.#counts, depth)
      if (active === 0) return undefined
      const level = 10 * Math.log10(all / active / FULL_SCALE ** 2)
      const difference = level - 20 * Math.log10(2 ** (depth - 1) / FULL_SCALE)
      if (difference <= MARGIN) {
        if (!previous) return undefined
        const share = (previous.difference - MARGIN) / (previous.difference - difference)
        const interpolated = previous.level + share * (level - previous.level)
        const activity = Math.min(1, all / this.#samples / FULL_SCALE ** 2 / 10 ** (interpolated / 10))
        const signal = levelOf(total(this.#energies, depth) / active)
        return { depth, active: { level: interpolated, activity, signal } }
      }
      previous = { difference, level }
    }
    return undefined
  }
}

/** Energy by the depth that a block, or one of the next `LOOK_AHEAD`, reached. */
class BlockNoise {
  readonly #length: number
  #energy = 0
  #filled = 0
  #reached = 0
  readonly #waiting: { energy: number; depth: number }[] = []
  readonly #counts = new Float64Array(THRESHOLDS + 1)
  readonly #energies = new Float64Array(THRESHOLDS + 1)

  /** @param length samples a block */
  constructor(length: number) {
    this.#length = length
  }

  add(energy: number, depth: number): void {
    this.#energy += energy
    if (depth > this.#reached) this.#reached = depth
    if (++this.#filled === this.#length) this.#close()
  }

  /** Mean power of the blocks that stayed below `depth`; undefined: there was none. */
  power(depth: number): number | undefined {
    const samples = total(this.#counts, 0) - total(this.#counts, depth)
    return samples === 0 ? undefined : (total(this.#energies, 0) - total(this.#energies, depth)) / samples
  }

  #close(): void {
    for (const block of this.#waiting) block.depth = Math.max(block.depth, this.#reached)
    this.#waiting.push({ energy: this.#energy, depth: this.#reached })
    this.#energy = this.#filled = this.#reached = 0
    if (this.#waiting.length <= LOOK_AHEAD) return
    const block = this.#waiting.shift()
    if (!block) return
    this.#counts[block.depth] = (this.#counts[block.depth] ?? 0) + this.#length
    this.#energies[block.depth] = (this.#energies[block.depth] ?? 0) + block.energy
  }
}

function total(byDepth: Float64Array, from: number): number {
  let sum = 0
  for (let depth = from; depth < byDepth.length; depth++) sum += byDepth[depth] ?? 0
  return sum
}
