/** The E-model above the telephone band, wideband (ITU-T G.107.1, 06/2019) and fullband (G.107.2, 03/2023), as far as a monitor can feed it. */
import { type Equipment, delayImpairment } from './emodel.ts'

/**
 * A scale of R. Values of different scales are never compared or averaged: MOS of one says how much of its own best was reached.
 */
export interface Scale {
  readonly model: 'G.107.1' | 'G.107.2'
  /** R without any impairment: G.107.1 (7-2), G.107.2 7.1. */
  readonly ro: number
  /** Stretches the narrowband scale to this one: R and Idd, G.107.1 and (7-13), the same clauses of G.107.2. */
  readonly stretch: number
  /** What Ie,eff tends to when everything is lost: G.107.1 (7-15) keeps the 95 of G.107; G.107.2 has 132. */
  readonly mostImpairment: number
}

export const WIDEBAND: Scale = { model: 'G.107.1', ro: 129, stretch: 1.29, mostImpairment: 95 }
export const FULLBAND: Scale = { model: 'G.107.2', ro: 148, stretch: 1.48, mostImpairment: 132 }

export interface WideRating {
  /** On its scale, not clamped: may be below 0. */
  r: number
  /** On the scale of G.107, for its MOS polynomial. */
  rx: number
  idd: number
  ieEff: number
}

/**
 * R = Ro - Idd - Ie,eff. Both Recommendations have Is = 0 and A = 0, and neither has a burst ratio. Left out: talker and listener echo,
 * which nobody hears who only counts packets.
 *
 * @param delay one-way, mouth to ear, milliseconds
 * @param loss lost and discarded packets, percent
 */
export function wideRating(
  scale: Scale,
  { equipment, delay, loss }: { equipment: Readonly<Equipment>; delay: number; loss: number },
): WideRating {
  const { ie, bpl } = equipment
  const idd = scale.stretch * delayImpairment(delay)
  const ieEff = loss === 0 ? ie : ie + ((scale.mostImpairment - ie) * loss) / (loss + bpl)
  const r = scale.ro - idd - ieEff
  return { r, rx: r / scale.stretch, idd, ieEff }
}
