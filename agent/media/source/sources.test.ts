/** What is sent: levels and shape of the signals in every codec, and that they are made once. */
import { describe, expect, test } from 'vitest'
import type { CodecName } from '../codec/codec.ts'
import { CODECS } from '../codec/codecs.ts'
import { level, share } from '../codec/sound.fixture.ts'
import type { SignalKind } from './signals.ts'
import { type Played, Sources } from './sources.ts'

const sources = new Sources()

/** As a peer hears them: a loop decoded, without the moment in which its decoder finds in. */
function heard(name: CodecName, played: Played): Int16Array {
  const codec = CODECS[name]
  const { octets, starts, ends } = sources.packets(codec, 20, played)
  using decoder = codec.decoder()
  const samples = [...starts].flatMap((start, index) => [...decoder.decode(octets.subarray(start, ends[index]))])
  return Int16Array.from(samples).subarray(codec.sampleRate / 10)
}

const loudest = (samples: Int16Array) => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)

const frames = (samples: Int16Array, rate: number) =>
  Array.from({ length: Math.floor(samples.length / (rate / 50)) }, (_, index) =>
    level(samples.subarray((index * rate) / 50, ((index + 1) * rate) / 50)),
  )

describe.each(['PCMA', 'PCMU', 'G722', 'opus'] as const)('in %s', (name) => {
  const { sampleRate } = CODECS[name]

  test('the tone is one frequency at -16 dBov', () => {
    const tone = heard(name, { kind: 'Tone' })
    expect(Math.abs(level(tone) + 16)).toBeLessThan(0.1)
    expect(share(tone, 1004, sampleRate)).toBeGreaterThan(0.99)
  })

  test('silence is silent, but for the idle noise of the codec', () => {
    expect(loudest(heard(name, { kind: 'Silence' }))).toBeLessThan(32)
  })

  test('noise is as loud as speech, all the time', () => {
    const levels = frames(heard(name, { kind: 'Noise' }), sampleRate)
    expect(Math.min(...levels)).toBeGreaterThan(-30)
    expect(Math.max(...levels)).toBeLessThan(-22)
  })

  test('speech has spurts at the nominal level and pauses, and is never clipped', () => {
    const speech = heard(name, { kind: 'Speech' })
    const levels = frames(speech, sampleRate)
    const pauses = levels.filter((frame) => frame < -60)
    expect(pauses.length / levels.length).toBeGreaterThan(0.2)
    expect(pauses.length / levels.length).toBeLessThan(0.6)
    expect(Math.abs(level(speech) - 10 * Math.log10(1 - pauses.length / levels.length) + 26)).toBeLessThan(1)
    expect(loudest(speech)).toBeLessThan(32_000)
  })
})

test('what was made once is there for all sessions; another packet time, codec or recording is another', () => {
  const kinds: SignalKind[] = ['Tone', 'Silence']
  for (const kind of kinds) {
    expect(sources.packets(CODECS.PCMA, 20, { kind })).toBe(sources.packets(CODECS.PCMA, 20, { kind }))
    expect(sources.packets(CODECS.PCMA, 30, { kind })).not.toBe(sources.packets(CODECS.PCMA, 20, { kind }))
  }
  const recording = { name: 'a.wav', sampleRate: 8000, samples: new Int16Array(8000) }
  const played = { kind: 'Recording', recording } as const
  expect(sources.packets(CODECS.PCMU, 20, played)).toBe(sources.packets(CODECS.PCMU, 20, { ...played }))
  const other = { kind: 'Recording', recording: { ...recording } } as const
  expect(sources.packets(CODECS.PCMU, 20, other)).not.toBe(sources.packets(CODECS.PCMU, 20, played))
})

test.each(['PCMA', 'G722', 'opus'] as const)(
  'a recording of another rate is heard in %s as it is, with silence up to whole packets',
  (name) => {
    const samples = Int16Array.from(
      { length: 44_100 },
      (_, index) => 8000 * Math.sin((2 * Math.PI * 1004 * index) / 44_100),
    )
    const played = { kind: 'Recording', recording: { name: 'tone.wav', sampleRate: 44_100, samples } } as const
    const { sampleRate } = CODECS[name]
    const all = heard(name, played)
    // 1000 ms of sound in 1080 ms of packets.
    expect(all.length).toBe(sampleRate * 0.98)
    const sound = all.subarray(0, sampleRate * 0.8)
    expect(Math.abs(level(sound) - 20 * Math.log10(8000 / Math.SQRT2 / 32_768))).toBeLessThan(0.2)
    expect(share(sound, 1004, sampleRate)).toBeGreaterThan(0.99)
    expect(level(all.subarray(sampleRate * 0.95))).toBeLessThan(-60)
  },
)
