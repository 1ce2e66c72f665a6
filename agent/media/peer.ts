/** Where the peer is: whose packets are taken, and where ours go (symmetric RTP, RFC 4961). It sends nothing. */

/** Another source is taken for the peer only when the one before was silent for so long, milliseconds. */
const SILENCE = 1000

/**
 * Signalling names an address; behind a NAT the peer's packets come from another one, and only that one is reachable. So the first
 * packet from elsewhere makes its source the peer, unless the peer so far has sent within the last second. A packet from the signalled
 * address always counts and takes the place back.
 */
export class Peer {
  #signalledHost: string
  #signalledPort: number
  /** Where our packets go. */
  host: string
  /** 0: nowhere yet. */
  port: number
  /** Clock.monotonic of the last packet taken. */
  #lastAt = -Infinity
  /** Where it was before it moved, and when it did: what was on its way is the peer's too. */
  #left = { host: '', port: 0, at: -Infinity }

  constructor(host: string, port: number) {
    this.#signalledHost = host
    this.#signalledPort = port
    this.host = host
    this.port = usable(port)
  }

  /** The peer signals where it is again; where its packets came from stays when that is what it said before. */
  move(host: string, port: number, at: number): void {
    // The hold of RFC 2543 (RFC 3264 8.4): it says nothing of where the peer is.
    if (host === '0.0.0.0' || host === '::') return
    if (host === this.#signalledHost && port === this.#signalledPort) return
    this.#left = { host: this.host, port: this.port, at }
    this.#signalledHost = host
    this.#signalledPort = port
    this.host = host
    this.port = usable(port)
    this.#lastAt = at
  }

  /** Whether a packet is the peer's. @param convincing it is one that may come from a new address */
  accepts(host: string, port: number, at: number, convincing: boolean): boolean {
    if (port !== this.port || host !== this.host) {
      const left = this.#left
      if (at - left.at < SILENCE && port === left.port && host === left.host) return true
      const signalled = port === this.#signalledPort && host === this.#signalledHost
      if (!signalled && (!convincing || at - this.#lastAt < SILENCE)) return false
      this.host = host
      this.port = port
    }
    this.#lastAt = at
    return true
  }
}

function usable(port: number): number {
  return port > 0 && port < 65536 ? port : 0
}
