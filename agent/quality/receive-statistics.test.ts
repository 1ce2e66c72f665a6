/** What is measured of a received stream, against schedules whose truth is known. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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
      packets: 4,
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

  test('the source that was replaced does not alternate with its successor', () => {
    const statistics = new ReceiveStatistics(OPTIONS)
    receive(statistics, [1, 2, 3], 1)
    for (let index = 0; index < 20; index++) {
      receive(statistics, [100 + index], 2, 100 + index * 20)
      receive(statistics, [4 + index], 1, 101 + index * 20)
    }
    expect(statistics.summary()).toMatchObject({ packets: 24, lost: 0, ssrcSwitches: 1 })
    receive(statistics, [90, 91], 1, 5000)
    expect(statistics.summary()).toMatchObject({ ssrcSwitches: 2 })
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

test('whatever arrives, the figures hold together', () => {
  const packet = fc.record({
    ssrc: fc.integer({ min: 1, max: 3 }),
    sequenceNumber: fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 40 })),
    timestamp: fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 8000 })),
    timed: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(fc.tuple(packet, fc.integer({ min: 0, max: 2000 })), { maxLength: 300 }), (packets) => {
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
