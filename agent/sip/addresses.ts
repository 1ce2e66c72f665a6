/** From names to addresses (only A and AAAA records), and from a peer's address to the one of ours that reaches it. */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { isIP, isIPv6 } from 'node:net'
import type { Clock } from '../../lib/clock.ts'

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** An IPv4 address that a dual-stack socket shows as IPv6 is shown as what it is. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

export type LocateOutcome = { kind: 'Located'; address: string } | { kind: 'DnsFailed'; detail: string }

/** The first address of a name, of the family that `bound` can send to. An address is itself. */
export async function locate(host: string, bound: string): Promise<LocateOutcome> {
  if (isIP(host) !== 0) return { kind: 'Located', address: host }
  try {
    const { address } = await lookup(host, { family: isIPv6(bound) ? (isWildcard(bound) ? 0 : 6) : 4 })
    return { kind: 'Located', address }
  } catch (error) {
    return { kind: 'DnsFailed', detail: error instanceof Error ? error.message : String(error) }
  }
}

/** Milliseconds after which a route is looked up again: interfaces come and go. */
const ROUTE_LIFETIME = 60_000
const MOST_ROUTES = 10_000

/** Which of our addresses packets to a peer leave from, when we are bound to all of them. */
export class LocalAddresses {
  readonly #clock: Clock
  readonly #bound: string
  readonly #routes = new Map<string, { address: string; at: number }>()

  constructor(clock: Clock, bound: string) {
    this.#clock = clock
    this.#bound = bound
  }

  /** The answer, when it needs no look-up. */
  known(remote: string): string | undefined {
    if (!isWildcard(this.#bound)) return this.#bound
    const route = this.#routes.get(remote)
    return route && this.#clock.monotonic() - route.at < ROUTE_LIFETIME ? route.address : undefined
  }

  /** Asks the kernel's routing table by a connected socket; nothing is sent. Falls back to the bound address when there is no route. */
  async find(remote: string): Promise<string> {
    const known = this.known(remote)
    if (known !== undefined) return known
    const address = await sourceAddress(remote)
    if (this.#routes.size >= MOST_ROUTES) this.#routes.clear()
    if (address !== undefined) this.#routes.set(remote, { address, at: this.#clock.monotonic() })
    return address ?? this.#bound
  }
}

/** Any port does: UDP connects without a word. */
const DISCARD = 9

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
