/** What each codec costs on its scale of the E-model, each number with its source; which of them nobody has confirmed is said beside them. */
import type { Equipment } from './emodel.ts'

/** ITU-T G.113 Appendix I (Table I.4 in the 2024 edition): G.711 with the concealment of G.711 Appendix I, 10 ms packets. */
export const G711_WITH_PLC: Readonly<Equipment> = { ie: 0, bpl: 25.1 }

/**
 * G.722 at 64 kbit/s. Ie,wb 14 is what the planning tables of a manufacturer print (Mitel MX-ONE 7.8, "Speech Compression Impairment");
 * G.113 Appendix IV was not at hand. For Bpl,wb nothing is published: 4.3 is that of AMR-WB at 12.65 kbit/s, whose Ie,wb is 13
 * (G.113 Tables IV.1 and IV.4).
 */
export const G722: Readonly<Equipment> = { ie: 14, bpl: 4.3 }

/**
 * Opus, superwideband, variable bit rate: kbit/s, Ie, Bpl for random loss. Alahmadi, Pocta, Melvin, "An Adaptive Bitrate Switching
 * Algorithm for Speech Applications in Context of WebRTC", ACM TOMM 17(4) 133, 2021, doi 10.1145/3458751: derived by its authors with
 * ITU-T P.863; the ITU has no values for Opus. That they are of the scale of G.107.2 is our reading.
 */
const OPUS: ReadonlyArray<readonly [number, number, number]> = [
  [16, 30.16, 11.83],
  [19, 23.81, 10.67],
  [22, 20.22, 10.47],
  [25, 20.21, 11.28],
  [28, 18.48, 10.63],
  [31, 16.83, 10.44],
  [34, 14.76, 10.12],
  [37, 12.08, 10.38],
  [40, 10.67, 9.79],
]

/** The row of the nearest bit rate; beyond the table its first or last one. @param bitRate of the payload, kbit/s */
export function opusEquipment(bitRate: number): Equipment & { row: number } {
  const [row, ie, bpl] = OPUS.reduce((nearest, candidate) =>
    Math.abs(candidate[0] - bitRate) < Math.abs(nearest[0] - bitRate) ? candidate : nearest,
  )
  return { row, ie, bpl }
}
