/** The limits that no plan sets: how long we wait for a goodbye, what is a silent line, when a generator is not honest. */
export const limits = {
  /** Milliseconds without a packet, after at least one, that make a MediaTimeout. */
  mediaSilence: 5000,
  /**
   * Milliseconds until a BYE without a final response is a TeardownFailed: a little after its third retransmission (0.5, 1.5, 3.5 s,
   * RFC 3261 17.1.2.1). Timer F would be 32 s; nobody waits for that, and the next slot must not.
   */
  bye: 4000,
  /** Milliseconds for the REGISTER that removes our binding. */
  unregister: 3000,
  /** The same two for a run that was stopped: an agent that goes away has 5 s in all. */
  goodbyeOfStopped: 1500,
  /** An event loop whose 99th percentile of lag is over this many milliseconds measures itself. */
  eventLoopLag: 20,
  /** RTP that leaves this many milliseconds late (99th percentile) is jitter of ours. */
  pacingLateness: 10,
} as const
