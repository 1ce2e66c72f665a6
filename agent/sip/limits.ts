/** What peers may make a native engine keep and do at most, and the count of what was beyond; it refuses nothing itself. */

export interface Limits {
  /** Server transactions. One lives 32 s over UDP; a request inside one of our dialogs may still come when there are twice as many. */
  serverTransactions: number
  /** Bytes of the requests that began them; twice as many inside our dialogs. */
  serverBytes: number
  /** Dialogs, ours and theirs, above which no INVITE of a peer is taken. */
  dialogs: number
}

/** A flood that fills the transactions takes about 100 MB; 700 calls a second for ever do not fill them. */
export const LIMITS: Limits = {
  serverTransactions: 50_000,
  serverBytes: 64_000_000,
  dialogs: 20_000,
}

/** What was refused since the start, by the limit that it was beyond. */
export interface Refusals {
  /** Requests that were told 503 because of `serverTransactions` or `serverBytes`. */
  transactions: number
  /** INVITEs that were told 503 because of `dialogs`. */
  dialogs: number
}

export function noRefusals(): Refusals {
  return { transactions: 0, dialogs: 0 }
}
