import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lossChoice, lossSeed } from './loss.ts'

const percent = fc.integer({ min: 0, max: 100 })
const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 })

function choose(count: number, ...[wanted, from]: Parameters<typeof lossChoice>): boolean[] {
  const lost = lossChoice(wanted, from)
  return Array.from({ length: count }, () => lost())
}

describe('the choice of what is lost', () => {
  test('never the first packet, whatever the percentage', () => {
    fc.assert(
      fc.property(percent, seed, (wanted, from) => {
        expect(lossChoice(wanted, from)()).toBe(false)
      }),
    )
  })

  test('is exact over each hundred packets after the first', () => {
    fc.assert(
      fc.property(percent, seed, (wanted, from) => {
        const [, ...rest] = choose(301, wanted, from)
        for (const start of [0, 100, 200]) expect(rest.slice(start, start + 100).filter(Boolean)).toHaveLength(wanted)
      }),
    )
  })

  test('5 percent is one of each 20, so that a call of three seconds loses 7 or 8 of 150', () => {
    fc.assert(
      fc.property(seed, (from) => {
        const lost = choose(150, 5, from).filter(Boolean).length
        expect([7, 8]).toContain(lost)
      }),
    )
  })

  test('is the same for the same seed and another for another', () => {
    expect(choose(200, 5, 1)).toEqual(choose(200, 5, 1))
    expect(choose(200, 5, 1)).not.toEqual(choose(200, 5, 2))
  })

  test('takes every place of a block about equally often', () => {
    const counts = new Array<number>(20).fill(0)
    for (let from = 0; from < 20_000; from++) {
      const place = choose(21, 5, from).indexOf(true) - 1
      counts[place] = (counts[place] ?? 0) + 1
    }
    // 1,000 expected; five standard deviations (about 31 each) on either side.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(155)
  })
})

describe('the seed of a call', () => {
  // Published vectors of FNV-1a, 32 bits.
  test.each([
    ['', 0x811c9dc5],
    ['a', 0xe40c292c],
    ['foobar', 0xbf9cf968],
  ])('%j', (text, expected) => expect(lossSeed(text)).toBe(expected))
})
