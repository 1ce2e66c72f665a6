/** What a network does to the datagrams of one direction, drawn from a seed: lost or not, how late, how often. No sockets, no clock. */
import type { Random } from '../../lib/random.ts'

/** Shares and probabilities are from 0 to 1, times in milliseconds; what is left out is not done. */
export interface Impairment {
  /** Never arrives: a share of all, each on its own, or in bursts. */
  loss?: number | GilbertElliott
  /** Share that arrives twice, each copy with a delay of its own. */
  duplication?: number
  /** What each one takes at least. */
  delay?: number
  /** What comes on top, evenly distributed up to a number, or otherwise. What came later may overtake. */
  jitter?: number | Jitter
  /** A share is held back by so much more, so that others overtake it. */
  reordering?: { share: number; delay: number }
}

/**
 * Loss in bursts: a chain of two states that moves before each datagram (Gilbert 1960, Elliott 1963).
 *
 *              toBad
 *       Good --------> Bad
 *            <--------
 *             toGood
 */
export interface GilbertElliott {
  /** Probability of leaving the state. Not both 0. */
  toBad: number
  toGood: number
  /** Share that is lost in the state. */
  lossInGood: number
  lossInBad: number
}

export type Jitter =
  /** Around `mean`; what would be below 0 is 0. */
  | { kind: 'Normal'; mean: number; deviation: number }
  /** Mean shape x scale, a tail to the right: queues. */
  | { kind: 'Gamma'; shape: number; scale: number }
  /** None but for a share, which takes `least` or more after Pareto, the mean least x shape / (shape - 1), never more than `most`. */
  | { kind: 'Spikes'; share: number; least: number; shape: number; most: number }

/** Share that is lost in the long run: of each state, by the share of time in it. */
export function stationaryLoss({ toBad, toGood, lossInGood, lossInBad }: GilbertElliott): number {
  return (toGood * lossInGood + toBad * lossInBad) / (toBad + toGood)
}

export class Schedule {
  readonly #impairment: Impairment
  readonly #random: Random
  #bad = false

  constructor(impairment: Impairment, random: Random) {
    this.#impairment = impairment
    this.#random = random
  }

  /** Milliseconds that each copy of the next datagram takes: none when it is lost, else one or two. */
  next(): number[] {
    if (this.#isLost()) return []
    const first = this.#delay()
    return this.#random() < (this.#impairment.duplication ?? 0) ? [first, this.#delay()] : [first]
  }

  #isLost(): boolean {
    const { loss = 0 } = this.#impairment
    if (typeof loss === 'number') return this.#random() < loss
    const { toBad, toGood, lossInGood, lossInBad } = loss
    if (this.#random() < (this.#bad ? toGood : toBad)) this.#bad = !this.#bad
    return this.#random() < (this.#bad ? lossInBad : lossInGood)
  }

  #delay(): number {
    const { delay = 0, jitter = 0, reordering } = this.#impairment
    const held = reordering && this.#random() < reordering.share ? reordering.delay : 0
    return delay + drawJitter(jitter, this.#random) + held
  }
}

/** Milliseconds, 0 or more. */
export function drawJitter(jitter: number | Jitter, random: Random): number {
  if (typeof jitter === 'number') return random() * jitter
  switch (jitter.kind) {
    case 'Normal':
      return Math.max(0, jitter.mean + jitter.deviation * normal(random))
    case 'Gamma':
      return jitter.scale * gamma(jitter.shape, random)
    case 'Spikes':
      if (random() >= jitter.share) return 0
      return Math.min(jitter.most, jitter.least * (1 - random()) ** (-1 / jitter.shape))
  }
}

/** Mean 0, deviation 1 (Box and Muller 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Scale 1 (Marsaglia and Tsang 2000; a shape below 1 by their power of a uniform number). */
function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random()) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}
