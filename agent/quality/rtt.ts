/** Round-trip time from RTCP (RFC 3550 6.4.1). It has no clock and sends nothing. */

/** Units a second of the middle 32 bits of an NTP timestamp, in which LSR and DLSR are given. */
export const COMPACT_NTP_UNITS = 65536

/**
 *     us   SR (NTP = LSR) ----->  peer
 *          <----- RR (LSR, DLSR)        RTT = A - LSR - DLSR, A = arrival of the RR
 *
 * @param arrival A, middle 32 bits of the NTP time of arrival on the clock that stamped our SR
 * @param lastSenderReport LSR as the peer returned it; 0: it has none
 * @param delaySinceLastSenderReport DLSR, 1/65536 s
 * @returns milliseconds, at least 0 (a peer that rounds DLSR up would make it negative); undefined: no LSR, or not a delay of the last hour
 */
export function roundTripTime(
  arrival: number,
  lastSenderReport: number,
  delaySinceLastSenderReport: number,
): number | undefined {
  if (lastSenderReport === 0) return undefined
  const units = (arrival - lastSenderReport - delaySinceLastSenderReport) | 0
  const milliseconds = (units * 1000) / COMPACT_NTP_UNITS
  if (milliseconds < -10 || milliseconds > 3_600_000) return undefined
  return Math.max(0, milliseconds)
}
