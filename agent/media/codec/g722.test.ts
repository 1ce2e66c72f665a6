/** G.722 against another implementation bit for bit, and what it does to sound. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signal } from '../source/signals.ts'
import { G722, g722Encoder } from './g722.ts'
import { signalToNoise } from './sound.fixture.ts'

const vectors = join(import.meta.dirname, '../../../test/vectors/g722')
const octetsOf = (name: string) => readFileSync(join(vectors, name))

function samplesOf(name: string): number[] {
  const octets = octetsOf(name)
  return Array.from({ length: octets.length / 2 }, (_, index) => octets.readInt16LE(2 * index))
}

function decode(payload: Uint8Array): Int16Array {
  using decoder = G722.decoder()
  return decoder.decode(payload)
}

test('a signal of every kind is encoded to the octets that another implementation makes of it', () => {
  const encoded = g722Encoder()(Int16Array.from(samplesOf('signal.pcm')))
  expect(Buffer.from(encoded).equals(octetsOf('signal.g722'))).toBe(true)
})

test.each(['signal', 'random'])('%s is decoded to the samples that another implementation makes of it', (name) => {
  const expected = samplesOf(`${name}.decoded.pcm`)
  const decoded = [...decode(octetsOf(`${name}.g722`))]
  // Beyond full scale the Recommendation limits, and the other implementation turns over to the other sign.
  const turnsOver = (sample: number, other = 0) => (sample === 32_767 && other < 0) || (sample === -32_768 && other > 0)
  const limited = decoded.filter((sample, index) => turnsOver(sample, expected[index])).length
  expect(limited / decoded.length).toBeLessThan(0.03)
  expect(decoded.length).toBe(expected.length)
  expect(decoded.filter((sample, index) => sample !== expected[index]).length).toBe(limited)
})

test('speech comes through 22 samples later, with more than 15 dB above the error', () => {
  const speech = signal({ kind: 'Speech' }, G722.sampleRate)
  const { octets, starts, ends } = G722.encode(speech, 20)
  expect(starts.length).toBe(300)
  const decoded = decode(octets.subarray(starts[0], ends.at(-1)))
  const delay = (G722.codingDelay * G722.sampleRate) / 1000
  const noise = [delay - 1, delay, delay + 1].map((samples) => signalToNoise(speech, decoded, samples, G722.sampleRate))
  expect(Math.max(...noise)).toBe(noise[1])
  expect(noise[1]).toBeGreaterThan(15)
})

test('the state of a decoder goes on from payload to payload', () => {
  const octets = octetsOf('signal.g722')
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: octets.length }), { maxLength: 8 }), (cuts) => {
      const bounds = [0, ...cuts.toSorted((one, other) => one - other), octets.length]
      using decoder = G722.decoder()
      const parts = bounds.slice(1).flatMap((end, index) => [...decoder.decode(octets.subarray(bounds[index], end))])
      expect(parts).toEqual([...decode(octets)])
    }),
    { numRuns: 5 },
  )
})

test('the loop closes: its beginning is what follows its end', () => {
  const tone = signal({ kind: 'Tone' }, G722.sampleRate)
  const { octets, ends } = G722.encode(tone, 20)
  const end = ends.at(-1) ?? NaN
  const turn = octets.subarray(0, end)
  const decoded = decode(Buffer.concat([turn, turn]))
  const seam = decoded.length / 2
  const twice = Int16Array.from([...tone, ...tone])
  const around = (from: number) => signalToNoise(twice.subarray(from), decoded.subarray(from), 22, 1600)
  expect(around(seam - 1600)).toBeGreaterThan(25)
})
