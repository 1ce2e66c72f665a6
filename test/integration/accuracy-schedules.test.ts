/** Loss, order, duplicates and jitter of 200 random streams in simulated time: the agent's statistics against the record of the schedule. */
import { describe, expect, test } from 'vitest'
import { ReceiveStatistics } from '../../agent/quality/index.ts'
import { seededRandom } from '../../lib/random.ts'
import { randomStream, type Stream } from '../lab/impairment-cases.ts'
import { PassageRecord, readRecord, type RtpPassage } from '../lab/impairment-record.ts'
import { drawJitter, type GilbertElliott, type Jitter, Schedule, stationaryLoss } from '../lab/impairment-schedule.ts'
import { truthOf } from '../lab/impairment-truth.ts'

const STREAMS = 200

const PLAYS_AT_ONCE = { mode: 'Fixed', delay: 0 } as const
const ADAPTIVE = { mode: 'Adaptive', delay: 60 } as const

/** What the agent measures when the copies arrive as they left the relay. */
function measured({ passages, clockRate }: Stream, jitterBuffer: typeof PLAYS_AT_ONCE | typeof ADAPTIVE = ADAPTIVE) {
  const statistics = new ReceiveStatistics({ clockRate, jitterBuffer })
  const arrivals = passages.flatMap((passage) => passage.departures.map((at) => ({ ...passage, at, timed: true })))
  for (const arrival of arrivals.toSorted((one, other) => one.at - other.at)) statistics.receive(arrival.at, arrival)
  return statistics.summary()
}

describe('200 random streams, packet for packet', () => {
  const streams = Array.from({ length: STREAMS }, (_, index) => randomStream(seededRandom(index + 1)))
  const truths = streams.map(({ passages, clockRate }) => truthOf(passages, clockRate))

  test('are of every kind', () => {
    const having = (holds: (stream: Stream, index: number) => boolean) => streams.filter(holds).length
    expect(having((_, index) => (truths[index]?.ssrcSwitches ?? 0) > 0)).toBeGreaterThan(50)
    expect(having((_, index) => (truths[index]?.sequenceResets ?? 0) > 0)).toBeGreaterThan(30)
    expect(having((_, index) => (truths[index]?.outOfOrder ?? 0) > 100)).toBeGreaterThan(50)
    expect(having((_, index) => (truths[index]?.duplicates ?? 0) > 50)).toBeGreaterThan(50)
    expect(having((_, index) => (truths[index]?.longestLossRun ?? 0) > 10)).toBeGreaterThan(10)
    const wraps = ({ passages }: Stream) =>
      passages.some(
        ({ sequenceNumber }, index) => sequenceNumber === 0 && passages[index - 1]?.sequenceNumber === 0xffff,
      )
    expect(having(wraps)).toBeGreaterThan(150)
  })

  test('lost, duplicates, out of order, the longest run and jitter equal the record', () => {
    for (const [index, stream] of streams.entries()) {
      const summary = measured(stream)
      const { jitter, finalJitter, ...counts } = truths[index] ?? truthOf([], 1)
      expect(summary, `seed ${index + 1}`).toMatchObject(counts)
      expect(summary.jitter, `seed ${index + 1}`).toBeCloseTo(jitter, 6)
      expect(summary.finalJitter, `seed ${index + 1}`).toBeCloseTo(finalJitter, 6)
    }
  })

  test('what comes too late to be played, or twice, changes nothing about loss', () => {
    for (const [index, stream] of streams.entries()) {
      const { lost, expected } = truths[index] ?? truthOf([], 1)
      const late = measured(stream, PLAYS_AT_ONCE)
      expect([late.lost, late.expected], `seed ${index + 1}`).toEqual([lost, expected])
      expect(late.missing).toBeGreaterThanOrEqual(lost)
      const once = stream.passages.map((passage) => ({
        ...passage,
        departures: passage.departures.length === 2 ? [Math.min(...passage.departures)] : passage.departures,
      }))
      const single = measured({ ...stream, passages: once })
      expect([single.lost, single.expected, single.duplicates], `seed ${index + 1}`).toEqual([lost, expected, 0])
    }
  })
})

