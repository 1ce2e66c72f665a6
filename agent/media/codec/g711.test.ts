/** G.711 against the code words of the Recommendation. */
import { describe, expect, test } from 'vitest'
import { G711_DECODE, encodeG711 } from './g711.ts'

const codes = Array.from({ length: 256 }, (_, code) => code)

describe.each(['PCMA', 'PCMU'] as const)('%s', (codec) => {
  const decode = G711_DECODE[codec]

  test('every code word comes back from its own sample, negative zero as positive zero', () => {
    const encoded = [...encodeG711(codec, decode)]
    expect(encoded).toEqual(codes.map((code) => (codec === 'PCMU' && code === 0x7f ? 0xff : code)))
  })

  test('every sample comes back within half of its step', () => {
    const samples = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768)
    const largest = Math.max(...decode)
    const tooFar = [...encodeG711(codec, samples)].filter((code, index) => {
      const sample = samples[index] ?? 0
      // A step is at most a sixteenth of the sample and its bias of 132, and at least 16; beyond the largest code all is clipped.
      const allowed = Math.abs(sample) > largest ? 32_768 - largest : Math.max(8, (Math.abs(sample) + 132) / 32)
      return Math.abs((decode[code] ?? NaN) - sample) > allowed
    })
    expect(tooFar).toEqual([])
  })
})

test('the known code words', () => {
  const mu = G711_DECODE.PCMU
  const a = G711_DECODE.PCMA
  expect([mu[0x80], mu[0x00], mu[0xff], mu[0x7f]]).toEqual([32_124, -32_124, 0, 0])
  expect([a[0xaa], a[0x2a], a[0xd5], a[0x55]]).toEqual([32_256, -32_256, 8, -8])
  expect([...encodeG711('PCMU', Int16Array.of(0, 32_767, -32_768))]).toEqual([0xff, 0x80, 0x00])
  expect([...encodeG711('PCMA', Int16Array.of(0, 32_767, -32_768))]).toEqual([0xd5, 0xaa, 0x2a])
})

test('the digital milliwatt of G.711 has its levels', () => {
  const rms = (samples: number[]) => Math.sqrt(samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length)
  const mu = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e].map((code) => G711_DECODE.PCMU[code] ?? 0)
  const a = [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4].map((code) => G711_DECODE.PCMA[code] ?? 0)
  expect(rms(mu)).toBeCloseTo(16_016.8, 1)
  expect(rms(a)).toBeCloseTo(16_139.2, 1)
})
