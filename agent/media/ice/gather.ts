/** Our candidates, each with what it is reached by (RFC 8445 5.1.1): of the socket, as a STUN server sees it, of a TURN server. It checks none. */
import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import { Candidate, candidateFoundation, candidatePriority, classes, Message, methods } from 'werift'
import type { Clock } from '../../../lib/clock.ts'
import { canonical, COMPONENT } from './description.ts'
import { allocate, type TurnServer } from './relay.ts'
import { type Credentials, StunEndpoint } from './stun-endpoint.ts'

export interface StunServer {
  /** A name or an IP address. */
  readonly host: string
  readonly port: number
}

/** Where the socket is bound. */
interface Bound {
  readonly address: string
  readonly port: number
}

/** Behind the first request to a STUN server, after 500 ms and 1 s; 2 s later it is given up. */
const RETRANSMISSIONS = 2
/** The last first octet of STUN (RFC 7983). */
const STUN = 3

export function hostCandidate({ address, port }: Bound): Candidate {
  const foundation = candidateFoundation('host', 'udp', address)
  return new Candidate(foundation, COMPONENT, 'udp', candidatePriority('host'), address, port, 'host')
}

/** Undefined: nothing is between us and the server that changes our address. Rejects when the server does not answer. */
export async function reflexiveCandidate(
  socket: StunEndpoint,
  { host, port }: StunServer,
  bound: Bound,
): Promise<Candidate | undefined> {
  const server = await addressOf(host, bound)
  const request = new Message(methods.BINDING, classes.REQUEST)
  const options = { retransmissions: RETRANSMISSIONS }
  const [response] = await socket.request(request, [server, port], undefined, options)
  const mapped: [string, number] | undefined = response.getAttributeValue('XOR-MAPPED-ADDRESS')
  if (!mapped) throw new Error('it answered without our address')
  const [address, mappedPort] = mapped
  if (address === bound.address && mappedPort === bound.port) return undefined
  const foundation = candidateFoundation('srflx', 'udp', bound.address)
  const priority = candidatePriority('srflx')
  const related = [bound.address, bound.port] as const
  return new Candidate(foundation, COMPONENT, 'udp', priority, address, mappedPort, 'srflx', ...related)
}

export interface RelayBase extends AsyncDisposable {
  readonly endpoint: StunEndpoint
  readonly candidate: Candidate
}

/** @param options `received` is given what is no STUN. Rejects as `allocate` does. */
export async function openRelay(
  server: TurnServer,
  credentials: Credentials,
  options: Bound & { clock: Clock; received(datagram: Buffer, host: string, port: number): void },
): Promise<RelayBase> {
  const { clock, address } = options
  const host = await addressOf(server.host, options)
  const relay = await allocate(
    { ...server, host },
    {
      ...{ clock, address },
      received(datagram, from, port) {
        if ((datagram[0] ?? 0) <= STUN) endpoint.receive(datagram, from, port)
        else options.received(datagram, from, port)
      },
    },
  )
  const send = (datagram: Buffer, to: string, port: number) => relay.send(datagram, to, port)
  const endpoint = new StunEndpoint({ clock, type: 'relay', credentials, send })
  const foundation = candidateFoundation('relay', 'udp', relay.address)
  const related = [relay.mapped.address, relay.mapped.port] as const
  const at = [relay.address, relay.port, 'relay', ...related] as const
  return {
    endpoint,
    candidate: new Candidate(foundation, COMPONENT, 'udp', candidatePriority('relay'), ...at),
    async [Symbol.asyncDispose]() {
      await endpoint.close()
      await relay[Symbol.asyncDispose]()
    },
  }
}

/** An address of the host, of the family that we speak. */
async function addressOf(host: string, { address }: Bound): Promise<string> {
  if (isIP(host) > 0) return canonical(host)
  return (await lookup(host, { family: isIPv6(address) ? 6 : 4 })).address
}
