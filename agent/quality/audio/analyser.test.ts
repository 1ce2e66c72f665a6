/** Calls whose audio is known: what is measured of them, and which finding they get. */
import { describe, expect, test } from 'vitest'
import { metrics as registry } from '../../../crds/index.ts'
import { seededRandom } from '../../../lib/random.ts'
import { AudioAnalyser, type AudioReport } from '../index.ts'
import {
  type Law,
  decode,
  delayed,
  gained,
  mixed,
  music,
  noise,
  otherLaw,
  speech,
  throughG711,
  tone,
} from './signals.fixture.ts'

const FORMATS = {
  PCMU: { sampleRate: 8000, codingDelay: 0, largest: 32_124, otherLaw: otherLaw('PCMU') },
  PCMA: { sampleRate: 8000, codingDelay: 0, largest: 32_256, otherLaw: otherLaw('PCMA') },
  G722: { sampleRate: 16_000, codingDelay: 1.375, largest: 32_767 },
  opus: { sampleRate: 48_000, codingDelay: 6.5, largest: 32_767 },
}
const START = 90_000

interface Call {
  format?: keyof typeof FORMATS
  sent?: Int16Array
  loss?: number
  otherPayloadType?: number
  undecodable?: number
}

/** Packets of 20 ms both ways; a network that takes no time. */
function analyse(heard: Int16Array, options: Call = {}): AudioReport {
  const { format = 'PCMU', sent = new Int16Array(0), loss = 0, otherPayloadType = 0, undecodable = 0 } = options
  const { sampleRate } = FORMATS[format]
  const analyser = new AudioAnalyser(FORMATS[format], START)
  const random = seededRandom(heard.length)
  const size = sampleRate / 50
  const packets = Math.floor(Math.max(heard.length, sent.length) / size)
  for (let packet = 0; packet < packets; packet++) {
    const [position, at] = [packet * size, START + 20 * packet]
    if (position < sent.length) analyser.sent(at, position, sent.subarray(position, position + size))
    if (position >= heard.length || random() < loss) continue
    analyser.heard(at, position, heard.subarray(position, position + size))
  }
  return analyser.report(START + 20 * packets, { audio: packets, otherPayloadType, undecodable })
}

const named = ({ findings }: AudioReport) => findings.map(({ finding, reason }) => `${finding}: ${reason}`)
const LAWS: readonly Law[] = ['PCMA', 'PCMU']

