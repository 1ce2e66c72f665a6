/** WAV files: every form that is allowed says the same, every other one is refused with what it is. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readWave } from './wave-file.ts'
import { wave } from './wave.fixture.ts'

function samplesOf(file: Buffer): number[] {
  const outcome = readWave('a.wav', file)
  if (outcome.kind !== 'Recording') throw new Error(outcome.detail)
  return [...outcome.recording.samples]
}

const STEPS = [-1, -0.5, 0, 0.25, 0.5]

function encoded(size: number, write: (octets: Buffer, value: number, offset: number) => void): Buffer {
  const octets = Buffer.alloc(STEPS.length * size)
  for (const [index, step] of STEPS.entries()) write(octets, step, index * size)
  return octets
}

describe('the same samples', () => {
  test.each([
    ['8-bit PCM', { bits: 8 }, encoded(1, (octets, value, offset) => octets.writeUInt8(128 + 128 * value, offset))],
    ['16-bit PCM', {}, encoded(2, (octets, value, offset) => octets.writeInt16LE(2 ** 15 * value, offset))],
    ['24-bit PCM', { bits: 24 }, encoded(3, (octets, value, offset) => octets.writeIntLE(2 ** 23 * value, offset, 3))],
    ['32-bit PCM', { bits: 32 }, encoded(4, (octets, value, offset) => octets.writeInt32LE(2 ** 31 * value, offset))],
    ['float', { bits: 32, tag: 3 }, encoded(4, (octets, value, offset) => octets.writeFloatLE(value, offset))],
    ['double', { bits: 64, tag: 3 }, encoded(8, (octets, value, offset) => octets.writeDoubleLE(value, offset))],
  ] as const)('of %s, also in the extensible form', (_, form, data) => {
    const expected = STEPS.map((step) => 32_768 * step)
    expect(samplesOf(wave(data, form))).toEqual(expected)
    expect(samplesOf(wave(data, { ...form, extensible: true }))).toEqual(expected)
  })
})

test('two channels become their mean, and what is beyond full scale is clipped', () => {
  const stereo = Buffer.from(Int16Array.of(1000, 3000, -32_768, -32_768, 32_767, -32_767).buffer)
  expect(samplesOf(wave(stereo, { channels: 2 }))).toEqual([2000, -32_768, 0])
  const loud = Buffer.from(Float32Array.of(2, -2, NaN, Infinity).buffer)
  expect(samplesOf(wave(loud, { tag: 3, bits: 32 }))).toEqual([32_767, -32_768, 0, 32_767])
})

test('a file whose writer could not know its length is taken as far as it goes', () => {
  const file = wave(Buffer.from(Int16Array.of(1, 2, 3).buffer))
  file.writeUInt32LE(0xffff_ffff, file.length - 10)
  expect(samplesOf(file)).toEqual([1, 2, 3])
})

const SILENCE = Buffer.alloc(16)

test.each([
  ['is no WAV file; allowed is a RIFF file of the form WAVE', Buffer.from('ID3 something')],
  ['is no WAV file; allowed is a RIFF file of the form WAVE', Buffer.alloc(0)],
  ['has no fmt chunk; allowed is a WAV file with both, fmt and data', Buffer.from('RIFF\0\0\0\0WAVEdata\0\0\0\0')],
  ['has no data chunk; allowed is a WAV file with both, fmt and data', wave(SILENCE).subarray(0, 48)],
  ['has samples of format 6; allowed is PCM of 8, 16, 24 or 32 bits, and float of 32 or 64', wave(SILENCE, { tag: 6 })],
  ['has 12-bit PCM; allowed is PCM of 8, 16, 24 or 32 bits, and float of 32 or 64', wave(SILENCE, { bits: 12 })],
  ['has 16-bit float; allowed is PCM of 8, 16, 24 or 32 bits, and float of 32 or 64', wave(SILENCE, { tag: 3 })],
  ['has 6 channels; allowed is 1 or 2', wave(SILENCE, { channels: 6 })],
  ['has 4000 samples a second; allowed is 8000 to 48000', wave(SILENCE, { rate: 4000 })],
  ['has 96000 samples a second; allowed is 8000 to 48000', wave(SILENCE, { rate: 96_000 })],
  ['has no sample; allowed is up to 120 s', wave(Buffer.alloc(1))],
  ['has 121 s of sound; allowed is up to 120 s', wave(Buffer.alloc(121 * 8000), { bits: 8 })],
])('greeting.wav %s', (expected, file) => {
  expect(readWave('greeting.wav', file)).toEqual({ kind: 'Unusable', detail: `greeting.wav ${expected}` })
})

test('no octets make it throw', () => {
  const template = wave(Buffer.alloc(40))
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
      fc.nat(template.length),
      (changes, cut) => {
        const file = Buffer.from(template.subarray(0, cut))
        for (const [offset, value] of changes) if (offset < file.length) file[offset] = value
        expect(['Recording', 'Unusable']).toContain(readWave('a.wav', file).kind)
      },
    ),
    { numRuns: 1000 },
  )
  fc.assert(fc.property(fc.uint8Array(), (octets) => void readWave('a.wav', octets)))
})
