import { expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { readCorpus } from './corpus.ts'
import { createMutator } from './mutate.ts'
import { fuzzEngine, fuzzParser } from './run.ts'

test('the same seed makes the same messages, another one others', () => {
  const corpus = readCorpus().map(({ bytes }) => bytes.toString('latin1'))
  const made = (seed: number) => {
    const mutator = createMutator(seededRandom(seed), corpus)
    return Array.from({ length: 50 }, () => mutator.message())
  }
  expect(made(1)).toEqual(made(1))
  expect(made(1)).not.toEqual(made(2))
})

test('40,000 mutated messages: no exception leaves the parser, none takes 50 ms, the heap does not grow', () => {
  const { bad, growth, count } = fuzzParser({ seed: 4475, count: 40_000 })
  expect(bad).toEqual([])
  expect(count).toBe(40_000)
  expect(growth).toBeLessThan(5_000_000)
})

test('10,000 mutated messages over UDP and TCP: the engine answers on, and forgets all of them', async () => {
  const { bad, growth, count } = await fuzzEngine({ seed: 5118, count: 10_000 })
  expect(bad).toEqual([])
  expect(count).toBeGreaterThanOrEqual(10_000)
  expect(growth).toBeLessThan(5_000_000)
})
