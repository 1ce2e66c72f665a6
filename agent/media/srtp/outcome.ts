/** What becomes of a packet that is protected or unprotected; it decides nothing. */

export const refusalReasons = [
  /** Less than a header and a tag. */
  'TooShort',
  /** Not version 2, or a header longer than the packet. */
  'Malformed',
  /** Another MKI than the peer's key has. */
  'UnknownKey',
  /** RTCP that is authenticated only: nobody negotiated that with us. */
  'NotEncrypted',
  /** The tag is not that of the packet under the key. */
  'Authentication',
  /** It was there. */
  'Replay',
  /** So far back that nobody knows whether it was there. */
  'TooOld',
  /** There are as many SSRCs as may be, and it is of another one. */
  'TooManySources',
  /** The key has no index left for it (RFC 3711 9.2). */
  'Exhausted',
  /** The keys are forgotten. */
  'Disposed',
] as const

export type RefusalReason = (typeof refusalReasons)[number]

export type SrtpOutcome = { kind: 'Ok'; packet: Buffer } | { kind: 'Refused'; reason: RefusalReason }

/** Refusals of one direction by reason, RTP and RTCP together. */
export class Refusals {
  readonly counts: Record<RefusalReason, number> = {
    ...{ TooShort: 0, Malformed: 0, UnknownKey: 0, NotEncrypted: 0, Authentication: 0 },
    ...{ Replay: 0, TooOld: 0, TooManySources: 0, Exhausted: 0, Disposed: 0 },
  }

  refuse(reason: RefusalReason): SrtpOutcome {
    this.counts[reason]++
    return { kind: 'Refused', reason }
  }
}
