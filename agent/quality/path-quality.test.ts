/** Which model rates which codec, what the result says it rests on, and that more harm is never better. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mosOfR, rating } from './emodel.ts'
import { type RatedCodec, pathQuality } from './path-quality.ts'

const best = { delay: 0, loss: 0, burstRatio: 1, bitRate: 64 }

describe('the model of a codec', () => {
  test.each(['PCMA', 'PCMU'] as const)('%s is rated by G.107 with confirmed constants', (codec) => {
    const { r, mos, model, assumed } = pathQuality({ ...best, codec })
    expect(r).toBeCloseTo(rating({}).r, 9)
    expect(mos).toBeCloseTo(4.409406, 6)
    expect([model, assumed]).toEqual(['G.107', []])
  })

  test('G.722 is rated by G.107.1, and says what is assumed and left out', () => {
    expect(pathQuality({ ...best, codec: 'G722' })).toEqual({
      r: 129 - 14,
      mos: mosOfR(115 / 1.29),
      model: 'G.107.1',
      codec: 'G722: Ie,wb 14, Bpl,wb 4.3; echo and bursts of loss are left out',
      assumed: ['Ie,wb', 'Bpl,wb'],
    })
  })

  test('Opus is rated by G.107.2 and the paper’s row nearest to its bit rate', () => {
    expect(pathQuality({ ...best, codec: 'opus', bitRate: 33 })).toEqual({
      r: 148 - 14.76,
      mos: mosOfR(133.24 / 1.48),
      model: 'G.107.2',
      codec: 'opus at 34 kbit/s: Ie,fb 14.76, Bpl,fb 10.12 (doi 10.1145/3458751); echo and bursts of loss are left out',
      assumed: ['Ie,fb', 'Bpl,fb', 'scale of Ie,fb'],
    })
    expect(pathQuality({ ...best, codec: 'opus', bitRate: 6 }).r).toBeCloseTo(148 - 30.16, 9)
    expect(pathQuality({ ...best, codec: 'opus', bitRate: 128 }).r).toBeCloseTo(148 - 10.67, 9)
  })
})

test.each<RatedCodec>(['PCMA', 'PCMU', 'G722', 'opus'])(
  '%s: more delay, loss or bursts never improve MOS, and nothing leaves the scale',
  (codec) => {
    const path = fc.record({
      codec: fc.constant(codec),
      // From 1 ms on G.107 counts talker echo, and a little of it, as it prints it, as better than none.
      delay: fc.double({ min: 1, max: 500, noNaN: true }),
      loss: fc.double({ min: 0, max: 100, noNaN: true }),
      burstRatio: fc.double({ min: 1, max: 8, noNaN: true }),
      bitRate: fc.double({ min: 6, max: 128, noNaN: true }),
    })
    const key = fc.constantFrom('delay' as const, 'loss' as const, 'burstRatio' as const)
    fc.assert(
      fc.property(path, key, fc.double({ min: 0, max: 100, noNaN: true }), (base, worse, by) => {
        const { mos } = pathQuality(base)
        expect(pathQuality({ ...base, [worse]: base[worse] + by }).mos).toBeLessThanOrEqual(mos + 1e-9)
        expect(mos).toBeGreaterThanOrEqual(1)
        expect(mos).toBeLessThanOrEqual(4.5)
      }),
    )
  },
)
