/** The door to quality: pure measures of a stream. No I/O, no clock: stamps come in. */
export { G711_WITH_PLC } from './codec-equipment.ts'
export { mosOfR, pathRating } from './emodel.ts'
export { Histogram } from './histogram.ts'
export { InterarrivalJitter } from './interarrival-jitter.ts'
export { LOOK_AHEAD, type MeasuredPath, type PathQuality, type RatedCodec, pathQuality } from './path-quality.ts'
export type { ReceivedPacket } from './arrivals.ts'
export { type Reception, ReceiveStatistics, type ReceiveSummary } from './receive-statistics.ts'
export { COMPACT_NTP_UNITS, roundTripTime } from './rtt.ts'
