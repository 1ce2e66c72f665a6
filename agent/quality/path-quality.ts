/** R and MOS of a path by the model that is made for its codec, with what the number rests on. Delay and loss are measured elsewhere. */
import { G711_WITH_PLC, G722, opusEquipment } from './codec-equipment.ts'
import { type Equipment, mosOfR, pathRating } from './emodel.ts'
import { FULLBAND, type Scale, WIDEBAND, wideRating } from './emodel-wide.ts'

/** Encoding names as RFC 3551 and RFC 7587 register them. */
export type RatedCodec = 'PCMA' | 'PCMU' | 'G722' | 'opus'

export interface MeasuredPath {
  codec: RatedCodec
  /** One-way delay mouth to ear, milliseconds. */
  delay: number
  /** Lost and discarded packets, percent. */
  loss: number
  burstRatio: number
  /** Of the received payload, kbit/s: chooses the row of Opus. */
  bitRate: number
}

export interface PathQuality {
  /** On the scale of the model: up to 93.2 (G.107), 129 (G.107.1), 148 (G.107.2). */
  r: number
  mos: number
  model: 'G.107' | Scale['model']
  /** Codec and what it costs; for a wide model also what that leaves out. */
  codec: string
  /** Names of the constants that no Recommendation confirms; empty: none. */
  assumed: readonly string[]
}

export function pathQuality(path: MeasuredPath): PathQuality {
  switch (path.codec) {
    case 'PCMA':
    case 'PCMU': {
      const { r } = pathRating({ ...path, equipment: G711_WITH_PLC })
      const { ie, bpl } = G711_WITH_PLC
      const codec = `${path.codec} with packet loss concealment: Ie ${ie}, Bpl ${bpl} (G.113 Appendix I)`
      return { r, mos: mosOfR(r), model: 'G.107', codec, assumed: [] }
    }
    case 'G722':
      return wideQuality(WIDEBAND, path, {
        ...G722,
        name: `G722: Ie,wb ${G722.ie}, Bpl,wb ${G722.bpl}`,
        assumed: ['Ie,wb', 'Bpl,wb'],
      })
    case 'opus': {
      const { row, ie, bpl } = opusEquipment(path.bitRate)
      return wideQuality(FULLBAND, path, {
        ie,
        bpl,
        name: `opus at ${row} kbit/s: Ie,fb ${ie}, Bpl,fb ${bpl} (doi 10.1145/3458751)`,
        assumed: ['Ie,fb', 'Bpl,fb', 'scale of Ie,fb'],
      })
    }
  }
}

function wideQuality(
  scale: Scale,
  path: MeasuredPath,
  { name, assumed, ...equipment }: Equipment & { name: string; assumed: readonly string[] },
): PathQuality {
  const { r, rx } = wideRating(scale, { ...path, equipment })
  const codec = `${name}; echo and bursts of loss are left out`
  return { r, mos: mosOfR(rx), model: scale.model, codec, assumed }
}
