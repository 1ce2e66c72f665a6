/** The timers of RFC 3261 table 4, in milliseconds, and what all four machines share. */

/** Estimate of the round-trip time (17.1.1.1). */
export const T1 = 500
/** Longest interval between retransmissions of a non-INVITE request and of responses to INVITE. */
export const T2 = 4_000
/** How long a message stays in the network. */
export const T4 = 5_000
/** 64*T1: timers B, F, H, J, and L, M of RFC 6026. Timer D is at least 32 s, the same. */
export const TRANSACTION_TIMEOUT = 64 * T1
/** 17.2.1: when the user of an INVITE is not quicker, 100 is sent for it. */
export const AUTOMATIC_TRYING = 200
