/** Where the peer is: whose packets are taken, and where ours go (symmetric RTP, RFC 4961). It sends nothing. */

/** Another source is taken for the peer only when the one before was silent for so long, milliseconds. */
const SILENCE = 1000

/**
 * Signalling names an address; behind a NAT the peer's packets come from another one, and only that one is reachable. So the first
 * packet from elsewhere makes its source the peer, unless the peer so far has sent within the last second. A packet from the signalled
 * address always counts and takes the place back.
 */
export class Peer {
  readonly #signalledHost: string
  readonly #signalledPort: number
  /** Where our packets go. */
  host: string
  /** 0: nowhere yet. */
  port: number
  /** Clock.monotonic of the last packet taken. */
  #lastAt = -Infinity

  constructor(host: string, port: number) {
    this.#signalledHost = host
    this.#signalledPort = port
    this.host = host
    this.port = port > 0 && port < 65536 ? port : 0
  }

  /** Whether a packet is the peer's. @param convincing it is one that may come from a new address */
  accepts(host: string, port: number, at: number, convincing: boolean): boolean {
    if (port !== this.port || host !== this.host) {
      const signalled = port === this.#signalledPort && host === this.#signalledHost
      if (!signalled && (!convincing || at - this.#lastAt < SILENCE)) return false
      this.host = host
      this.port = port
    }
    this.#lastAt = at
    return true
  }
}
