import { describe, expect, test } from 'vitest'
import { fuzzEngine, fuzzParser } from '../../agent/sip/fuzz/run.ts'

/** 10,000,000 in all: 8 of 10 for the parser alone, the others through the sockets of a running engine. Together four minutes of one core. */
const PARSER = 8_000_000
const ENGINE = 2_000_000
const SHARES = 4

const seeds = Array.from({ length: SHARES }, (_, index) => index + 1)

describe('hostile input', () => {
  test.each(seeds)('8,000,000 messages at the parser, share %i of 4', (seed) => {
    const { bad, growth } = fuzzParser({ seed, count: PARSER / SHARES })
    expect(bad).toEqual([])
    expect(growth).toBeLessThan(5_000_000)
  })

  test.each(seeds)('2,000,000 messages over UDP and TCP, share %i of 4', async (seed) => {
    const { bad, growth, count } = await fuzzEngine({ seed, count: ENGINE / SHARES })
    expect(bad).toEqual([])
    expect(count).toBeGreaterThanOrEqual(ENGINE / SHARES)
    expect(growth).toBeLessThan(5_000_000)
  })
})
