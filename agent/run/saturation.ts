/** Whether we were fast enough to measure: the event loop's lag and the lateness of our packets over one call. It says nothing of the target. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { limits } from './limits.ts'

/** Watches from its making until it is disposed. */
export interface LagMeter extends Disposable {
  /** 99th percentile in milliseconds; undefined: too short to say. */
  p99(): number | undefined
}

/** A sample every so many milliseconds; what comes later than that is lag. */
const RESOLUTION = 10
/** A percentile of less than three seconds of samples is chance. */
const FEWEST_SAMPLES = 300

export function eventLoopLag(): LagMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  histogram.enable()
  return {
    p99: () =>
      histogram.count < FEWEST_SAMPLES ? undefined : Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION),
    [Symbol.dispose]: () => void histogram.disable(),
  }
}

export interface Measurement {
  eventLoopLag: number | undefined
  pacingLateness: number | undefined
}

/** Why the measurements of a call say nothing, in one sentence; undefined: they count. A limit that is reached is not yet passed. */
export function saturation({ eventLoopLag: lag, pacingLateness: late }: Measurement): string | undefined {
  if (lag !== undefined && lag > limits.eventLoopLag)
    return `The agent's event loop lagged ${lag.toFixed(1)} ms (p99), more than ${limits.eventLoopLag} ms.`
  if (late !== undefined && late > limits.pacingLateness)
    return `The agent sent RTP ${late.toFixed(1)} ms late (p99), more than ${limits.pacingLateness} ms.`
  return undefined
}
