/** The reference of all levels of audio, and what counts as silence; it measures nothing. */

/**
 * 0 dBov: the square of this sample. It is the overload point of 16-bit linear samples, for every codec, so that a square wave at full
 * scale is 0 and a sine at full scale -3.01 dBov. RFC 6464 takes mu-law's +-8031 instead (0.17 dB lower). Against 32768 the largest code
 * words of G.711 are -0.17 (PCMU, 32124) and -0.14 dBov (PCMA, 32256), and 0 dBm0 is -6.22 and -6.15 dBov.
 */
export const FULL_SCALE = 32_768

/** What is weaker, dBov, is silence: A-law's smallest code word is -72, the noise of a quiet room on a handset about -60. Own choice. */
export const SILENCE = -65

/** What digital silence and all that is weaker is called, dBov (RFC 6464 section 3). */
const FLOOR = -127

/** @param power mean of the squares of samples @returns dBov, -127 to 0 */
export function levelOf(power: number): number {
  return Math.max(FLOOR, 10 * Math.log10(power / FULL_SCALE ** 2))
}
