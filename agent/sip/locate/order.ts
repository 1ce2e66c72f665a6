/** The order in which records of the DNS are used: NAPTR by RFC 3403, SRV by RFC 2782. It asks nothing. */
import type { Random } from '../../../lib/random.ts'
import type { Transport } from '../engine.ts'
import { isSecure, type Service } from './question.ts'

/** RFC 3403 4.1, as far as SIP uses it. */
export interface Pointer {
  order: number
  preference: number
  flags: string
  service: string
  replacement: string
}

/** RFC 2782. */
export interface Server {
  priority: number
  weight: number
  port: number
  name: string
}

/** RFC 3263 4.1, RFC 7118 8.2. */
const TRANSPORTS: ReadonlyMap<string, Transport> = new Map([
  ['SIP+D2U', 'UDP'],
  ['SIP+D2T', 'TCP'],
  ['SIPS+D2T', 'TLS'],
  ['SIP+D2W', 'WS'],
  ['SIPS+D2W', 'WSS'],
])

/**
 * The services that NAPTR records point to, the most wanted one first. Records of a transport that we do not speak, or that is not
 * secure enough, are passed over before their order is looked at (RFC 3263 4.1); those that lead to no SRV record are too.
 */
export function servicesOf(pointers: readonly Pointer[], secure: boolean): Service[] {
  return pointers
    .toSorted((left, right) => left.order - right.order || left.preference - right.preference)
    .flatMap(({ flags, service, replacement }) => {
      const transport = TRANSPORTS.get(service.toUpperCase())
      const usable = transport !== undefined && (!secure || isSecure(transport))
      return usable && flags.toLowerCase() === 's' && replacement !== '' ? [{ name: replacement, transport }] : []
    })
}

/**
 * SRV records in the order in which they are tried: the lowest priority first, and within one priority by lot, a record of twice the
 * weight twice as often first. A record of weight 0 has a very small chance beside others (RFC 2782).
 */
export function orderServers(servers: readonly Server[], random: Random): Server[] {
  const priorities = [...new Set(servers.map(({ priority }) => priority))].toSorted((left, right) => left - right)
  return priorities.flatMap((priority) =>
    draw(
      servers.filter((each) => each.priority === priority),
      random,
    ),
  )
}

function draw(servers: readonly Server[], random: Random): Server[] {
  // Those of weight 0 come first; in which order, nobody says: each is as good as the others.
  const waiting = servers
    .map((server) => ({ server, lot: random() }))
    .toSorted((left, right) => Number(left.server.weight > 0) - Number(right.server.weight > 0) || left.lot - right.lot)
    .map(({ server }) => server)
  const drawn: Server[] = []
  while (waiting.length > 0) {
    const sum = waiting.reduce((total, { weight }) => total + weight, 0)
    const lot = Math.floor(random() * (sum + 1))
    let running = 0
    const index = waiting.findIndex(({ weight }) => (running += weight) >= lot)
    drawn.push(...waiting.splice(index, 1))
  }
  return drawn
}
