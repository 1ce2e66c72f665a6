/** What is measured of a received stream, against schedules whose truth is known. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../lib/random.ts'
import { ReceiveStatistics } from './receive-statistics.ts'

const OPTIONS = { clockRate: 8000, jitterBuffer: { mode: 'Fixed', delay: 60 } } as const

/** 20 ms packets with extended numbers, in this order of arrival; each arrives 20 ms after the one before. */
function receive(statistics: ReceiveStatistics, numbers: readonly number[], ssrc = 1, from = 0): void {
  for (const [index, number] of numbers.entries()) {
    const packet = { ssrc, sequenceNumber: number & 0xffff, timestamp: (number * 160) >>> 0, timed: true }
    statistics.receive(from + index * 20, packet)
  }
}

function measured(numbers: readonly number[]) {
  const statistics = new ReceiveStatistics(OPTIONS)
  receive(statistics, numbers)
  return statistics.summary()
}

describe('loss', () => {
  test('is absent from a whole stream that wraps', () => {
    expect(measured([65534, 65535, 65536, 65537])).toMatchObject({
      packets: 4,
      expected: 4,
      lost: 0,
      duplicates: 0,
      outOfOrder: 0,
      longestLossRun: 0,
    })
  })

  test('counts what never arrived; duplicates and late packets do not lower it', () => {
    expect(measured([10, 11, 11, 11, 14, 13, 19])).toMatchObject({
      packets: 7,
      expected: 10,
      lost: 5,
      duplicates: 2,
      outOfOrder: 1,
      longestLossRun: 4,
    })
  })

  test('a packet from before the first one is out of order and outside of the count', () => {
    expect(measured([10, 8, 11])).toMatchObject({ expected: 2, lost: 0, outOfOrder: 1, packets: 3 })
  })

  test('equals the truth for every schedule of loss, reorder and duplication, across the wrap', () => {
    const schedule = fc.record({
      start: fc.integer({ min: 0, max: 0xffff }),
      packets: fc.array(
        fc.record({
          lost: fc.boolean(),
          // Positions by which the packet comes later; some beyond what RFC 3550 calls misordered.
          shift: fc.oneof(
            { weight: 5, arbitrary: fc.constant(0) },
            { weight: 2, arbitrary: fc.integer({ min: 1, max: 8 }) },
            { weight: 1, arbitrary: fc.integer({ min: 100, max: 300 }) },
          ),
          copies: fc.integer({ min: 1, max: 3 }),
        }),
        { minLength: 1, maxLength: 600 },
      ),
    })
    fc.assert(
      fc.property(schedule, ({ start, packets }) => {
        const sent = packets.flatMap((packet, index) =>
          packet.lost
            ? []
            : Array.from({ length: packet.copies }, (_, copy) => ({
                number: start + index,
                at: index + packet.shift + copy * 3,
              })),
        )
        const numbers = sent.toSorted((one, other) => one.at - other.at).map((packet) => packet.number)
        const first = numbers[0]
        if (first === undefined) return
        const highest = Math.max(...numbers)
        const arrived = new Set(numbers)
        const holes = Array.from({ length: highest - first + 1 }, (_, index) => !arrived.has(first + index))
        const runs = holes
          .map((hole) => (hole ? 'x' : ' '))
          .join('')
          .split(' ')
          .map((run) => run.length)
        expect(measured(numbers)).toMatchObject({
          packets: numbers.length,
          expected: highest - first + 1,
          lost: holes.filter(Boolean).length,
          duplicates: numbers.length - arrived.size,
          outOfOrder: [...arrived].filter((number) => Math.max(...numbers.slice(0, numbers.indexOf(number))) > number)
            .length,
          longestLossRun: Math.max(0, ...runs),
          sequenceResets: 0,
        })
      }),
      { numRuns: 200 },
    )
  })

  test('is exact over more packets than the window holds', () => {
    const numbers = Array.from({ length: 100_000 }, (_, index) => index).filter(
      (number) => number % 10 !== 5 && (number < 50_000 || number > 52_000),
    )
    const { lost, expected, longestLossRun, missing } = measured(numbers)
    expect([expected, lost, longestLossRun]).toEqual([100_000, 100_000 - numbers.length, 2001])
    expect(missing).toBeGreaterThanOrEqual(lost)
  })
})