describe('the truth', () => {
  const passage = (sequenceNumber: number, ...departures: number[]): RtpPassage => ({
    ...{ ssrc: 1, sequenceNumber, timestamp: (sequenceNumber * 160) >>> 0, arrivedAt: 0, departures },
  })

  test('of a few packets, by hand', () => {
    const passages = [
      passage(65_534, 0),
      passage(65_535),
      { ...passage(0, 40), timestamp: 65_536 * 160 },
      { ...passage(1, 100, 101), timestamp: 65_537 * 160 },
      { ...passage(2, 80), timestamp: 65_538 * 160 },
      { ...passage(3), timestamp: 65_539 * 160 },
    ]
    expect(truthOf(passages, 8000)).toMatchObject({
      ...{ packets: 5, expected: 5, lost: 1, duplicates: 1, outOfOrder: 1, longestLossRun: 1 },
      ...{ sequenceResets: 0, ssrcSwitches: 0 },
    })
    // D: 0, 0, 40 (100 - 80 + 20), 1
    const third = 40 / 16
    const fourth = third + (1 - third) / 16
    expect(truthOf(passages, 8000).jitter).toBeCloseTo((third + fourth) / 4, 9)
    expect(truthOf(passages, 8000).finalJitter).toBeCloseTo(fourth, 9)
    // What had not come by then is lost by then.
    expect(truthOf(passages, 8000, 3)).toMatchObject({ packets: 3, expected: 5, lost: 2, outOfOrder: 0 })
  })
})

describe('a schedule', () => {
  const draws = (count: number, draw: () => number) => Array.from({ length: count }, draw)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const deviation = (values: readonly number[]) => {
    const middle = mean(values)
    return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)))
  }

  test.each<[string, number | Jitter, number, number]>([
    ['uniform', 30, 15, 30 / Math.sqrt(12)],
    ['normal', { kind: 'Normal', mean: 100, deviation: 7 }, 100, 7],
    ['gamma', { kind: 'Gamma', shape: 3, scale: 4 }, 12, 4 * Math.sqrt(3)],
    ['gamma of a small shape', { kind: 'Gamma', shape: 0.5, scale: 4 }, 2, 4 * Math.sqrt(0.5)],
  ])('has the mean and the deviation of its jitter: %s', (_, jitter, wantedMean, wantedDeviation) => {
    const random = seededRandom(3)
    const values = draws(40_000, () => drawJitter(jitter, random))
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(mean(values) / wantedMean).toBeCloseTo(1, 1)
    expect(deviation(values) / wantedDeviation).toBeCloseTo(1, 1)
  })

  test('has spikes as often and as high as it says', () => {
    const random = seededRandom(4)
    const spikes: Jitter = { kind: 'Spikes', share: 0.1, least: 20, shape: 3, most: 1e9 }
    const values = draws(40_000, () => drawJitter(spikes, random)).filter((value) => value > 0)
    expect(values.length / 40_000).toBeCloseTo(0.1, 2)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(20)
    expect(mean(values) / 30).toBeCloseTo(1, 1)
    expect(draws(1000, () => drawJitter({ ...spikes, share: 1, most: 25 }, random)).every((value) => value <= 25)).toBe(
      true,
    )
  })

  test.each<GilbertElliott>([
    { toBad: 0.02, toGood: 0.3, lossInGood: 0, lossInBad: 1 },
    { toBad: 0.1, toGood: 0.2, lossInGood: 0, lossInBad: 0.5 },
  ])('loses in the long run what its bursts add up to, in runs of their length: %j', (loss) => {
    const schedule = new Schedule({ loss }, seededRandom(5))
    const lost = Array.from({ length: 100_000 }, () => schedule.next().length === 0)
    const share = lost.filter(Boolean).length / lost.length
    expect(share / stationaryLoss(loss)).toBeCloseTo(1, 1)
    const runs = lost.filter((each, index) => each && !lost[index - 1]).length
    // A run goes on while the state stays and loses the next one as well.
    expect((share * lost.length) / runs / (1 / (1 - (1 - loss.toGood) * loss.lossInBad))).toBeCloseTo(1, 1)
  })

  test('is the same from the same seed, and doubles and holds back the share that it says', () => {
    const impairment = { loss: 0.1, duplication: 0.2, delay: 10, reordering: { share: 0.3, delay: 50 } }
    const taken = (seed: number) => {
      const schedule = new Schedule(impairment, seededRandom(seed))
      return Array.from({ length: 20_000 }, () => schedule.next())
    }
    const all = taken(6)
    expect(taken(6)).toEqual(all)
    expect(taken(7)).not.toEqual(all)
    const arrived = all.filter(({ length }) => length > 0)
    expect(arrived.length / all.length).toBeCloseTo(0.9, 1)
    expect(arrived.filter(({ length }) => length === 2).length / arrived.length).toBeCloseTo(0.2, 1)
    expect(new Set(all.flat())).toEqual(new Set([10, 60]))
    expect(all.flat().filter((delay) => delay === 60).length / all.flat().length).toBeCloseTo(0.3, 1)
  })
})

test('a record is read as it was written, however long', () => {
  const record = new PassageRecord()
  const { passages } = randomStream(seededRandom(8))
  const many = [...passages, ...passages, ...passages]
  for (const { departures, ...coming } of many) {
    const row = record.add({ kind: 'Rtp', port: 40_000, ...coming })
    for (const at of departures) record.depart(row, at)
  }
  expect(readRecord(record.octets())).toEqual(many.map((passage) => ({ kind: 'Rtp', port: 40_000, ...passage })))
})
