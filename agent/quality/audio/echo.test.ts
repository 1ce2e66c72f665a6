/** Echoes of known delay and loss, and sounds that are none. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { type Echo, findEcho } from './echo.ts'
import { Recording } from './recording.ts'
import { delayed, gained, mixed, music, noise, speech, throughG711, tone } from './signals.fixture.ts'

const PACKET = 160

interface Way {
  /** Share of the packets that are lost, and the seed that says which. */
  loss?: number
  seed?: number
  /** Clock.monotonic of the first packet, and how much later each one is, milliseconds. */
  at?: number
  late?: (packet: number) => number
}

function recording(samples: Int16Array, { loss = 0, seed = 1, at = 70_000.3, late = () => 0 }: Way = {}): Recording {
  const random = seededRandom(seed)
  const recorded = new Recording(22.5)
  for (let position = 0; position + PACKET <= samples.length; position += PACKET) {
    if (random() < loss) continue
    recorded.add(at + position / 8 + late(position / PACKET), position, samples.subarray(position, position + PACKET))
  }
  return recorded
}

function found(echo: Echo): Extract<Echo, { kind: 'Found' }> {
  if (echo.kind === 'Absent') throw new Error(`no echo: ${echo.reason}`)
  return echo
}

const talk = speech({ seed: 1, seconds: 10 })

describe('an echo has its delay and its loss', () => {
  test.each([0, 1, 60, 250, 999.875, 2000, 2499])('%d ms, with 5 %% loss on the way back', (delay) => {
    const heard = gained(delayed(talk, Math.round(8 * delay)), -15)
    const echo = found(findEcho(recording(talk), recording(throughG711(heard, 'PCMU'), { loss: 0.05 })))
    expect(Math.abs(echo.delay - delay)).toBeLessThan(1)
    expect(Math.abs(echo.loss - 15)).toBeLessThan(0.3)
  })

  test('whatever the talker, the delay, the loss of packets and of level', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9999 }),
        fc.integer({ min: 0, max: 16_000 }),
        fc.integer({ min: 0, max: 35 }),
        fc.double({ min: 0, max: 0.05, noNaN: true }),
        (seed, delay, weaker, loss) => {
          const sent = speech({ seed, seconds: 6 })
          const heard = throughG711(gained(delayed(sent, delay), -weaker), 'PCMA')
          const echo = found(findEcho(recording(sent), recording(heard, { loss, seed })))
          expect(Math.abs(echo.delay - delay / 8)).toBeLessThan(1)
          expect(Math.abs(echo.loss - weaker)).toBeLessThan(0.5)
        },
      ),
      { numRuns: 20, seed: 4 },
    )
  })

  test.each([
    ['the first packet of what was sent', 'sent'],
    ['the first packet of what was heard', 'heard'],
  ])('when %s was late', (_name, which) => {
    const late = { late: (packet: number) => (packet === 0 ? 90 : 0) }
    const [sent, heard] = [recording(talk, which === 'sent' ? late : {}), delayed(talk, 16)]
    const echo = found(findEcho(sent, recording(heard, which === 'heard' ? late : {})))
    expect(Math.abs(echo.delay - 2)).toBeLessThan(1)
    expect(Math.abs(echo.loss)).toBeLessThan(0.3)
  })

  test('of noise, of music, and upside down', () => {
    for (const sent of [noise(3, 6, -26), music(3, 6)]) {
      const echo = found(findEcho(recording(sent), recording(gained(delayed(sent, 1600), -12), { loss: 0.05 })))
      expect(echo.delay).toBeCloseTo(200, 0)
      expect(echo.loss).toBeCloseTo(12, 0)
    }
    const upside = delayed(talk, 1600).map((sample) => -sample)
    expect(found(findEcho(recording(talk), recording(upside))).delay).toBeCloseTo(200, 0)
  })

  test('below somebody else who speaks', () => {
    const other = speech({ seed: 2, seconds: 10 })
    const heard = mixed(other, gained(delayed(talk, 2400), -20))
    const echo = found(findEcho(recording(talk), recording(heard, { loss: 0.05 })))
    expect(echo.delay).toBeCloseTo(300, 0)
    expect(Math.abs(echo.loss - 20)).toBeLessThan(1.5)
  })

  test('when it is not the wave that comes back, but what a codec makes of it', () => {
    // Noise that follows the signal 10 dB below it, and a loss of the highest octave.
    const random = seededRandom(9)
    const coded = delayed(talk, 800).map((sample, index, all) =>
      Math.round(((sample + (all[index - 1] ?? 0)) / 2) * (1 + 0.6 * (random() - 0.5) * 2)),
    )
    const echo = found(findEcho(recording(talk), recording(coded, { loss: 0.05 })))
    expect(Math.abs(echo.delay - 100)).toBeLessThan(1)
    expect(Math.abs(echo.loss)).toBeLessThan(1.5)
  })

  test('on average over packets that come early and late', () => {
    const random = seededRandom(5)
    const heard = recording(delayed(talk, 160), { at: 70_100.3, late: () => 30 * random() })
    expect(Math.abs(found(findEcho(recording(talk), heard)).delay - 135)).toBeLessThan(1.5)
  })

  test('also when the positions of the stream jump, as they do with another source', () => {
    const heard = new Recording(22.5)
    const back = delayed(talk, 800)
    for (let position = 0; position < back.length; position += PACKET) {
      const jumped = position < back.length / 2 ? position : position + 7_654_321
      heard.add(70_000.3 + position / 8, jumped, back.subarray(position, position + PACKET))
    }
    expect(found(findEcho(recording(talk), heard)).delay).toBeCloseTo(100, 0)
  })

  test('in the last 20 s of a long call', () => {
    const long = speech({ seed: 8, seconds: 40 })
    const changing = delayed(long, 800)
    changing.set(delayed(long, 1600).subarray(15 * 8000), 15 * 8000)
    expect(found(findEcho(recording(long), recording(changing))).delay).toBeCloseTo(200, 0)
  })
})