describe('a sender that begins anew', () => {
  test('with other sequence numbers is a reset, not loss', () => {
    expect(measured([1, 2, 30_000, 30_001, 30_002])).toMatchObject({
      packets: 5,
      expected: 5,
      lost: 0,
      sequenceResets: 1,
    })
  })

  test('a single stray packet changes nothing', () => {
    expect(measured([1, 2, 30_000, 3, 4])).toMatchObject({ packets: 4, expected: 4, lost: 0, sequenceResets: 0 })
  })

  test('with another SSRC is a switch; loss counts within each source', () => {
    const statistics = new ReceiveStatistics(OPTIONS)
    receive(statistics, [1, 2, 4], 1)
    receive(statistics, [700, 701, 704], 2, 60)
    expect(statistics.summary()).toMatchObject({ packets: 6, expected: 9, lost: 3, ssrcSwitches: 1 })
    expect(statistics.reception()).toMatchObject({ ssrc: 2, extendedHighest: 704 })
  })

  test('the source that was replaced does not alternate with its successor, and counts for a second more', () => {
    const statistics = new ReceiveStatistics(OPTIONS)
    receive(statistics, [1, 2, 3], 1)
    for (let index = 0; index < 200; index++) {
      receive(statistics, [100 + index], 2, 100 + index * 20)
      receive(statistics, [4 + index], 1, 101 + index * 20)
    }
    // The second packet of source 2 came at 120 ms; source 1 counts up to 1120 ms.
    expect(statistics.summary()).toMatchObject({ packets: 3 + 200 + 51, lost: 0, ssrcSwitches: 1 })
    receive(statistics, [500, 501], 1, 9000)
    expect(statistics.summary()).toMatchObject({ ssrcSwitches: 2, lost: 0 })
  })

  test('what was on its way when the source changed still fills its place', () => {
    const statistics = new ReceiveStatistics(OPTIONS)
    const arrive = (ssrc: number, number: number, at: number) => receive(statistics, [number], ssrc, at)
    arrive(1, 97, 0)
    arrive(1, 98, 20)
    arrive(2, 700, 40)
    arrive(2, 700, 41)
    arrive(1, 100, 45)
    arrive(2, 702, 60)
    arrive(1, 99, 65)
    arrive(1, 101, 66)
    arrive(2, 701, 70)
    expect(statistics.summary()).toMatchObject({
      packets: 9,
      expected: 8,
      lost: 0,
      duplicates: 1,
      outOfOrder: 2,
      ssrcSwitches: 1,
      interarrival: { min: 1, max: 25 },
      duration: 70,
    })
  })

  test.each([
    { changes: 'the source', ssrc: 1, numbers: 0 },
    { changes: 'the sequence numbers', ssrc: 0, numbers: 20_000 },
    { changes: 'both', ssrc: 1, numbers: 20_000 },
  ])('at random, over a lossy network: when $changes changes, the sum of the counts is the truth', (step) => {
    const stream = fc.array(
      fc.record({ lost: fc.boolean(), shift: fc.integer({ min: 0, max: 9 }), copies: fc.integer({ min: 1, max: 2 }) }),
      { minLength: 1, maxLength: 200 },
    )
    fc.assert(
      fc.property(fc.array(stream, { minLength: 1, maxLength: 4 }), fc.nat(0xffff), (streams, start) => {
        let sentAt = 0
        const arrivals = streams.flatMap((packets, source) => {
          sentAt += 2000
          return packets.flatMap(({ lost, shift, copies }, index) => {
            sentAt += 20
            const at = sentAt + shift * 20
            return lost
              ? []
              : Array.from({ length: copies }, (_, copy) => ({
                  source,
                  number: start + source * step.numbers + index,
                  at: at + copy,
                }))
          })
        })
        const statistics = new ReceiveStatistics(OPTIONS)
        const ordered = arrivals.toSorted((one, other) => one.at - other.at)
        for (const { source, number, at } of ordered) receive(statistics, [number], 1 + source * step.ssrc, at)
        const counts = streams
          .map((_, source) => ordered.filter((packet) => packet.source === source).map(({ number }) => number))
          // What one packet alone begins is not believed, but at the very beginning.
          .filter((numbers, index, all) => new Set(numbers).size > (all.slice(0, index).flat().length > 0 ? 1 : 0))
        const expected = counts.map((numbers) => Math.max(...numbers) - (numbers[0] ?? 0) + 1)
        const received = counts.map((numbers) => new Set(numbers.filter((number) => number >= (numbers[0] ?? 0))).size)
        const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
        expect(statistics.summary()).toMatchObject({
          packets: counts.flat().length,
          expected: sum(expected),
          lost: sum(expected) - sum(received),
          duplicates: sum(counts.map((numbers) => numbers.length - new Set(numbers).size)),
          [step.ssrc > 0 ? 'ssrcSwitches' : 'sequenceResets']: Math.max(0, counts.length - 1),
        })
      }),
      { numRuns: 200 },
    )
  })
})

