/** How exactly a call through the relay has to be measured; it makes no call. */
import { expect } from 'vitest'
import type { CallFigures, Judged } from './impairment-call.ts'

/**
 * Milliseconds, between what was measured and what the relay's stamps give. Jitter takes part in two passages through sockets, the round
 * trip in four; when these alone take longer, because the machine is busy, no more can be said than that.
 */
const JITTER = 0.5
const ROUND_TRIP = 1

export function expectAccurate({ caller, callee, roundTrip, passage }: CallFigures, seed: number): void {
  for (const side of [caller, callee]) {
    expect(counts(side), `seed ${seed}`).toEqual(recorded(side))
    expect(side.truth.packets, `seed ${seed}`).toBeGreaterThan(100)
    expect(Math.abs((side.report.metrics.jitter ?? NaN) - side.truth.jitter), `seed ${seed}`).toBeLessThan(
      Math.max(JITTER, 2 * passage),
    )
  }
  expect(Math.abs((caller.report.metrics.rtt ?? NaN) - roundTrip), `seed ${seed}`).toBeLessThan(
    Math.max(ROUND_TRIP, 4 * passage),
  )
}

const counts = ({ report: { metrics, packetsReceived } }: Judged) => ({
  packets: packetsReceived,
  lost: metrics.packetsLost,
  packetLoss: metrics.packetLoss,
  duplicates: metrics.duplicates,
  outOfOrder: metrics.outOfOrder,
  longestLossRun: metrics.longestLossRun,
  sequenceResets: metrics.sequenceResets,
  ssrcSwitches: metrics.ssrcSwitches,
})

const recorded = ({ truth }: Judged): ReturnType<typeof counts> => ({
  packets: truth.packets,
  lost: truth.lost,
  packetLoss: (100 * truth.lost) / truth.expected,
  duplicates: truth.duplicates,
  outOfOrder: truth.outOfOrder,
  longestLossRun: truth.longestLossRun,
  sequenceResets: truth.sequenceResets,
  ssrcSwitches: truth.ssrcSwitches,
})
