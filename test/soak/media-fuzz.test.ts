import { describe, expect, test } from 'vitest'
import { fuzzParsers, fuzzSessions, fuzzSrtp } from '../../agent/media/fuzz/run.ts'

/** 5,000,000 in all: half of them for the parsers alone, the others under keys and through the sockets of running sessions. Together two minutes of one core. */
const PARSERS = 2_500_000
const SRTP = 1_000_000
const SESSIONS = 1_500_000
const SHARES = 4

const seeds = Array.from({ length: SHARES }, (_, index) => index + 1)

describe('hostile packets', () => {
  test.each(seeds)('2,500,000 packets at the parsers, share %i of 4', (seed) => {
    const { bad, growth } = fuzzParsers({ seed, count: PARSERS / SHARES })
    expect(bad).toEqual([])
    expect(growth).toBeLessThan(5_000_000)
  })

  test.each(seeds)('1,000,000 packets at receivers of SRTP, share %i of 4', (seed) => {
    const { bad, growth } = fuzzSrtp({ seed, count: SRTP / SHARES })
    expect(bad).toEqual([])
    expect(growth).toBeLessThan(5_000_000)
  })

  test.each(seeds)('1,500,000 packets at running sessions, share %i of 4', async (seed) => {
    const { bad, growth, count, truth, measured, sealed, counted, expected, held } = await fuzzSessions({
      seed,
      count: SESSIONS / SHARES,
    })
    expect(bad).toEqual([])
    expect(count).toBeGreaterThanOrEqual(SESSIONS / SHARES)
    expect(growth).toBeLessThan(5_000_000)
    expect(counted).toEqual(expected)
    expect(held[1]).toEqual(held[0])
    const { lost, duplicates } = truth
    expect(measured.metrics).toMatchObject({ packetsLost: lost, duplicates, ssrcSwitches: 0, outOfOrder: 0 })
    expect(sealed.metrics).toMatchObject({ packetsLost: lost, duplicates: 0, ssrcSwitches: 0, outOfOrder: 0 })
  })
})