test('late packets are discarded by the jitter buffer and missing to the ear, but not lost', () => {
  const statistics = new ReceiveStatistics(OPTIONS)
  for (let number = 0; number < 100; number++) {
    statistics.receive(number * 20 + (number % 20 === 10 ? 61 : 0), {
      ssrc: 1,
      sequenceNumber: number,
      timestamp: number * 160,
      timed: true,
    })
  }
  expect(statistics.summary()).toMatchObject({
    lost: 0,
    discarded: 5,
    missing: 5,
    played: 95,
    bufferTarget: 60,
    bufferWait: 60,
    packetDuration: 20,
  })
})

test('events between the audio have a sequence number but no jitter', () => {
  const statistics = new ReceiveStatistics(OPTIONS)
  for (let number = 0; number < 50; number++) {
    const timed = number < 20 || number > 30
    statistics.receive(number * 20, { ssrc: 1, sequenceNumber: number, timestamp: (timed ? number : 20) * 160, timed })
  }
  const { lost, jitter, packets } = statistics.summary()
  expect([lost, packets]).toEqual([0, 50])
  expect(jitter).toBeCloseTo(0, 9)
})

describe('timestamps', () => {
  /** 20 ms packets; `media` moves the timestamp of each, milliseconds, `network` its arrival. */
  function timed(count: number, media: (index: number) => number, network: (index: number) => number = () => 0) {
    const statistics = new ReceiveStatistics(OPTIONS)
    for (let index = 0; index < count; index++) {
      const timestamp = Math.round((index * 20 + media(index)) * 8) >>> 0
      statistics.receive(index * 20 + network(index), { ssrc: 1, sequenceNumber: index, timestamp, timed: true })
    }
    return statistics.summary()
  }

  test('that jump fit neither the packets nor the time between; the jump is no jitter', () => {
    const { timestampJumps, jitter, discarded } = timed(100, (index) => (index < 50 ? 0 : 5_000_000))
    expect([timestampJumps, discarded]).toEqual([1, 0])
    expect(jitter).toBeCloseTo(0, 9)
  })

  test('that pause with the sender, come after loss, or wait in a queue do not jump', () => {
    const pause = (index: number) => (index < 50 ? 0 : 4000)
    expect(timed(100, pause, pause).timestampJumps).toBe(0)
    expect(timed(100, () => 0, pause).timestampJumps).toBe(0)
    expect(measured([0, 1, 2, 40, 41]).timestampJumps).toBe(0)
  })

  test.each([-300, -20, 0, 50, 300])('show a clock that is %d ppm fast through jitter', (ppm) => {
    const random = seededRandom(42)
    const queue = Array.from({ length: 3000 }, () => random() ** 3 * 40)
    const { clockDriftPpm } = timed(
      3000,
      (index) => (index * 20 * ppm) / 1e6,
      (index) => queue[index] ?? 0,
    )
    expect(Math.abs((clockDriftPpm ?? NaN) - ppm)).toBeLessThan(10)
  })

  test('give the drift of the longest stretch, and none of less than 5 s', () => {
    expect(timed(240, () => 0).clockDriftPpm).toBeUndefined()
    const jump = (index: number) => (index < 1000 ? (index * 20 * 100) / 1e6 : 1e7)
    expect(timed(1300, jump).clockDriftPpm).toBeCloseTo(100, -1)
  })
})

