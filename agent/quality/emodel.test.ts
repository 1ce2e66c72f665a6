/** The E-model against the numbers of the Recommendations, against a table of the printed formulas, and its laws. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { G711_WITH_PLC } from './codec-equipment.ts'
import { mosOfR, pathRating, rating } from './emodel.ts'

const G711_WITHOUT_PLC = { ie: 0, bpl: 4.3 }
const G729A_WITH_VAD = { ie: 11, bpl: 19 }

describe('the default connection', () => {
  test('has R 93.2 and MOS 4.41 (G.107)', () => {
    const { r, ro, is, idte, idle, idd, ieEff } = rating({})
    expect(r).toBeCloseTo(93.206208, 6)
    expect(mosOfR(r)).toBeCloseTo(4.409406, 6)
    expect(ro).toBeCloseTo(94.768822, 6)
    expect(is).toBeCloseTo(1.413568, 6)
    expect(idle).toBeCloseTo(0.149046, 6)
    expect([idte, idd, ieEff]).toEqual([0, 0, 0])
  })

  test.each([
    [{ qdu: 2 }, 91.484],
    [{ ps: 60 }, 71.55],
    [{ nc: -60 }, 88.281],
    [{ stmr: 25 }, 88.249],
  ])('changes with one parameter %o to R %d', (parameters, r) => {
    expect(rating(parameters).r).toBeCloseTo(r, 3)
  })
})

test.each([
  { delay: 0, idte: 0, idle: 0.149, idd: 0, r: 93.206, mos: 4.409 },
  { delay: 50, idte: 1.023, idle: 0.576, idd: 0, r: 91.756, mos: 4.38 },
  { delay: 100, idte: 1.964, idle: 0.728, idd: 0, r: 90.664, mos: 4.355 },
  { delay: 150, idte: 2.812, idle: 0.841, idd: 0.164, r: 89.539, mos: 4.328 },
  { delay: 177.3, idte: 3.237, idle: 0.894, idd: 1.172, r: 88.052, mos: 4.288 },
  { delay: 200, idte: 3.571, idle: 0.935, idd: 3.044, r: 85.805, mos: 4.223 },
  { delay: 250, idte: 4.243, idle: 1.019, idd: 8.917, r: 79.177, mos: 3.993 },
  { delay: 300, idte: 4.834, idle: 1.094, idd: 14.761, r: 72.666, mos: 3.719 },
  { delay: 400, idte: 5.808, idle: 1.23, idd: 24.07, r: 62.247, mos: 3.216 },
])('a one-way delay of $delay ms', ({ delay, r, mos, ...parts }) => {
  const result = pathRating({ equipment: G711_WITH_PLC, delay, loss: 0, burstRatio: 1 })
  for (const part of ['idte', 'idle', 'idd'] as const) expect(result[part]).toBeCloseTo(parts[part], 3)
  expect(result.r).toBeCloseTo(r, 3)
  expect(mosOfR(result.r)).toBeCloseTo(mos, 3)
})

/** Rows: equipment, BurstR, then [Ie,eff, R, MOS] for 1, 2, 5, 10, 20 % with R = 93.2 - Ie,eff. */
const LOSS: Array<[string, { ie: number; bpl: number }, number, Array<[number, number, number]>]> = [
  [
    'G.711 without PLC',
    G711_WITHOUT_PLC,
    1,
    [
      [17.92, 75.28, 3.834],
      [30.16, 63.04, 3.256],
      [51.08, 42.12, 2.169],
      [66.43, 26.77, 1.481],
      [78.19, 15.01, 1.124],
    ],
  ],
  [
    'G.711 without PLC',
    G711_WITHOUT_PLC,
    2,
    [
      [19.79, 73.41, 3.753],
      [35.85, 57.35, 2.962],
      [69.85, 23.35, 1.358],
      [102.15, -8.95, 1],
      [132.87, -39.67, 1],
    ],
  ],
  [
    'G.711 without PLC',
    G711_WITHOUT_PLC,
    3,
    [
      [20.5, 72.7, 3.721],
      [38.26, 54.94, 2.835],
      [79.61, 13.59, 1.094],
      [124.45, -31.25, 1],
      [173.25, -80.05, 1],
    ],
  ],
  [
    'G.711 with PLC',
    G711_WITH_PLC,
    1,
    [
      [3.64, 89.56, 4.328],
      [7.01, 86.19, 4.235],
      [15.78, 77.42, 3.923],
      [27.07, 66.13, 3.411],
      [42.13, 51.07, 2.631],
    ],
  ],
  [
    'G.711 with PLC',
    G711_WITH_PLC,
    2,
    [
      [3.71, 89.49, 4.326],
      [7.28, 85.92, 4.227],
      [17.21, 75.99, 3.864],
      [31.56, 61.64, 3.184],
      [54.13, 39.07, 2.019],
    ],
  ],
  [
    'G.711 with PLC',
    G711_WITH_PLC,
    3,
    [
      [3.74, 89.46, 4.326],
      [7.37, 85.83, 4.224],
      [17.75, 75.45, 3.841],
      [33.41, 59.79, 3.089],
      [59.81, 33.39, 1.754],
    ],
  ],
  [
    'G.729A with VAD',
    G729A_WITH_VAD,
    1,
    [
      [15.2, 78, 3.946],
      [19, 74.2, 3.787],
      [28.5, 64.7, 3.34],
      [39.97, 53.23, 2.745],
      [54.08, 39.12, 2.021],
    ],
  ],
]

