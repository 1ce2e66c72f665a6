/** What peers may make a native engine keep and do at most, and the count of what was beyond; it refuses nothing itself. */

export interface Limits {
  /** Server transactions. One lives 32 s over UDP; a request inside one of our dialogs may still come when there are twice as many. */
  serverTransactions: number
  /** Bytes of the requests that began them; twice as many inside our dialogs. */
  serverBytes: number
  /** Dialogs, ours and theirs, above which no INVITE of a peer is taken. */
  dialogs: number
  /** Connections that peers made, and as many that we made. */
  connections: number
  /**
   * Milliseconds after which a connection is closed over which nothing goes either way, and that no transaction, call or registration
   * of ours uses. Longer than any INVITE may wait for its answer.
   */
  idle: number
  /** Milliseconds that a peer has for the handshakes of TLS and of WebSocket. */
  handshake: number
  /** Bytes that wait for a peer to read; with more the connection is closed. */
  unsentBytes: number
  /** Peers, when we are bound to all addresses, whose first datagram waits until it is known which of ours reaches them. */
  routeLookups: number
  /** To tags in the responses to one INVITE of ours; a proxy that forks has fewer branches. */
  branches: number
}

/** A flood of short requests that fills the transactions keeps 90 MB, the process grows by 160 MB; 700 calls a second do not fill them. */
export const LIMITS: Limits = {
  serverTransactions: 50_000,
  serverBytes: 64_000_000,
  dialogs: 20_000,
  connections: 1_000,
  idle: 300_000,
  handshake: 10_000,
  unsentBytes: 1_000_000,
  routeLookups: 100,
  branches: 32,
}

/** What was refused since the start, by the limit that it was beyond. */
export interface Refusals {
  /** Requests that were told 503 because of `serverTransactions` or `serverBytes`. */
  transactions: number
  /** INVITEs that were told 503 because of `dialogs`, and late answers that were not hung up. */
  dialogs: number
  /** Connections that were not taken, or not made. */
  connections: number
  /** Connections that were closed because a handshake took too long. */
  handshakes: number
  /** Connections that were closed because their peer did not read. */
  unread: number
  /** Datagrams that were dropped because of `routeLookups`. */
  routes: number
  /** Responses to an INVITE of ours that were passed over because of `branches`. */
  branches: number
}

export function noRefusals(): Refusals {
  return { transactions: 0, dialogs: 0, connections: 0, handshakes: 0, unread: 0, routes: 0, branches: 0 }
}