describe('speech', () => {
  test('has all metrics of the audio group, in their units, and no finding', () => {
    const talk = speech({ seed: 1, seconds: 10, noise: -60 })
    const echoed = gained(delayed(talk, 1200), -6)
    const { metrics, findings, echo } = analyse(throughG711(echoed, 'PCMU'), { sent: talk, loss: 0.02 })
    expect(findings).toEqual([])
    expect(echo.kind).toBe('Found')
    expect(Object.keys(metrics).toSorted()).toEqual(
      [
        ...['audioLevel', 'clipping', 'echoDelay', 'echoLoss', 'noiseLevel', 'oneWayAudio', 'rms', 'signalLevel'],
        ...['silence', 'speechActivity'],
      ].toSorted(),
    )
    expect(metrics.echoDelay).toBeCloseTo(150, 0)
    expect(metrics.echoLoss).toBeCloseTo(6, 0)
    expect(metrics.oneWayAudio).toBe(0)
    expect(metrics.audioLevel).toBeGreaterThan(-36)
    expect(metrics.audioLevel).toBeLessThan(-30)
    expect(metrics.noiseLevel).toBeLessThan(-60)
    expect(metrics.speechActivity).toBeGreaterThan(50)
    expect(metrics.clipping).toBe(0)
    for (const key of ['audioLevel', 'rms', 'signalLevel', 'noiseLevel'] as const) {
      expect(registry[key].unit).toBe('dBov')
      expect(metrics[key]).toBeLessThanOrEqual(0)
    }
  })

  test('of 200 talkers, levels, noises, losses and codecs has no finding of the ear, and no echo', () => {
    const wrong: string[] = []
    const talkers = Array.from({ length: 20 }, (_, seed) => speech({ seed: 100 + seed, seconds: 4, noise: -127 }))
    const sent = speech({ seed: 99, seconds: 4 })
    for (let variation = 0; variation < 200; variation++) {
      const random = seededRandom(variation)
      const law = variation % 2 === 0 ? 'PCMA' : 'PCMU'
      const level = -30 + 40 * random()
      const below = noise(variation, 4, Math.min(-30, -26 + level - 6 - 40 * random()))
      const talk = mixed(gained(talkers[variation % 20] ?? sent, level), below)
      // The correlation costs most: a tenth of them looks for an echo too.
      const own = variation % 10 === 0 ? { sent } : {}
      const report = analyse(throughG711(talk, law), { format: law, loss: 0.1 * random(), ...own })
      if (report.findings.length > 0 || report.echo.kind === 'Found') {
        wrong.push(`${variation}: ${named(report).join()} ${report.echo.kind} at ${level}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test.each(['G722', 'opus'] as const)(
    'at the rate of %s has the levels and the echo that it has at 8 kHz',
    (format) => {
      const { sampleRate } = FORMATS[format]
      const talk = speech({ seed: 5, seconds: 6, rate: sampleRate, noise: -70 })
      const { metrics, findings } = analyse(gained(delayed(talk, sampleRate / 4), -10), {
        format,
        sent: talk,
        loss: 0.05,
      })
      expect(findings).toEqual([])
      expect(metrics.echoDelay).toBeCloseTo(250 - FORMATS[format].codingDelay, 0)
      expect(metrics.echoLoss).toBeCloseTo(10, 0)
      expect(Math.abs((metrics.audioLevel ?? 0) - -37)).toBeLessThan(2)
    },
  )
})

describe('what is no speech has its finding', () => {
  test.each(LAWS)('silence by %s', (law) => {
    const silence = throughG711(new Int16Array(40_000), law)
    const report = analyse(silence, { format: law, loss: 0.05 })
    expect(named(report)).toEqual(['SilentMedia: BelowSilence'])
    expect(report.metrics).toMatchObject({ silence: 100, speechActivity: 0, oneWayAudio: 5000 })
    expect(report.metrics.signalLevel).toBeUndefined()
    const clicks = silence.slice()
    clicks.fill(5000, 20_000, 20_400)
    expect(named(analyse(clicks, { format: law }))).toEqual(['SilentMedia: BelowSilence'])
  })

  test.each([-15, -26, -40, -55, -60])('white noise at %i dBov, and below an octave of it', (level) => {
    for (const law of LAWS) {
      const white = noise(3, 5, level)
      const report = analyse(throughG711(white, law), { format: law, loss: 0.05 })
      expect(named(report)).toEqual(['NoiseOnly: SteadyNoise'])
      expect(report.metrics.noiseLevel).toBeCloseTo(level, 0)
      expect(report.metrics).toMatchObject({ speechActivity: 0 })
      const low = white.map((_, index) => white.subarray(Math.max(0, index - 8), index).reduce((a, b) => a + b, 0) / 3)
      expect(named(analyse(throughG711(low, law), { format: law }))).toEqual(['NoiseOnly: SteadyNoise'])
    }
  })

  test('noise that is spread evenly, as quantisation noise is', () => {
    for (const amplitude of [60, 600, 4000, 20_000]) {
      const random = seededRandom(amplitude)
      const even = Int16Array.from({ length: 40_000 }, () => Math.round(amplitude * (2 * random() - 1)))
      expect(named(analyse(throughG711(even, 'PCMU')))).toEqual(['NoiseOnly: SteadyNoise'])
    }
  })

  test('noise that is cut off', () => {
    for (const level of [-6, 0, 6, 12]) {
      const cut = noise(level + 20, 5, level).map((sample) => Math.max(-8000, Math.min(8000, sample)))
      for (const loud of [noise(level + 40, 5, level), cut]) {
        expect(analyse(throughG711(loud, 'PCMU')).findings.map(({ finding }) => finding)).not.toContain('WrongCodec')
      }
    }
  })

  test.each([
    ['a test tone', tone([1004], 5, -16), 1004],
    ['a busy tone', tone([425], 8, -20, { on: 0.5, off: 0.5 }), 425],
    ['a ringing tone', tone([425], 15, -20, { on: 1, off: 4 }), 425],
    ['a dial tone in noise', mixed(tone([350], 5, -16), noise(1, 5, -40)), 350],
  ] as const)('%s', (_, samples, frequency) => {
    const { findings } = analyse(throughG711(samples, 'PCMA'), { format: 'PCMA', loss: 0.02 })
    expect(findings).toMatchObject([{ finding: 'StuckTone', reason: 'SteadyTone' }])
    expect(Math.abs((findings[0]?.evidence['frequency'] ?? 0) - frequency)).toBeLessThan(4)
  })

  test('all the same when only every second packet came', () => {
    const half = (samples: Int16Array) => {
      const analyser = new AudioAnalyser(FORMATS.PCMU, START)
      for (let position = 0; position < samples.length; position += 320) {
        analyser.heard(START + position / 8, position, samples.subarray(position, position + 160))
      }
      return named(analyser.report(START + 8000, { audio: 200, otherPayloadType: 0, undecodable: 0 }))
    }
    expect(half(noise(1, 8, -30))).toEqual(['NoiseOnly: SteadyNoise'])
    expect(half(new Int16Array(64_000))).toEqual(['SilentMedia: BelowSilence'])
    expect(half(speech({ seed: 1, seconds: 8 }))).toEqual([])
  })

  test('a tone of two frequencies', () => {
    const both = throughG711(tone([440, 480], 18, -18, { on: 2, off: 4 }), 'PCMU')
    expect(named(analyse(both))).toEqual(['StuckTone: SteadyTone'])
  })

  test('music, digits and speech in noise have none', () => {
    const digits = Int16Array.from({ length: 5 }, (_, digit) => digit).reduce((all, digit) => {
      all.set(tone([697 + 77 * digit, 1209 + 134 * digit], 1, -14), 8000 * digit)
      return all
    }, new Int16Array(40_000))
    for (const samples of [music(4, 6), digits, mixed(speech({ seed: 4, seconds: 6 }), noise(4, 6, -26))]) {
      expect(named(analyse(throughG711(samples, 'PCMU')))).toEqual([])
    }
  })
})

describe('our own sound that comes back has none', () => {
  test('a tone of the same frequency; another one has', () => {
    const sent = tone([1004], 5, -16)
    expect(named(analyse(throughG711(sent, 'PCMU'), { sent }))).toEqual([])
    expect(named(analyse(tone([425], 5, -16), { sent }))).toEqual(['StuckTone: SteadyTone'])
  })

  test('noise that is an echo; other noise has', () => {
    const sent = noise(1, 5, -30)
    expect(named(analyse(throughG711(delayed(sent, 800), 'PCMU'), { sent }))).toEqual([])
    expect(named(analyse(noise(2, 5, -30), { sent }))).toEqual(['NoiseOnly: SteadyNoise'])
  })
})

describe('a wrong codec', () => {
  test.each([
    ['PCMA', 'PCMU'],
    ['PCMU', 'PCMA'],
  ] as const)('%s decoded as %s: speech, music, a tone, noise', (encoder, decoder) => {
    const wrong = (samples: Int16Array) => named(analyse(throughG711(samples, encoder, decoder), { format: decoder }))
    for (let seed = 1; seed <= 20; seed++) {
      expect(wrong(gained(speech({ seed, seconds: 6 }), 5 - seed))).toEqual(['WrongCodec: OtherLaw'])
    }
    expect(wrong(music(2, 6))).toEqual(['WrongCodec: OtherLaw'])
    expect(wrong(tone([1004], 6, -16))).toEqual(['WrongCodec: OtherLaw'])
    expect(wrong(noise(2, 6, -26))).toEqual(['WrongCodec: NoAudio'])
  })

  test.each(LAWS)('octets without pattern, as of Opus or of SRTP, decoded as %s', (law) => {
    const random = seededRandom(8)
    const octets = Uint8Array.from({ length: 40_000 }, () => Math.floor(256 * random()))
    expect(named(analyse(decode(law, octets), { format: law, loss: 0.05 }))).toEqual(['WrongCodec: NoAudio'])
  })

  test('by the packets: another payload type, or none that can be decoded', () => {
    const none = new Int16Array(0)
    const sent = new Int16Array(40_000)
    expect(named(analyse(none, { sent, otherPayloadType: 240 }))).toContain('WrongCodec: OtherPayloadType')
    expect(named(analyse(none, { sent, undecodable: 200 }))).toContain('WrongCodec: Undecodable')
    const talk = speech({ seed: 3, seconds: 5 })
    expect(named(analyse(talk, { otherPayloadType: 100, undecodable: 20 }))).toEqual([])
  })
})

describe('one-way audio', () => {
  const talk = speech({ seed: 6, seconds: 8 })

  test('nothing came: it has no level and no echo, and that is the finding', () => {
    const { metrics, findings, levels } = analyse(new Int16Array(0), { sent: talk })
    expect(findings).toMatchObject([{ finding: 'OneWayAudio', reason: 'NothingArrived', evidence: { ours: 8000 } }])
    expect(metrics).toEqual({ oneWayAudio: 8000 })
    expect(levels).toBeUndefined()
  })

  test('it stopped half-way', () => {
    const { metrics, findings } = analyse(talk.subarray(0, 32_000), { sent: speech({ seed: 7, seconds: 8 }) })
    expect(findings).toMatchObject([{ finding: 'OneWayAudio', reason: 'NothingArrived' }])
    expect(Math.abs((metrics.oneWayAudio ?? 0) - 4000)).toBeLessThan(50)
  })

  test('the far side reports that it hears nothing', () => {
    const analyser = new AudioAnalyser(FORMATS.PCMU, START)
    for (let packet = 0; packet < 400; packet++) {
      analyser.heard(START + 20 * packet, 160 * packet, talk.subarray(160 * packet, 160 * (packet + 1)))
    }
    analyser.reported(START + 2500, undefined)
    analyser.reported(START + 7500, undefined)
    const { metrics, findings, oneWay } = analyser.report(START + 8000, {
      audio: 400,
      otherPayloadType: 0,
      undecodable: 0,
    })
    expect(findings).toMatchObject([{ finding: 'OneWayAudio', reason: 'NoProgress', evidence: { theirs: 7500 } }])
    expect(metrics.oneWayAudio).toBe(7500)
    expect(oneWay.basis).toBe('ReceiverReports')
  })

  test('packets that hold no audio count as arrived, and unproven is not measured', () => {
    const analyser = new AudioAnalyser(FORMATS.PCMU, START)
    for (let at = 0; at <= 8000; at += 1000) analyser.arrived(START + at)
    const { metrics, findings } = analyser.report(START + 8000, { audio: 0, otherPayloadType: 0, undecodable: 0 })
    expect([metrics, findings]).toEqual([{}, []])
  })
})

test('knows the sample rates of codecs only', () => {
  expect(() => new AudioAnalyser({ sampleRate: 44_100, codingDelay: 0, largest: 32_767 }, 0)).toThrow(RangeError)
})