describe('what is no echo is absent, with the reason', () => {
  test('somebody else who speaks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9999 }), (seed) => {
        const other = speech({ seed: seed + 10_000, seconds: 6 })
        const echo = findEcho(recording(speech({ seed, seconds: 6 })), recording(other, { loss: 0.02 }))
        expect(echo).toMatchObject({ kind: 'Absent', reason: 'NotFound' })
      }),
      { numRuns: 20, seed: 7 },
    )
  })

  test.each([
    ['NotFound', 'noise', noise(1, 6, -26)],
    ['NotFound', 'music', music(1, 6)],
    ['NotFound', 'a tone', tone([425], 6, -16)],
    ['NotFound', 'a busy tone', tone([425], 6, -16, { on: 0.5, off: 0.5 })],
    ['NothingHeard', 'silence', new Int16Array(48_000)],
    ['NothingHeard', 'the smallest code word of A-law', new Int16Array(48_000).fill(8)],
    ['TooShort', 'a second', talk.subarray(0, 8000)],
    ['TooShort', 'nothing', new Int16Array(0)],
  ] as const)('%s: %s', (reason, _, heard) => {
    expect(findEcho(recording(talk), recording(heard))).toMatchObject({ kind: 'Absent', reason })
  })

  test('what has no one delay: a tone, steady or not, and a loop of half a second', () => {
    for (const sent of [tone([1004], 6, -16), tone([350, 440], 6, -16), tone([425], 6, -16, { on: 0.5, off: 0.5 })]) {
      expect(findEcho(recording(sent), recording(delayed(sent, 800)))).toEqual({
        kind: 'Absent',
        reason: 'SentRepeats',
      })
    }
    const beat = noise(1, 0.5, -26)
    const loop = Int16Array.from({ length: 48_000 }, (_, index) => beat[index % beat.length] ?? 0)
    expect(findEcho(recording(loop), recording(delayed(loop, 800)))).toMatchObject({ reason: 'Ambiguous' })
  })

  test('silence that was sent', () => {
    expect(findEcho(recording(new Int16Array(48_000)), recording(talk))).toMatchObject({ reason: 'NothingSent' })
    expect(findEcho(recording(new Int16Array(0)), recording(talk))).toMatchObject({ reason: 'TooShort' })
  })

  test('two echoes that are as loud', () => {
    const heard = mixed(delayed(talk, 800), delayed(talk, 4000))
    expect(findEcho(recording(talk), recording(heard))).toMatchObject({ kind: 'Absent', reason: 'Ambiguous' })
  })

  test('an echo later than 2,500 ms', () => {
    expect(findEcho(recording(talk), recording(delayed(talk, 24_000)))).toMatchObject({ reason: 'NotFound' })
  })
})
