/** G.711 against the code words of the Recommendation. */
import { describe, expect, test } from 'vitest'
import { CODECS } from './codecs.ts'

const codes = Uint8Array.from({ length: 256 }, (_, code) => code)

const encode = (law: 'PCMA' | 'PCMU', samples: Int16Array) => [
  ...CODECS[law].encode(samples, 1).octets.subarray(0, samples.length),
]

function decode(law: 'PCMA' | 'PCMU', payload: Uint8Array): Int16Array {
  using decoder = CODECS[law].decoder()
  return decoder.decode(payload)
}

describe.each(['PCMA', 'PCMU'] as const)('%s', (law) => {
  const samplesOf = decode(law, codes)

  test('every code word comes back from its own sample, negative zero as positive zero', () => {
    expect(encode(law, samplesOf)).toEqual([...codes].map((code) => (law === 'PCMU' && code === 0x7f ? 0xff : code)))
  })

  test('every sample comes back within half of its step', () => {
    const samples = Int16Array.from({ length: 65_536 }, (_, index) => index - 32_768)
    const largest = Math.max(...samplesOf)
    const tooFar = encode(law, samples).filter((code, index) => {
      const sample = samples[index] ?? 0
      // A step is at most a sixteenth of the sample and its bias of 132, and at least 16; beyond the largest code all is clipped.
      const allowed = Math.abs(sample) > largest ? 32_768 - largest : Math.max(8, (Math.abs(sample) + 132) / 32)
      return Math.abs((samplesOf[code] ?? NaN) - sample) > allowed
    })
    expect(tooFar).toEqual([])
  })
})

test('the known code words', () => {
  expect([...decode('PCMU', Buffer.from('8000ff7f', 'hex'))]).toEqual([32_124, -32_124, 0, 0])
  expect([...decode('PCMA', Buffer.from('aa2ad555', 'hex'))]).toEqual([32_256, -32_256, 8, -8])
  expect(encode('PCMU', Int16Array.of(0, 32_767, -32_768))).toEqual([0xff, 0x80, 0x00])
  expect(encode('PCMA', Int16Array.of(0, 32_767, -32_768))).toEqual([0xd5, 0xaa, 0x2a])
})

test('the digital milliwatt of G.711 has its levels', () => {
  const rms = (samples: Int16Array) => Math.sqrt(samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length)
  expect(rms(decode('PCMU', Buffer.from('1e0b0b1e9e8b8b9e', 'hex')))).toBeCloseTo(16_016.8, 1)
  expect(rms(decode('PCMA', Buffer.from('34212134b4a1a1b4', 'hex')))).toBeCloseTo(16_139.2, 1)
})
