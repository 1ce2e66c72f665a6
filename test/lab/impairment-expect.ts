/** How exactly a call through the relay has to be measured; it makes no call. */
import { expect } from 'vitest'
import type { CallFigures, Judged } from './impairment-call.ts'

/** Milliseconds, between what was measured and what the relay's stamps give. */
export interface Bounds {
  readonly jitter: number
  readonly roundTrip: number
}

/** What is promised, on a machine that does nothing else. */
export const PROMISED: Bounds = { jitter: 0.5, roundTrip: 1 }

/** A busy machine stops between two stamps: what is beyond this is measured wrongly on any. */
export const ANYWHERE: Bounds = { jitter: 5, roundTrip: 30 }

/** Counts are exact whatever the machine does. */
export function expectAccurate({ caller, callee, roundTrips }: CallFigures, seed: number, bounds: Bounds): void {
  for (const side of [caller, callee]) {
    expect(counts(side), `seed ${seed}`).toEqual(recorded(side))
    expect(side.truth.packets, `seed ${seed}`).toBeGreaterThan(100)
    expect(Math.abs((side.report.metrics.jitter ?? NaN) - side.truth.jitter), `seed ${seed}`).toBeLessThan(
      bounds.jitter,
    )
  }
  // The middle one: when the machine stands still between two sockets, that is round trip too, and the relay does not see it.
  const errors = roundTrips.map(({ measured, held }) => Math.abs(measured - held)).toSorted((one, other) => one - other)
  expect(errors.length, `seed ${seed}`).toBeGreaterThan(2)
  expect(errors[errors.length >> 1], `seed ${seed}`).toBeLessThan(bounds.roundTrip)
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
