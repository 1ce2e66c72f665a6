/** The door to quality: pure measures of a stream. No I/O, no clock: stamps come in. */
export { burstRatio } from './burst.ts'
export { G711_WITH_PLC, mosOfR, pathRating, type PathQuality, type Rating } from './emodel.ts'
export { Histogram } from './histogram.ts'
export { InterarrivalJitter } from './interarrival-jitter.ts'
export type { JitterBufferMode } from './jitter-buffer.ts'
export {
  type Reception,
  type ReceivedPacket,
  type ReceiveInterval,
  type ReceiveOptions,
  ReceiveStatistics,
  type ReceiveSummary,
} from './receive-statistics.ts'
export { COMPACT_NTP_UNITS, roundTripTime } from './rtt.ts'
