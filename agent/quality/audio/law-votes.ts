/** Evidence that octets taken for one law of G.711 are of the other one, or no audio at all. It counts and does not decide. */

/** Hertz / 31.25: what speech fills. */
const BAND = { from: 4, to: 112 }
/** A spectrum this much flatter than the other, dB, is a vote for the other one. */
const FLATTER = 4
/** Segments of a law: ranges of the magnitude, each twice as wide as the one before. */
const SEGMENTS = 8
/** Of mu-law, added before the segment is looked for (G.711 table 2a, in 16-bit samples). */
const BIAS = 132

export interface Votes {
  /** Frames whose spectrum says that they are of the law they were decoded by, and of the other one. */
  forThis: number
  forOther: number
  /**
   * How far the samples are from Gaussian noise of the same power: half the sum of the differences between the shares of the segments,
   * 0 to 1. Noise of any colour and level: below 0.05. Of speech it says nothing. Compressed or encrypted octets, and noise by the wrong
   * law: above 0.3.
   */
  misfit: number
}

/**
 * The laws differ in which bits are inverted on the line, so that by the wrong one segment e reads as e ^ 2 and step m as m ^ 10: the
 * amplitudes are shuffled, and what had peaks and valleys in its spectrum has fewer. The flatness of a spectrum is its geometric over its
 * arithmetic mean. Both readings of white noise are equally flat: it votes for neither, but its samples
 * are no longer spread as those of noise.
 */
export class LawVotes {
  #forThis = 0
  #forOther = 0
  readonly #segments = new Float64Array(SEGMENTS)
  #energy = 0

  /** @param samples of a frame as decoded @param power its spectrum @param other that of the other reading */
  add(samples: Int16Array, power: Float64Array, other: Float64Array): void {
    const difference = flatness(power) - flatness(other)
    if (difference > FLATTER) this.#forOther++
    else if (difference < -FLATTER) this.#forThis++
    for (const sample of samples) {
      const segment = Math.min(SEGMENTS - 1, 24 - Math.clz32(Math.abs(sample) + BIAS))
      this.#segments[segment] = (this.#segments[segment] ?? 0) + 1
      this.#energy += sample * sample
    }
  }

  summary(): Votes {
    const total = Math.max(
      1,
      this.#segments.reduce((left, right) => left + right, 0),
    )
    const deviation = Math.sqrt(this.#energy / total)
    let differences = 0
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const beyond = segment === SEGMENTS - 1 ? 0 : gaussianBeyond(lowest(segment + 1) / deviation)
      differences += Math.abs(
        (this.#segments[segment] ?? 0) / total - (gaussianBeyond(lowest(segment) / deviation) - beyond),
      )
    }
    return { forThis: this.#forThis, forOther: this.#forOther, misfit: differences / 2 }
  }
}

/** The smallest magnitude of a segment. */
function lowest(segment: number): number {
  return BIAS * (2 ** segment - 1)
}

/** Share of Gaussian samples whose magnitude is beyond that many deviations, within 3e-7 (Abramowitz and Stegun 7.1.28). */
function gaussianBeyond(deviations: number): number {
  const x = deviations / Math.SQRT2
  const [a, b, c, d, e, f] = [0.0705230784, 0.0422820123, 0.0092705272, 0.0001520143, 0.0002765672, 0.0000430638]
  return (1 + x * (a + x * (b + x * (c + x * (d + x * (e + x * f)))))) ** -16
}

/** dB, at most 0. */
function flatness(power: Float64Array): number {
  let [logarithms, sum] = [0, 0]
  for (let bin = BAND.from; bin < BAND.to; bin++) {
    // Of a spectrum without anything, all bins are the same.
    const value = (power[bin] ?? 0) + Number.MIN_VALUE
    logarithms += Math.log10(value)
    sum += value
  }
  const bins = BAND.to - BAND.from
  return 10 * (logarithms / bins - Math.log10(sum / bins))
}
