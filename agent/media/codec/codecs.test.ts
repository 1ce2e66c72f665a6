/** The table of codecs: what SDP calls them, and the packet times that they have. */
import { expect, test } from 'vitest'
import { CODECS, fittingPtime } from './codecs.ts'

test('names, clock rates, channels and static payload types are those of RFC 3551 and RFC 7587', () => {
  const row = Object.values(CODECS).map(({ name, clockRate, channels, payloadType }) => [
    name,
    clockRate,
    channels,
    payloadType,
  ])
  expect(row).toEqual([
    ['PCMA', 8000, 1, 8],
    ['PCMU', 8000, 1, 0],
    ['G722', 8000, 1, 9],
    ['opus', 48_000, 2, undefined],
  ])
})

test.each([
  ['PCMA', 20, 20],
  ['PCMA', 32.5, 32],
  ['PCMU', 1000, 200],
  ['G722', 0, 1],
  ['opus', 20, 20],
  ['opus', 30, 20],
  ['opus', 50, 40],
  ['opus', 120, 60],
  ['opus', 3, 5],
] as const)('%s for a wanted packet time of %f ms has %i', (codec, wanted, ptime) => {
  expect(fittingPtime(codec, wanted)).toBe(ptime)
})
