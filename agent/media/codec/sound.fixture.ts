/** For tests: how loud samples are, and how near decoded ones are to the original. */

/** dBov. */
export function level(samples: ArrayLike<number>): number {
  let sum = 0
  for (let index = 0; index < samples.length; index++) sum += (samples[index] ?? 0) ** 2
  return 10 * Math.log10(sum / samples.length / 32_768 ** 2)
}

/** Share of one frequency in the power of a signal, 0 to 1. @param rate samples a second */
export function share(samples: ArrayLike<number>, frequency: number, rate: number): number {
  let [sine, cosine, power] = [0, 0, 0]
  for (let index = 0; index < samples.length; index++) {
    const angle = (2 * Math.PI * frequency * index) / rate
    const sample = samples[index] ?? 0
    sine += sample * Math.sin(angle)
    cosine += sample * Math.cos(angle)
    power += sample ** 2
  }
  return (2 * (sine ** 2 + cosine ** 2)) / samples.length / power
}

/** dB, of the decoded signal against the original so many samples earlier; the first tenth of a second is left out. */
export function signalToNoise(original: Int16Array, decoded: Int16Array, delay: number, rate: number): number {
  let [signal, noise] = [0, 0]
  for (let index = rate / 10; index < Math.min(original.length, decoded.length - delay); index++) {
    const sample = original[index] ?? 0
    signal += sample ** 2
    noise += ((decoded[index + delay] ?? 0) - sample) ** 2
  }
  return 10 * Math.log10(signal / noise)
}
