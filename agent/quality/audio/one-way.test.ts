/** How long one side heard nothing, by what arrived and by what the far side reports. */
import { describe, expect, test } from 'vitest'
import type { Echo } from './echo.ts'
import { OneWay } from './one-way.ts'

const none: Echo = { kind: 'Absent', reason: 'NotFound' }
const echo: Echo = { kind: 'Found', delay: 100, loss: 10, correlation: 1, prominence: 100 }

interface Course {
  /** Seconds in which packets arrive, every 20 ms. */
  arriving?: readonly (readonly [from: number, to: number])[]
  /** Second and highest sequence number. */
  reports?: readonly (readonly [at: number, highest: number | undefined])[]
  silent?: boolean
  proof?: Echo
}

/** A call of 30 s. */
function call({ arriving = [[0, 30]], reports = [], silent = false, proof = none }: Course) {
  const oneWay = new OneWay(5000)
  for (const [from, to] of arriving) {
    for (let at = from * 1000; at <= to * 1000; at += 20) oneWay.arrived(5000 + at)
  }
  for (const [at, highest] of reports) oneWay.reported(5000 + at * 1000, highest)
  return oneWay.summary(35_000, silent, proof)
}

describe('we', () => {
  test('heard nothing before the first packet, in a gap, and after the last one', () => {
    expect(
      call({
        arriving: [
          [3, 10],
          [14, 25],
        ],
      }),
    ).toEqual({ ours: 12_000, duration: 12_000 })
  })

  test('heard nothing in all of a call without packets, or with nothing but silence in them', () => {
    expect(call({ arriving: [] }).duration).toBe(30_000)
    expect(call({ silent: true }).duration).toBe(30_000)
  })

  test('are not deaf in a gap below 2 s', () => {
    expect(
      call({
        arriving: [
          [1.9, 10],
          [11.9, 29],
        ],
      }).ours,
    ).toBe(0)
  })
})

describe('the far side', () => {
  test('heard us when our echo comes back, whatever its reports say', () => {
    expect(
      call({
        proof: echo,
        reports: [
          [5, undefined],
          [10, undefined],
        ],
      }),
    ).toEqual({
      ours: 0,
      theirs: 0,
      basis: 'Echo',
      duration: 0,
    })
  })

  test('heard us while its reports make progress', () => {
    const reports = [
      [5, 250],
      [10, 500],
      [15, 750],
      [15.1, 750],
      [20, 1000],
      [29.9, 1500],
      [30, 1500],
    ] as const
    expect(call({ reports })).toEqual({ ours: 0, theirs: 0, basis: 'ReceiverReports', duration: 0 })
  })

  test('heard nothing from the last progress to the last report without any', () => {
    expect(
      call({
        reports: [
          [5, 250],
          [10, 250],
          [15, 250],
          [20, 700],
        ],
      }).duration,
    ).toBe(10_000)
    expect(
      call({
        reports: [
          [5, 250],
          [10, 500],
          [15, 500],
          [25, 500],
        ],
      }).duration,
    ).toBe(15_000)
  })

  test('heard nothing when its reports never speak of our stream', () => {
    expect(
      call({
        reports: [
          [5, undefined],
          [10, undefined],
          [28, undefined],
        ],
      }),
    ).toEqual({
      ours: 0,
      theirs: 28_000,
      basis: 'ReceiverReports',
      duration: 28_000,
    })
  })

  test('is not measured without echo and reports, unless we heard nothing ourselves', () => {
    expect(call({})).toEqual({ ours: 0 })
    expect(call({ arriving: [[0, 20]] })).toEqual({ ours: 10_000, duration: 10_000 })
  })
})
