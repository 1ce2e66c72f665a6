/** Metrics of a received stream under the keys of the registry, from what was counted of it. It counts nothing itself, and rates nothing. */
import type { Metrics } from '../../crds/index.ts'
import type { ReceiveSummary } from '../quality/index.ts'

/** @param packetDuration milliseconds, for a stream that does not show its own */
export function streamMetrics(summary: ReceiveSummary, packetDuration: number): Metrics {
  return { ...packetMetrics(summary), ...burstMetrics(summary, packetDuration), ...bufferMetrics(summary) }
}

function packetMetrics(summary: ReceiveSummary): Metrics {
  const { interarrival } = summary
  const metrics: Metrics = {
    packetsLost: summary.lost,
    packetLoss: (100 * summary.lost) / summary.expected,
    duplicates: summary.duplicates,
    outOfOrder: summary.outOfOrder,
    sequenceResets: summary.sequenceResets,
    ssrcSwitches: summary.ssrcSwitches,
    longestLossRun: summary.longestLossRun,
    timestampJumps: summary.timestampJumps,
  }
  if (summary.clockDriftPpm !== undefined) metrics.clockDriftPpm = summary.clockDriftPpm
  if (summary.jitter !== undefined) metrics.jitter = summary.jitter
  if (interarrival) {
    metrics.interarrivalMin = interarrival.min
    metrics.interarrivalMax = interarrival.max
    metrics.interarrivalP95 = interarrival.p95
  }
  return metrics
}

function burstMetrics(summary: ReceiveSummary, fallback: number): Metrics {
  const { burst, missing, packetDuration = fallback } = summary
  const metrics: Metrics = { gapDensity: 100 * burst.gapDensity, gapDuration: burst.gapLength * packetDuration }
  if (missing > 0) {
    metrics.burstDensity = 100 * burst.burstDensity
    metrics.burstDuration = burst.burstLength * packetDuration
  }
  return metrics
}

function bufferMetrics(summary: ReceiveSummary): Metrics {
  const metrics: Metrics = {
    target: summary.bufferTarget,
    late: summary.discarded,
    discardRate: (100 * summary.discarded) / summary.expected,
    played: summary.played,
    concealed: summary.missing,
  }
  if (summary.bufferWait !== undefined) metrics.delay = summary.bufferWait
  return metrics
}
