import { expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { readCorpus } from './corpus.ts'
import { createMutator } from './mutate.ts'
import { fuzzParsers, fuzzSessions, fuzzSrtp } from './run.ts'

test('the same seed makes the same packets, another one others', () => {
  const corpus = readCorpus()
  const made = (seed: number) => {
    const { packet } = createMutator(seededRandom(seed), corpus)
    return Array.from({ length: 50 }, () => packet().toString('hex'))
  }
  expect(made(1)).toEqual(made(1))
  expect(made(1)).not.toEqual(made(2))
})

test('30,000 mutated packets: no exception leaves a parser, none takes 50 ms, the heap does not grow', () => {
  const { bad, growth, count } = fuzzParsers({ seed: 3550, count: 30_000 })
  expect(bad).toEqual([])
  expect(count).toBe(30_000)
  expect(growth).toBeLessThan(5_000_000)
})

test('10,000 mutated packets of SRTP and SRTCP: none is accepted, and the receivers are got at in every way', () => {
  const { bad, growth, refused } = fuzzSrtp({ seed: 3711, count: 10_000 })
  expect(bad).toEqual([])
  expect(growth).toBeLessThan(5_000_000)
  expect([...refused].toSorted()).toEqual(['Authentication', 'Malformed', 'NotEncrypted', 'TooShort', 'UnknownKey'])
})

test('10,000 mutated packets at running sessions: each is refused or counted, and the real stream measured exactly', async () => {
  const { bad, growth, count, truth, measured, sealed, counted, expected, held } = await fuzzSessions({
    seed: 7983,
    count: 10_000,
  })
  expect(bad).toEqual([])
  expect(count).toBeGreaterThanOrEqual(10_000)
  expect(growth).toBeLessThan(5_000_000)
  expect(counted).toEqual(expected)
  const [early, late] = held
  expect(late).toEqual(early)
  expect(late.sockets).toBeGreaterThanOrEqual(late.ports)
  const { packets, lost, duplicates } = truth
  expect(lost).toBeGreaterThan(5)
  const { metrics } = measured
  expect(metrics).toMatchObject({ packetsLost: lost, duplicates, ssrcSwitches: 0, sequenceResets: 0, outOfOrder: 0 })
  expect(metrics.packetLoss).toBeCloseTo((100 * lost) / packets, 9)
  expect(metrics.jitter).toBeCloseTo(0, 9)
  expect(sealed.metrics).toMatchObject({ packetsLost: lost, duplicates: 0, ssrcSwitches: 0, outOfOrder: 0 })
})