test.each(LOSS)('loss on %s %o at burst ratio %d', (_name, equipment, burstR, cells) => {
  const measured = [1, 2, 5, 10, 20].map((ppl) => {
    const { ieEff } = rating({ ...equipment, ppl, burstR })
    return [ieEff, 93.2 - ieEff, mosOfR(93.2 - ieEff)]
  })
  for (const [index, [ieEff, r, mos]] of cells.entries()) {
    expect(Math.abs((measured[index]?.[0] ?? NaN) - ieEff)).toBeLessThanOrEqual(0.0051)
    expect(Math.abs((measured[index]?.[1] ?? NaN) - r)).toBeLessThanOrEqual(0.0051)
    expect(Math.abs((measured[index]?.[2] ?? NaN) - mos)).toBeLessThanOrEqual(0.00051)
  }
})

/** ITU-T G.113 Appendix I: Ie, Bpl, then Ie,eff at 2 % of random loss. */
test.each([
  ['G.711 without PLC', 0, 4.3, 30.16],
  ['G.711 with PLC', 0, 25.1, 7.01],
  ['G.729A with VAD', 11, 19, 19],
  ['G.723.1 at 6.3 kbit/s with VAD', 15, 16.1, 23.84],
  ['GSM EFR at 12.2 kbit/s', 5, 10, 20],
])('the row %s of G.113', (_name, ie, bpl, ieEff) => {
  expect(rating({ ie, bpl }).ieEff).toBe(ie)
  expect(rating({ ie, bpl, ppl: 2 }).ieEff).toBeCloseTo(ieEff, 2)
})

/** G.113 Appendix I of 1999 printed whole numbers of Ie for loss; the formula came later and meets them. */
test.each([
  [2, 19],
  [8, 36],
  [16, 49],
])('G.729A with VAD at %d %% loss', (ppl, ieEff) => {
  expect(Math.abs(rating({ ...G729A_WITH_VAD, ppl }).ieEff - ieEff)).toBeLessThan(0.5)
})

describe('echo: R against the loudness of it', () => {
  const delays = [25, 50, 100, 150, 200, 300]
  test.each([
    { telr: 65, rs: [92.39, 91.76, 90.66, 89.54, 85.8, 72.67] },
    { telr: 55, rs: [91.53, 89.97, 86.11, 81.98, 75.81, 59.53] },
    { telr: 45, rs: [88.9, 82.4, 70.15, 62.53, 54.87, 37.38] },
    { telr: 35, rs: [77.73, 62.95, 47.25, 38.94, 31.0, 13.27] },
  ])('TELR $telr dB', ({ telr, rs }) => {
    for (const [index, delay] of delays.entries()) {
      const { r } = rating({ telr, t: delay, ta: delay, tr: 2 * delay })
      expect(Math.abs(r - (rs[index] ?? NaN))).toBeLessThanOrEqual(0.0051)
    }
  })
})

test.each([
  { path: { equipment: G729A_WITH_VAD, delay: 150, loss: 2, burstRatio: 1 }, r: 70.539, mos: 3.622 },
  { path: { equipment: G711_WITH_PLC, delay: 150, loss: 2, burstRatio: 1 }, r: 82.528, mos: 4.116 },
  { path: { equipment: G711_WITH_PLC, delay: 200, loss: 5, burstRatio: 2 }, r: 68.595, mos: 3.53 },
  { path: { equipment: G711_WITHOUT_PLC, delay: 300, loss: 5, burstRatio: 2 }, r: 2.813, mos: 1 },
])('delay and loss together: $path', ({ path, r, mos }) => {
  const result = pathRating(path)
  expect(result.r).toBeCloseTo(r, 3)
  expect(mosOfR(result.r)).toBeCloseTo(mos, 3)
})

test.each([
  [90, 4.339],
  [80, 4.024],
  [70, 3.597],
  [60, 3.1],
  [50, 2.575],
])('the bound R %d of G.109 is MOS %d', (r, mos) => {
  expect(mosOfR(r)).toBeCloseTo(mos, 3)
})

describe('laws', () => {
  const path = fc.record({
    equipment: fc.constantFrom(G711_WITH_PLC, G711_WITHOUT_PLC, G729A_WITH_VAD),
    delay: fc.double({ min: 0, max: 500, noNaN: true }),
    loss: fc.double({ min: 0, max: 100, noNaN: true }),
    burstRatio: fc.double({ min: 1, max: 8, noNaN: true }),
  })

  test('MOS stays between 1 and 4.5 and never falls when R rises', () => {
    const r = fc.double({ min: -200, max: 200, noNaN: true })
    fc.assert(
      fc.property(r, r, (one, other) => {
        const [low, high] = one < other ? [one, other] : [other, one]
        expect(mosOfR(low)).toBeLessThanOrEqual(mosOfR(high))
        expect(mosOfR(low)).toBeGreaterThanOrEqual(1)
        expect(mosOfR(high)).toBeLessThanOrEqual(4.5)
      }),
    )
  })

  test.each(['delay', 'loss', 'burstRatio'] as const)('more %s never improves R', (key) => {
    fc.assert(
      fc.property(path, fc.double({ min: 0, max: 100, noNaN: true }), (base, more) => {
        expect(pathRating({ ...base, [key]: base[key] + more }).r).toBeLessThanOrEqual(pathRating(base).r + 1e-9)
      }),
    )
  })
})
