/** What ICE says of itself in SDP (RFC 8839), and candidates between that form and werift's; it reads and writes no text. */
import { isIP, isIPv6, SocketAddress } from 'node:net'
import { Candidate as WeriftCandidate } from 'werift'

/** The `a=candidate` of RFC 8839 5.1. */
export interface Candidate {
  readonly foundation: string
  readonly component: number
  /** `udp` or `tcp`, in lower case. */
  readonly transport: string
  readonly priority: number
  readonly address: string
  readonly port: number
  /** `host`, `srflx`, `prflx`, `relay`. */
  readonly type: string
  readonly related?: { readonly address: string; readonly port: number } | undefined
}

/** What one side tells the other of one stream. */
export interface IceDescription {
  readonly ufrag: string
  readonly pwd: string
  readonly candidates: readonly Candidate[]
  /** That of the whole session. */
  readonly lite: boolean
}

/** RTP, and RTCP beside it (RFC 5761): there is no other component. */
export const COMPONENT = 1

/** Of others nothing is known (RFC 8839 5.1). */
const TYPES: ReadonlySet<string> = new Set(['host', 'srflx', 'prflx', 'relay'])

export function describe(candidate: WeriftCandidate): Candidate {
  const { foundation, component, transport, priority, host, port, type, relatedAddress, relatedPort } = candidate
  const related =
    relatedAddress === undefined || relatedPort === undefined
      ? undefined
      : { address: relatedAddress, port: relatedPort }
  return { foundation, component, transport, priority, address: host, port, type, related }
}

/**
 * Those of a peer that can be checked: UDP, our component, an address. Names are for peers on the same link (mDNS); such a peer is found by
 * the check that it sends.
 */
export function checkable(candidates: readonly Candidate[]): WeriftCandidate[] {
  return candidates
    .filter(({ component, transport, type }) => component === COMPONENT && transport === 'udp' && TYPES.has(type))
    .filter(({ address }) => isIP(address) > 0)
    .map(
      ({ foundation, component, transport, priority, address, port, type }) =>
        new WeriftCandidate(foundation, component, transport, priority, canonical(address), port, type),
    )
}

/** Whether a peer can be where none of its candidates says: it has names, or has not gathered any yet, and checks us (RFC 8863). */
export function mayShowItself({ candidates, lite }: IceDescription): boolean {
  return !lite && (candidates.length === 0 || candidates.some(({ address }) => isIP(address) === 0))
}

/** An IP address as the system writes it (RFC 5952): so that it is found again in where a datagram came from. */
export function canonical(address: string): string {
  return isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address
}
