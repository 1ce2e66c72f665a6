/** Burst and gap figures against the definition of RFC 3611 4.7.2, cross-checked with the algorithm of its appendix A.2. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GMIN, LossPattern, burstRatio, burstSummary, noLossTotals } from './burst.ts'

function patternOf(symbols: readonly boolean[]): LossPattern {
  const pattern = new LossPattern()
  for (const missing of symbols) pattern.add(missing)
  return pattern
}

function totalsOf(...patterns: readonly LossPattern[]) {
  const totals = noLossTotals()
  for (const pattern of patterns) pattern.addTo(totals)
  return totals
}

const summaryOf = (...patterns: readonly LossPattern[]) => burstSummary(totalsOf(...patterns))

function ratioOf(pattern: LossPattern): number {
  const { packets, missing, runs } = totalsOf(pattern)
  return burstRatio(packets, missing, runs)
}

/** The definition, read literally: look at the whole sequence and cut it at Gmin received in a row. */
function definition(symbols: readonly boolean[]) {
  const missing = symbols.flatMap((isMissing, index) => (isMissing ? [index] : []))
  const clusters: number[][] = []
  for (const index of missing) {
    const last = clusters.at(-1)
    if (last && index - (last.at(-1) ?? 0) - 1 < GMIN) last.push(index)
    else clusters.push([index])
  }
  const bursts = clusters
    .filter((cluster) => cluster.length > 1)
    .map((cluster) => ({ start: cluster[0] ?? 0, end: cluster.at(-1) ?? 0, missing: cluster.length }))
  const gaps: number[] = []
  let from = 0
  for (const burst of [...bursts, { start: symbols.length, end: symbols.length }]) {
    if (burst.start > from) gaps.push(burst.start - from)
    from = burst.end + 1
  }
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  const mean = (values: number[]) => (values.length === 0 ? 0 : sum(values) / values.length)
  const lengths = bursts.map((burst) => burst.end - burst.start + 1)
  const inBursts = sum(bursts.map((burst) => burst.missing))
  return {
    burstDensity: bursts.length === 0 ? 0 : inBursts / sum(lengths),
    gapDensity: gaps.length === 0 ? 0 : (missing.length - inBursts) / sum(gaps),
    burstLength: mean(lengths),
    gapLength: mean(gaps),
  }
}

/** RFC 3611 A.2 with the preload that assumes Gmin received packets before the start. Densities in 256ths, lengths in packets. */
function appendix(symbols: readonly boolean[]) {
  let [c11, c13, c14, c22, c23, c33, packets, lost] = [0, 0, 0, 0, 0, 0, GMIN, 1]
  for (const missing of symbols) {
    if (!missing) {
      packets++
      continue
    }
    if (packets >= GMIN) {
      if (lost === 1) c14++
      else c13++
      lost = 1
      c11 += packets
    } else {
      lost++
      if (packets === 0) c33++
      else {
        c23++
        c22 += packets - 1
      }
    }
    packets = 0
  }
  const [c31, c32] = [c13, c23]
  const total = c11 + c14 + c13 + c22 + c23 + c31 + c32 + c33
  const p32 = c32 / (c31 + c32 + c33)
  const p23 = c22 + c23 < 1 ? 1 : 1 - c22 / (c22 + c23)
  const gapLength = (c11 + c14 + c13) / c13
  return { c11, c13, c14, c22, c23, burstDensity: (256 * p23) / (p23 + p32), burstLength: total / c13 - gapLength }
}

