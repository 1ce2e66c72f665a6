/** The wide models against vectors computed from the printed formulas, and their laws. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mosOfR } from './emodel.ts'
import { FULLBAND, WIDEBAND, wideRating } from './emodel-wide.ts'

const WHOLE = { ie: 0, bpl: 4.3 }

describe('wideband, G.107.1', () => {
  test.each([
    [0, 129],
    [50, 129],
    [150, 128.789],
    [200, 125.073],
    [300, 109.959],
    [400, 97.95],
  ])('a delay of %d ms leaves R %d', (delay, r) => {
    expect(wideRating(WIDEBAND, { equipment: WHOLE, delay, loss: 0 }).r).toBeCloseTo(r, 2)
  })

  /** AMR-WB: Ie,wb of G.113 Table IV.1. */
  test.each([
    [1, 4.494],
    [8, 4.4206],
    [13, 4.3371],
    [26, 4.0181],
    [41, 3.5123],
  ])('Ie,wb %d is MOS %d', (ie, mos) => {
    const { rx } = wideRating(WIDEBAND, { equipment: { ie, bpl: 4.3 }, delay: 0, loss: 0 })
    expect(mosOfR(rx)).toBeCloseTo(mos, 3)
  })

  test('Ie,wb 20, Bpl,wb 4.3 and 2 % loss are Ie,eff 43.81 and MOS 3.406', () => {
    const { ieEff, rx } = wideRating(WIDEBAND, { equipment: { ie: 20, bpl: 4.3 }, delay: 0, loss: 2 })
    expect(ieEff).toBeCloseTo(43.8095, 4)
    expect(mosOfR(rx)).toBeCloseTo(3.4062, 4)
  })
})

describe('fullband, G.107.2', () => {
  const equipment = { ie: 7.2, bpl: 11.4 }

  test.each([
    [0, 7.2, 4.4436],
    [1, 17.2645, 4.2961],
    [5, 45.2488, 3.57],
  ])('EVS at 24.4 kbit/s with %d %% loss: Ie,eff %d, MOS %d', (loss, ieEff, mos) => {
    const rated = wideRating(FULLBAND, { equipment, delay: 0, loss })
    expect(rated.ieEff).toBeCloseTo(ieEff, 4)
    expect(mosOfR(rated.rx)).toBeCloseTo(mos, 4)
  })

  test('a delay of 200 ms costs 4.5057', () => {
    expect(wideRating(FULLBAND, { equipment, delay: 200, loss: 0 }).idd).toBeCloseTo(4.5057, 3)
  })
})

describe('laws', () => {
  const path = fc.record({
    equipment: fc.record({
      ie: fc.double({ min: 0, max: 60, noNaN: true }),
      bpl: fc.double({ min: 1, max: 30, noNaN: true }),
    }),
    delay: fc.double({ min: 0, max: 500, noNaN: true }),
    loss: fc.double({ min: 0, max: 100, noNaN: true }),
  })
  const more = fc.double({ min: 0, max: 100, noNaN: true })

  test.each([WIDEBAND, FULLBAND])('$model: more delay, loss or impairment never improves R', (scale) => {
    fc.assert(
      fc.property(path, more, (base, by) => {
        const { r } = wideRating(scale, base)
        const { equipment } = base
        const worse = [
          { ...base, delay: base.delay + by },
          { ...base, loss: base.loss + by },
          { ...base, equipment: { ...equipment, ie: equipment.ie + Math.min(by, 30) } },
        ]
        for (const each of worse) expect(wideRating(scale, each).r).toBeLessThanOrEqual(r + 1e-9)
      }),
    )
  })
})
