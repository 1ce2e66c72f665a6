/** What we tell the peer of its stream in a VoIP metrics block (RFC 3611 4.7): measured values in the units of its fields. */
import { ADAPTIVE_MAXIMUM, GMIN, type PathQuality, type ReceiveSummary } from '../quality/index.ts'
import type { StartOptions } from './media.ts'
import { UNAVAILABLE, type VoipMetrics } from './rtcp-xr.ts'

export interface Heard {
  ssrc: number
  summary: ReceiveSummary
  /** With the delay, and without it. */
  conversational: PathQuality
  listening: PathQuality
  /** Milliseconds; absent: not measured. */
  rtt?: number
  /** Milliseconds from the network to the ear. */
  endSystemDelay: number
  /** Milliseconds of audio a packet. */
  packetDuration: number
  jitterBuffer: StartOptions['jitterBuffer']
}

/** What nobody analyses while a call runs, levels and echo, is unavailable; so is R on another scale than that of G.107. */
export function voipMetrics(heard: Heard): VoipMetrics {
  const { ssrc, summary, conversational, listening, packetDuration, jitterBuffer } = heard
  const { burst, expected } = summary
  const { mode, delay } = jitterBuffer
  const maximum = milliseconds(mode === 'Adaptive' ? Math.max(delay, ADAPTIVE_MAXIMUM) : delay)
  return {
    block: 'VoipMetrics',
    ssrc,
    lossRate: share(summary.lost / expected),
    discardRate: share(summary.discarded / expected),
    burstDensity: share(burst.burstDensity),
    gapDensity: share(burst.gapDensity),
    burstDuration: milliseconds(burst.burstLength * packetDuration),
    gapDuration: milliseconds(burst.gapLength * packetDuration),
    roundTripDelay: milliseconds(heard.rtt ?? 0),
    endSystemDelay: milliseconds(heard.endSystemDelay),
    signalLevel: UNAVAILABLE,
    noiseLevel: UNAVAILABLE,
    residualEchoReturnLoss: UNAVAILABLE,
    gmin: GMIN,
    rFactor: conversational.model === 'G.107' ? Math.round(Math.min(100, Math.max(0, conversational.r))) : UNAVAILABLE,
    externalRFactor: UNAVAILABLE,
    mosListening: Math.round(10 * listening.mos),
    mosConversational: Math.round(10 * conversational.mos),
    concealment: 'Standard',
    jitterBuffer: mode === 'Adaptive' ? 'Adaptive' : 'NonAdaptive',
    jitterBufferNominal: milliseconds(summary.bufferTarget),
    jitterBufferMaximum: maximum,
    jitterBufferAbsoluteMaximum: maximum,
  }
}

/** min(255, floor(256 x fraction)), as 4.7.1 and 4.7.2 compute it. */
function share(fraction: number): number {
  return Math.min(255, Math.floor(256 * fraction))
}

function milliseconds(value: number): number {
  return Math.min(0xffff, Math.round(value))
}
