/** The transport layer (RFC 3261 18): all sockets, and the way of a message from its bytes to whom it concerns. */
import type { Clock } from '../../../lib/clock.ts'
import type { Random } from '../../../lib/random.ts'
import type { LocalAddresses } from './addresses.ts'
import type { Ports, Transport } from '../engine.ts'
import { bindOneOf, type PortRange } from './bind.ts'
import { Connections } from './connections.ts'
import type { Arrival, Flow } from './flow.ts'
import type { ConnectionTransport } from './hop.ts'
import { listenFor } from './listen.ts'
import type { Identity } from './tls.ts'
import type { Limits, Refusals } from '../limits.ts'
import { type Message, parseMessage, type Request } from '../message/message.ts'
import type { MessageCounter } from './message-counter.ts'
import type { Ways } from './reply-path.ts'
import { bindUdp } from './udp.ts'

export interface TransportOptions {
  clock: Clock
  random: Random
  host: string
  /** What Contact names instead of our address. */
  externalAddress?: string | undefined
  /** TLS, WS and WSS are listened on when they have one; 0 is any. */
  ports: Partial<Record<Transport, number>>
  /** For those that have no port, or 0. */
  portRange?: PortRange | undefined
  /** For TLS and WSS. */
  identity?: Identity | undefined
  addresses: LocalAddresses
  counter: MessageCounter
  limits: Limits
  refused: Refusals
  receive(message: Message, arrival: Arrival): void
  /** What was no SIP message; `request` when it can be answered all the same. */
  malformed(reason: string, flow: Flow, request?: Request): void
}

export interface Transports extends AsyncDisposable {
  readonly ways: Ways
  readonly ports: Ports
  /** How many there are, those that are being made too. */
  readonly connections: number
}

/** Binds UDP, TCP and what else is asked for. @throws with `code`, `address` and `port` when one of them cannot be bound; then none is */
export async function bindTransports(options: TransportOptions): Promise<Transports> {
  const { clock, random, host, externalAddress, ports, addresses, counter, limits, refused } = options
  const sent = (text: string): void => counter.sent(text)

  function deliver(bytes: Buffer, at: number, flow: Flow): void {
    const parsed = parseMessage(bytes)
    if (parsed.kind === 'Malformed') return options.malformed(parsed.reason, flow, parsed.request)
    const { message, text } = parsed
    counter.received(message.headers.cseq?.method ?? '', message.kind === 'Response' ? message.code : undefined)
    options.receive(message, { text, at, flow })
  }

  /** What is asked for, or any that is free. */
  const portsOf = (transport: Transport): PortRange => {
    const port = ports[transport] ?? 0
    return port === 0 && options.portRange ? options.portRange : { from: port, to: port }
  }

  await using stack = new AsyncDisposableStack()
  const udp = stack.use(
    await bindOneOf(portsOf('UDP'), (port) =>
      bindUdp({
        ...{ clock, host, port, externalAddress, sent },
        localHost: (remote) => addresses.known(remote) ?? host,
        receive(bytes, at, flow) {
          // Keep-alives of RFC 5626 and of routers: an empty line, or four zero bytes.
          if (bytes.length <= 4) return
          const { remote } = flow
          if (addresses.known(remote.host) !== undefined) return deliver(bytes, at, flow)
          if (addresses.pending >= limits.routeLookups) return void refused.routes++
          // The first word from this peer: our answer names the address that reaches it.
          void addresses.find(remote.host).then(() => deliver(bytes, at, udp.flow(remote.host, remote.port)))
        },
      }),
    ),
  )
  const bound: Partial<Record<Transport, number>> = {}
  const connections = new Connections({
    ...{ clock, random, host, externalAddress, limits, refused, sent, receive: deliver },
    broken: (flow, reason) => options.malformed(reason, flow),
    listening: (transport) => bound[transport],
  })
  const listen = async (transport: ConnectionTransport): Promise<number> => {
    const listener = stack.use(
      await listenFor(transport, {
        ...{ clock, host, ports: portsOf(transport), limits, refused, identity: options.identity },
        taken: (channel, remote) => connections.take(channel, { ...remote, transport }),
      }),
    )
    bound[transport] = listener.port
    return listener.port
  }
  const tcp = await listen('TCP')
  for (const transport of ['TLS', 'WS', 'WSS'] as const) if (ports[transport] !== undefined) await listen(transport)
  // It goes first: a listener waits for those it let in.
  stack.use(connections)
  const owned = stack.move()
  return {
    ways: {
      udp: (remote, port) => udp.flow(remote, port),
      present: (target) => connections.present(target),
      securing: (target) => connections.securing(target),
      open: (target) => connections.open(target),
    },
    ports: { ...bound, UDP: udp.port, TCP: tcp },
    get connections() {
      return connections.size
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
