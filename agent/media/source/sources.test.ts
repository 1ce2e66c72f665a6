/** What is sent: levels and shape of the sources. */
import { describe, expect, test } from 'vitest'
import { G711_DECODE } from '../codec/g711.ts'
import { LONGEST_PACKET, encodeSources } from './sources.ts'

const sources = encodeSources()

function samplesOf(codec: 'PCMA' | 'PCMU', kind: 'Tone' | 'Speech' | 'Silence'): number[] {
  const { octets, loop } = sources[codec][kind]
  return [...octets.subarray(0, loop)].map((code) => G711_DECODE[codec][code] ?? 0)
}

const level = (samples: number[]) =>
  10 * Math.log10(samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length / 32_768 ** 2)

describe.each(['PCMA', 'PCMU'] as const)('in %s', (codec) => {
  test('a packet of any length may begin anywhere in the loop', () => {
    for (const { octets, loop } of Object.values(sources[codec])) {
      expect(octets.length).toBe(loop + LONGEST_PACKET)
      expect(octets.subarray(loop).equals(octets.subarray(0, LONGEST_PACKET))).toBe(true)
    }
  })

  test('the tone is one frequency at -16 dBov', () => {
    const tone = samplesOf(codec, 'Tone')
    expect(level(tone)).toBeCloseTo(-16, 1)
    const correlate = (wave: (angle: number) => number) =>
      tone.reduce((sum, sample, index) => sum + sample * wave((2 * Math.PI * 1004 * index) / 8000), 0)
    const share =
      (2 * (correlate(Math.sin) ** 2 + correlate(Math.cos) ** 2)) /
      tone.length /
      tone.reduce((sum, sample) => sum + sample ** 2, 0)
    expect(share).toBeGreaterThan(0.99)
  })

  test('silence is the smallest code word', () => {
    expect(new Set(samplesOf(codec, 'Silence')).size).toBe(1)
    expect(level(samplesOf(codec, 'Silence'))).toBeLessThan(-70)
  })

  test('speech has spurts at the nominal level and pauses, and is never clipped', () => {
    const speech = samplesOf(codec, 'Speech')
    const frames = Array.from({ length: speech.length / 160 }, (_, index) =>
      level(speech.slice(index * 160, index * 160 + 160)),
    )
    const pauses = frames.filter((frame) => frame < -60)
    expect(pauses.length / frames.length).toBeGreaterThan(0.2)
    expect(pauses.length / frames.length).toBeLessThan(0.6)
    expect(level(speech) - 10 * Math.log10(1 - pauses.length / frames.length)).toBeCloseTo(-26, 0)
    expect(Math.max(...speech.map(Math.abs))).toBeLessThan(Math.max(...G711_DECODE[codec]))
  })
})
