/** From a peer's address to the one of ours that reaches it. It knows no name. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Clock } from '../../../lib/clock.ts'

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** An IPv4 address that a dual-stack socket shows as IPv6 is shown as what it is. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** What peers are told instead of a local address: the external one, where it is of the same family. */
export function advertised(local: string, external: string | undefined): string {
  return external !== undefined && isIPv6(external) === isIPv6(local) ? external : local
}

/** Milliseconds after which a route is looked up again: interfaces come and go. */
const ROUTE_LIFETIME = 60_000
/** The same for a look-up that failed: who cannot be reached now may be in a moment. */
const FAILURE_LIFETIME = 5_000
const MOST_ROUTES = 10_000

/** The address of ours that packets to `remote` leave from; undefined when there is no way to it. */
type AskRoute = (remote: string) => Promise<string | undefined>

/** Which of our addresses packets to a peer leave from, when we are bound to all of them. */
export class LocalAddresses {
  readonly #clock: Clock
  readonly #bound: string
  readonly #ask: AskRoute
  readonly #routes = new Map<string, { address: string; until: number }>()
  /** Look-ups under way: one for each peer, whoever waits for it. */
  readonly #asked = new Map<string, Promise<string>>()

  /** @param ask default: the kernel's routing table */
  constructor(clock: Clock, bound: string, ask: AskRoute = sourceAddress) {
    this.#clock = clock
    this.#bound = bound
    this.#ask = ask
  }

  /** Look-ups under way; each has a socket. */
  get pending(): number {
    return this.#asked.size
  }

  /** The answer, when it needs no look-up. */
  known(remote: string): string | undefined {
    if (!isWildcard(this.#bound)) return this.#bound
    const route = this.#routes.get(remote)
    return route && this.#clock.monotonic() < route.until ? route.address : undefined
  }

  /** Falls back to the bound address when there is no route. */
  async find(remote: string): Promise<string> {
    const known = this.known(remote) ?? this.#asked.get(remote)
    if (known !== undefined) return known
    const asked = this.#lookUp(remote)
    this.#asked.set(remote, asked)
    return asked
  }

  async #lookUp(remote: string): Promise<string> {
    const address = await this.#ask(remote).finally(() => this.#asked.delete(remote))
    if (this.#routes.size >= MOST_ROUTES) this.#routes.clear()
    const lifetime = address === undefined ? FAILURE_LIFETIME : ROUTE_LIFETIME
    const route = { address: address ?? this.#bound, until: this.#clock.monotonic() + lifetime }
    this.#routes.set(remote, route)
    return route.address
  }
}

/** Any port does: UDP connects without a word. */
const DISCARD = 9

/** Asks by a connected socket; nothing is sent. */
async function sourceAddress(remote: string): Promise<string | undefined> {
  const socket = createSocket(isIPv6(remote) ? 'udp6' : 'udp4')
  try {
    const connected = once(socket, 'connect')
    socket.connect(DISCARD, remote)
    await connected
    return socket.address().address
  } catch {
    return undefined
  } finally {
    socket.close()
  }
}
