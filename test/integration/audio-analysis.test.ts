/** What is heard in real codecs: the signals of media through each of them, analysed as those of a call are. No socket is opened. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../lib/random.ts'
import type { Codec } from '../../agent/media/codec/codec.ts'
import { CODECS } from '../../agent/media/codec/codecs.ts'
import { type SignalKind, signal } from '../../agent/media/source/signals.ts'
import { AudioAnalyser, type AudioReport } from '../../agent/quality/index.ts'

const PTIME = 20
const PACKETS = 500
/** Clock.monotonic at the first packet. */
const START = 5000

/** A decoded sample of one law of G.711 -> what its code word is in the other. */
function otherLaw(law: Codec): ((sample: number) => number) | undefined {
  const other = { PCMA: CODECS.PCMU, PCMU: CODECS.PCMA }[law.name === 'PCMA' ? 'PCMA' : 'PCMU']
  if (law.name !== 'PCMA' && law.name !== 'PCMU') return undefined
  const words = Uint8Array.from({ length: 256 }, (_, code) => code)
  using own = law.decoder()
  using its = other.decoder()
  const meanings = its.decode(words).slice()
  const meaning = new Map(Array.from(own.decode(words), (sample, code) => [sample, meanings[code] ?? 0]))
  return (sample) => meaning.get(sample) ?? 0
}

interface Call {
  sent?: SignalKind
  heard: SignalKind
  /** Of the far side; else the negotiated one. */
  encoder?: Codec
  /** Until a packet is back, milliseconds. */
  delay?: number
  loss?: number
}

function analyse(codec: Codec, { sent = 'Silence', heard, encoder = codec, delay = 0, loss = 0 }: Call): AudioReport {
  const { sampleRate, codingDelay } = codec
  const law = otherLaw(codec)
  const largest = { PCMA: 32_256, PCMU: 32_124, G722: 32_767, opus: 32_767 }[codec.name]
  const analyser = new AudioAnalyser({ sampleRate, codingDelay, largest, ...(law && { otherLaw: law }) }, START)
  const ours = signal({ kind: sent }, sampleRate)
  const { octets, starts, ends } = encoder.encode(signal({ kind: heard }, encoder.sampleRate), PTIME)
  const size = (PTIME * sampleRate) / 1000
  const random = seededRandom(3)
  using decoder = codec.decoder()
  for (let packet = 0; packet < PACKETS; packet++) {
    const at = START + PTIME * packet
    const position = packet * size
    analyser.sent(at, position, ours.subarray(position % ours.length, (position % ours.length) + size))
    const index = packet % starts.length
    const samples = decoder.decode(octets.subarray(starts[index], ends[index]))
    if (random() >= loss) analyser.heard(at + delay, position, samples)
  }
  return analyser.report(START + PTIME * PACKETS, { audio: PACKETS, otherPayloadType: 0, undecodable: 0 })
}

const named = ({ findings }: AudioReport) => findings.map(({ finding, reason }) => `${finding}: ${reason}`)

describe.each(Object.values(CODECS))('$name', (codec) => {
  test.each([0, 63.4, 777, 1980])(
    'an echo of %d ms has its delay within 1 ms, with one in twenty packets lost',
    (delay) => {
      for (const kind of ['Speech', 'Noise'] as const) {
        const { metrics, findings } = analyse(codec, { sent: kind, heard: kind, delay, loss: 0.05 })
        expect(findings).toEqual([])
        expect(Math.abs((metrics.echoDelay ?? NaN) - delay)).toBeLessThan(1)
        // Opus does not keep the wave of noise, but its sound.
        expect(Math.abs(metrics.echoLoss ?? NaN)).toBeLessThan(codec.name === 'opus' && kind === 'Noise' ? 6 : 0.6)
      }
    },
  )

  test('each signal of ours is what it is', () => {
    const heard = (kind: SignalKind) => named(analyse(codec, { heard: kind, loss: 0.02 }))
    expect(heard('Speech')).toEqual([])
    expect(heard('Tone')).toEqual(['StuckTone: SteadyTone'])
    expect(heard('Noise')).toEqual(['NoiseOnly: SteadyNoise'])
    expect(heard('Silence')).toEqual(['SilentMedia: BelowSilence'])
  })

  test('speech has its level: 26 dB below full scale, less the hangover of P.56', () => {
    const { metrics } = analyse(codec, { heard: 'Speech' })
    expect(Math.abs((metrics.audioLevel ?? NaN) - -26.8)).toBeLessThan(1)
    expect(metrics.speechActivity).toBeGreaterThan(60)
  })
})

describe.each([CODECS.PCMA, CODECS.PCMU])('$name was negotiated', (codec) => {
  const others = Object.values(CODECS).filter((other) => other !== codec)
  test.each(others)('and $name came: it is heard', (encoder) => {
    expect(named(analyse(codec, { heard: 'Speech', encoder }))).toEqual([
      encoder.name === 'G722' || encoder.name === 'opus' ? 'WrongCodec: NoAudio' : 'WrongCodec: OtherLaw',
    ])
  })
})
