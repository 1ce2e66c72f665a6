/** From one sampling rate to another: interpolation by a windowed sinc, which is also the low-pass against what the lower rate cannot hold. */

/** Zero crossings of the sinc on each side: the longer, the steeper. */
const CROSSINGS = 48
/** Steps of the table between two crossings; between steps it is interpolated. */
const STEPS = 512
/** Of the Kaiser window: about 90 dB in the stop band. */
const BETA = 9
/** Where the pass band ends, of half the lower rate; at half the lower rate the stop band begins. */
const PASS_BAND = 0.88

/** One side of the windowed sinc, at `STEPS` points a crossing, and one more. */
const KERNEL = Float64Array.from({ length: CROSSINGS * STEPS + 2 }, (_, index) => {
  const position = index / STEPS
  if (position >= CROSSINGS) return 0
  const sinc = index === 0 ? 1 : Math.sin(Math.PI * position) / (Math.PI * position)
  return (sinc * bessel(BETA * Math.sqrt(1 - (position / CROSSINGS) ** 2))) / bessel(BETA)
})

/**
 * @param from samples a second of what is given @param to of what comes out; both whole numbers above 0
 * @returns as long as the input, to the sample above; beyond its ends the input counts as silence
 */
export function resample(samples: Int16Array, from: number, to: number): Int16Array {
  if (from === to) return samples
  const ratio = from / to
  // Of an input sample, crossings of the sinc: its cut-off lies at half the lower rate, less the transition.
  const scale = ((1 + PASS_BAND) / 2) * Math.min(1, to / from)
  const reach = CROSSINGS / scale
  return Int16Array.from({ length: Math.ceil((samples.length * to) / from) }, (_, index) => {
    const centre = index * ratio
    const last = Math.min(samples.length - 1, Math.floor(centre + reach))
    let sum = 0
    for (let tap = Math.max(0, Math.ceil(centre - reach)); tap <= last; tap++) {
      const position = Math.abs(tap - centre) * scale * STEPS
      const step = Math.floor(position)
      const lower = KERNEL[step] ?? 0
      sum += (samples[tap] ?? 0) * (lower + (position - step) * ((KERNEL[step + 1] ?? 0) - lower))
    }
    return Math.max(-32_768, Math.min(32_767, Math.round(sum * scale)))
  })
}

/** The modified Bessel function of order 0, by its series. */
function bessel(argument: number): number {
  let [sum, term] = [1, 1]
  for (let order = 1; term > sum * 1e-12; order++) {
    term *= (argument / (2 * order)) ** 2
    sum += term
  }
  return sum
}