test('the sequence printed in RFC 3611 4.7.2, by its definition', () => {
  const symbols = Array.from(
    '11110111111111111111111X111X1011110111111111111111111X111111111',
    (symbol) => symbol !== '1',
  )
  expect(symbols).toHaveLength(63)
  const { burstDensity, gapDensity, burstLength, gapLength } = summaryOf(patternOf(symbols))
  expect(Math.floor(256 * burstDensity)).toBe(85)
  expect(Math.floor(256 * gapDensity)).toBe(10)
  expect(burstLength).toBe(12)
  expect(gapLength).toBe(25.5)
  const check = appendix(symbols)
  expect(check).toMatchObject({ c11: 56, c13: 1, c14: 2, c22: 5, c23: 3 })
  expect(check.burstDensity).toBeCloseTo(256 * burstDensity, 1)
  expect(check.burstLength).toBe(burstLength)
})

test.each([
  ['no packet', [], { burstDensity: 0, gapDensity: 0, burstLength: 0, gapLength: 0 }],
  ['nothing lost', [false, false], { burstDensity: 0, gapDensity: 0, burstLength: 0, gapLength: 2 }],
  ['everything lost', [true, true, true], { burstDensity: 1, gapDensity: 0, burstLength: 3, gapLength: 0 }],
  ['one alone lost', [false, true, false], { burstDensity: 0, gapDensity: 1 / 3, burstLength: 0, gapLength: 3 }],
  ['a burst at the end', [false, true, true], { burstDensity: 1, gapDensity: 0, burstLength: 2, gapLength: 1 }],
])('%s', (_name, symbols, summary) => {
  expect(summaryOf(patternOf(symbols))).toEqual(summary)
})

const symbols = fc
  .array(
    fc
      .integer({ min: 0, max: 40 })
      .chain((received) =>
        fc
          .integer({ min: 0, max: 4 })
          .map((missing) => [...Array<boolean>(received).fill(false), ...Array<boolean>(missing).fill(true)]),
      ),
    { maxLength: 12 },
  )
  .map((parts) => parts.flat())

test('equals the definition for every pattern', () => {
  fc.assert(
    fc.property(symbols, fc.integer({ min: 0, max: 40 }), (head, tail) => {
      const all = [...head, ...Array<boolean>(tail).fill(false)]
      const measured = summaryOf(patternOf(all))
      const defined = definition(all)
      for (const key of ['burstDensity', 'gapDensity', 'burstLength', 'gapLength'] as const)
        expect(measured[key]).toBeCloseTo(defined[key], 10)
    }),
    { numRuns: 500 },
  )
})

test('a copy goes its own way', () => {
  const pattern = patternOf([true, true, false])
  const copy = new LossPattern()
  copy.copyFrom(pattern)
  copy.add(true)
  expect(totalsOf(pattern)).toMatchObject({ packets: 3, missing: 2, runs: 1 })
  expect(totalsOf(copy)).toMatchObject({ packets: 4, missing: 3, runs: 2 })
})

test('patterns of two streams add up without a burst across them', () => {
  const [one, other] = [patternOf([false, true, true]), patternOf([true, false, true, false])]
  expect(summaryOf(one, other)).toEqual({ burstDensity: 4 / 5, gapDensity: 0, burstLength: 2.5, gapLength: 1 })
  expect(totalsOf(one, patternOf([]))).toEqual(totalsOf(one))
})

describe('burst ratio', () => {
  const run = (length: number, missing: boolean) => Array<boolean>(length).fill(missing)

  test('of three runs in a hundred packets is that of G.107, and near the one of the two-state chain', () => {
    const ratio = ratioOf(
      patternOf([
        ...run(20, false),
        ...run(3, true),
        ...run(37, false),
        true,
        ...run(19, false),
        ...run(2, true),
        ...run(18, false),
      ]),
    )
    expect(ratio).toBeCloseTo(1.88, 10)
    const [p, q] = [3 / 93, 3 / 6]
    expect(ratio).toBeCloseTo(1 / (p + q), 2)
  })

  test('is 1 without loss and never below', () => {
    expect(ratioOf(patternOf([]))).toBe(1)
    fc.assert(fc.property(fc.array(fc.boolean()), (all) => ratioOf(patternOf(all)) >= 1))
  })
})
