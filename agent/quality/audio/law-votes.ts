/** Evidence that octets taken for one law of G.711 are of the other one, or no audio at all. It counts and does not decide. */

/** Hertz / 31.25: what speech fills. */
const BAND = { from: 4, to: 112 }
/** A spectrum this much flatter than the other, dB, is a vote for the other one. */
const FLATTER = 4
/** Flatness of the spectrum of a frame of white noise: -2.5 dB, give or take 0.5. */
const WHITE = -4
const MISFIT = 0.25
/** Share of samples at the largest magnitude beyond which a frame says nothing: noise that is cut off is spread otherwise too. */
const CUT = 0.1
/** Segments of a law: ranges of the magnitude, each twice as wide as the one before. */
const SEGMENTS = 8
/** Of mu-law, added before the segment is looked for (G.711 table 2a, in 16-bit samples). */
const BIAS = 132

export interface Votes {
  /** Frames whose spectrum says that they are of the law they were decoded by, and of the other one. Flat ones say neither. */
  forThis: number
  forOther: number
  /** Frames that are as flat as white noise, and whose samples are not spread as those of noise: those of no audio. */
  forNone: number
}

/**
 * The laws differ in which bits are inverted on the line, so that by the wrong one segment e reads as e ^ 2 and step m as m ^ 10: the
 * amplitudes are shuffled, and what had peaks and valleys in its spectrum has fewer. The flatness of a spectrum is its geometric over its
 * arithmetic mean. Both readings of white noise are equally flat.
 *
 * Compressed or encrypted octets fill all segments alike, whatever they hold. Read as audio they are white, but no noise has that many large
 * and small samples at once: misfit is half the sum of the differences between the shares of the segments and those of Gaussian noise of
 * the same power, 0 to 1. Gaussian noise of any level: below 0.1; noise spread evenly between two bounds: about 0.2; G.722, Opus, SRTP,
 * and noise by the wrong law: 0.3 to 0.7.
 */
export class LawVotes {
  #forThis = 0
  #forOther = 0
  #forNone = 0
  readonly #segments = new Float64Array(SEGMENTS)

  /** @param samples of a frame as decoded @param power its spectrum @param other that of the other reading */
  add(samples: Int16Array, power: Float64Array, other: Float64Array): void {
    const own = flatness(power)
    const difference = own - flatness(other)
    if (difference > FLATTER) this.#forOther++
    else if (difference < -FLATTER) this.#forThis++
    else if (own > WHITE && this.#misfit(samples) > MISFIT) this.#forNone++
  }

  summary(): Votes {
    return { forThis: this.#forThis, forOther: this.#forOther, forNone: this.#forNone }
  }

  #misfit(samples: Int16Array): number {
    this.#segments.fill(0)
    let [energy, largest, cut] = [0, 0, 0]
    for (const sample of samples) {
      const magnitude = Math.abs(sample)
      if (magnitude === largest) cut++
      else if (magnitude > largest) [largest, cut] = [magnitude, 1]
      const segment = Math.min(SEGMENTS - 1, 24 - Math.clz32(magnitude + BIAS))
      this.#segments[segment] = (this.#segments[segment] ?? 0) + 1
      energy += sample * sample
    }
    if (cut > CUT * samples.length) return 0
    const deviation = Math.sqrt(energy / samples.length)
    let differences = 0
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const beyond = segment === SEGMENTS - 1 ? 0 : gaussianBeyond(lowest(segment + 1) / deviation)
      const expected = gaussianBeyond(lowest(segment) / deviation) - beyond
      differences += Math.abs((this.#segments[segment] ?? 0) / samples.length - expected)
    }
    return differences / 2
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