test('times between arrivals', () => {
  const statistics = new ReceiveStatistics(OPTIONS)
  expect(statistics.summary().interarrival).toBeUndefined()
  const arrivals = [0, 20, 40, 75, 80, 100]
  for (const [index, arrival] of arrivals.entries())
    statistics.receive(arrival, { ssrc: 1, sequenceNumber: index, timestamp: index * 160, timed: true })
  expect(statistics.summary().interarrival).toEqual({ min: 5, max: 35, p95: 35 })
})

test('intervals are what happened since the last one, and add up to the whole', () => {
  const statistics = new ReceiveStatistics(OPTIONS)
  receive(statistics, [0, 1, 2, 5], 1)
  const first = statistics.interval()
  expect(first).toMatchObject({ packets: 4, expected: 6, lost: 2, missing: 2 })
  expect(first.burstRatio).toBeCloseTo(4 / 3, 9)
  receive(statistics, [6, 7, 9], 1, 80)
  const second = statistics.interval()
  expect(second).toMatchObject({ packets: 3, expected: 4, lost: 1, missing: 1, burstRatio: 1 })
  const { jitter, packets, expected, lost } = statistics.summary()
  expect([packets, expected, lost]).toEqual([7, 10, 3])
  expect(jitter).toBeCloseTo(((first.jitter ?? NaN) * 3 + (second.jitter ?? NaN) * 3) / 6, 9)
  expect(statistics.interval()).toEqual({ packets: 0, expected: 0, lost: 0, missing: 0, burstRatio: 1 })
})

test('before the first packet there is nothing to tell', () => {
  const statistics = new ReceiveStatistics(OPTIONS)
  expect(statistics.reception()).toBeUndefined()
  expect(statistics.summary()).toMatchObject({ packets: 0, expected: 0, lost: 0, missing: 0, burstRatio: 1 })
  expect(statistics.summary().jitter).toBeUndefined()
})

/** Anything that two or three sources may send, in any order. */
const ANY_PACKET = fc.record({
  ssrc: fc.integer({ min: 1, max: 3 }),
  sequenceNumber: fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 40 })),
  timestamp: fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 8000 })),
  timed: fc.boolean(),
})

test('whatever arrives, the figures hold together', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(ANY_PACKET, fc.integer({ min: 0, max: 2000 })), { maxLength: 300 }), (packets) => {
      const statistics = new ReceiveStatistics(OPTIONS)
      let at = 0
      for (const [received, gap] of packets) {
        at += gap
        statistics.receive(at, received)
      }
      const {
        packets: counted,
        lost,
        missing,
        expected,
        burst,
        burstRatio,
        jitter,
        discarded,
        played,
      } = statistics.summary()
      expect(counted).toBeLessThanOrEqual(packets.length)
      expect(0 <= lost && lost <= missing && missing <= expected).toBe(true)
      expect(discarded + played).toBeLessThanOrEqual(counted)
      for (const value of [burst.burstDensity, burst.gapDensity]) expect(0 <= value && value <= 1).toBe(true)
      expect(burstRatio).toBeGreaterThanOrEqual(1)
      expect(jitter ?? 0).toBeGreaterThanOrEqual(0)
    }),
    { numRuns: 500 },
  )
})

test('what is only noted counts as if it had been judged at once, whenever it is read', () => {
  const step = fc.record({
    packet: ANY_PACKET,
    later: fc.integer({ min: 0, max: 60 }),
    then: fc.constantFrom(...(['Note', 'Note', 'Note', 'Receive', 'Interval', 'Reception', 'Source'] as const)),
  })
  const reads = {
    Note: () => undefined,
    Interval: (statistics: ReceiveStatistics) => statistics.interval(),
    Reception: (statistics: ReceiveStatistics) => statistics.reception(),
    Source: (statistics: ReceiveStatistics) => statistics.ssrc,
  }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const [noted, judged] = [new ReceiveStatistics(OPTIONS), new ReceiveStatistics(OPTIONS)]
      const [seen, wanted]: [unknown[], unknown[]] = [[], []]
      let at = 0
      for (const { packet, later, then } of steps) {
        at += later
        const place = judged.receive(at, { ...packet })
        if (then === 'Receive') {
          seen.push(noted.receive(at, { ...packet }))
          wanted.push(place)
        } else {
          noted.note(at, { ...packet })
          seen.push(reads[then](noted))
          wanted.push(reads[then](judged))
        }
      }
      expect([...seen, noted.summary()]).toEqual([...wanted, judged.summary()])
    }),
  )
})
