/** When the next RTCP packet is due (RFC 3550 6.2, 6.3.1), for a call of two parties; it sets no timer. */
import type { Random } from '../../lib/random.ts'

/** Share of the session bandwidth that RTCP may use (RFC 3550 6.2). */
const RTCP_SHARE = 0.05
const MEMBERS = 2
/** Milliseconds; see below. */
const MINIMUM = 1000
/** Timer reconsideration converges below the intended average: e - 3/2 makes up for it (RFC 3550 6.3.1). */
const COMPENSATION = Math.E - 1.5
/** IPv4 and UDP headers count into the size of an RTCP packet (RFC 3550 6.2). */
const LOWER_LAYERS = 28

export interface IntervalState {
  /** Octets, smoothed over packets sent and received by `averageSize`. */
  averageSize: number
  /** No RTCP packet was sent yet. */
  initial: boolean
  /** Of the session, kilobits a second. */
  bandwidth: number
}

/**
 * Milliseconds to the next RTCP packet: the deterministic interval max(minimum, members x size / RTCP bandwidth), halved minimum for the
 * first one, times 0.5 to 1.5, over e - 3/2.
 *
 * The RFC's recommended minimum for two parties is 360 s / bandwidth in kbit/s, 4.5 s for G.711: too rare to measure a round trip in a
 * call of 3 s. Ours is 1 s, within the bandwidth share, which RFC 3550 6.2 asks for and RFC 4585 3.4 allows between two parties. So
 * the first report leaves 0.21 to 0.62 s after the start and the next ones 0.41 to 1.23 s apart.
 */
export function rtcpInterval(state: IntervalState, random: Random): number {
  const perSecond = (state.bandwidth * 1000 * RTCP_SHARE) / 8
  const fair = (1000 * MEMBERS * state.averageSize) / perSecond
  return (Math.max(state.initial ? MINIMUM / 2 : MINIMUM, fair) * (random() + 0.5)) / COMPENSATION
}

/** The average after a packet of `octets` payload was sent or received (RFC 3550 6.3.3). */
export function averageSize(average: number, octets: number): number {
  return average + (octets + LOWER_LAYERS - average) / 16
}
