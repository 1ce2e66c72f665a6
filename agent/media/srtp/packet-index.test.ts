import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { estimateIndex, ReplayWindow, WINDOW } from './packet-index.ts'

describe('the index behind a sequence number', () => {
  test('is the sequence number itself for the first packet', () => {
    expect(estimateIndex(-1, 0)).toBe(0)
    expect(estimateIndex(-1, 65_535)).toBe(65_535)
  })

  test.each([
    { what: 'the next one', highest: 100, sequenceNumber: 101, index: 101 },
    { what: 'a wrap', highest: 65_535, sequenceNumber: 0, index: 65_536 },
    { what: 'a late one from before the wrap', highest: 65_537, sequenceNumber: 65_534, index: 65_534 },
    {
      what: 'a far one before the first wrap: there is no counter below',
      highest: 5,
      sequenceNumber: 65_530,
      index: 65_530,
    },
    {
      what: 'a wrap of the upper half of the counter',
      highest: 2 ** 47 + 65_535,
      sequenceNumber: 3,
      index: 2 ** 47 + 65_539,
    },
  ])('follows $what', ({ highest, sequenceNumber, index }) => {
    expect(estimateIndex(highest, sequenceNumber)).toBe(index)
  })

  test('is right for every packet less than 2^15 from the highest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 32_768, max: 2 ** 47 }),
        fc.integer({ min: -32_767, max: 32_767 }),
        (highest, step) => {
          expect(estimateIndex(highest, (highest + step) % 65_536)).toBe(highest + step)
        },
      ),
    )
  })
})

describe('the replay window', () => {
  test('knows exactly which of the last 1,024 indices were there', () => {
    const edges = fc.constantFrom(-WINDOW - 1, -WINDOW, 1 - WINDOW, -1, 0, 1, WINDOW - 1, WINDOW, WINDOW + 1)
    const steps = fc.array(fc.oneof(edges, fc.integer({ min: -1_500, max: 1_500 })), { maxLength: 200 })
    fc.assert(
      fc.property(steps, (wanted) => {
        const window = new ReplayWindow()
        const seen = new Set<number>()
        let highest = -1
        for (const step of wanted) {
          const index = Math.max(0, highest + step)
          const there = seen.has(index) ? 'Replay' : 'New'
          expect(window.judge(index)).toBe(highest - index >= WINDOW ? 'TooOld' : there)
          if (window.judge(index) !== 'New') continue
          window.mark(index)
          seen.add(index)
          highest = Math.max(highest, index)
          expect(window.highest).toBe(highest)
        }
      }),
    )
  })
})
