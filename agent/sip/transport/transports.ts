/** The transport layer (RFC 3261 18): both sockets, and the way of a message from its bytes to whom it concerns. */
import type { Clock } from '../../../lib/clock.ts'
import type { LocalAddresses } from '../locate/addresses.ts'
import type { Ports, Transport } from '../engine.ts'
import type { Arrival, Flow } from './flow.ts'
import type { Limits, Refusals } from '../limits.ts'
import { type Message, parseMessage, type Request } from '../message/message.ts'
import type { MessageCounter } from './message-counter.ts'
import type { Ways } from './reply-path.ts'
import { listenTcp } from './tcp.ts'
import { bindUdp } from './udp.ts'

export interface TransportOptions {
  clock: Clock
  host: string
  ports: Partial<Record<Transport, number>>
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
}

/** Binds UDP and TCP. @throws with `code`, `address` and `port` when one of them cannot be bound; then none is */
export async function bindTransports(options: TransportOptions): Promise<Transports> {
  const { clock, host, ports, addresses, counter, limits, refused } = options
  const sent = (text: string): void => counter.sent(text)

  function deliver(bytes: Buffer, at: number, flow: Flow): void {
    const parsed = parseMessage(bytes)
    if (parsed.kind === 'Malformed') return options.malformed(parsed.reason, flow, parsed.request)
    const { message, text } = parsed
    counter.received(message.headers.cseq?.method ?? '', message.kind === 'Response' ? message.code : undefined)
    options.receive(message, { text, at, flow })
  }

  await using stack = new AsyncDisposableStack()
  const udp = stack.use(
    await bindUdp({
      ...{ clock, host, port: ports.UDP ?? 0, sent },
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
  )
  const tcp = stack.use(
    await listenTcp({
      ...{ clock, host, port: ports.TCP ?? 0, limits, refused, sent, receive: deliver },
      broken: (flow, reason) => options.malformed(reason, flow),
    }),
  )
  const owned = stack.move()
  return {
    ways: { udp: (remote, port) => udp.flow(remote, port), open: (target) => tcp.open(target) },
    ports: { UDP: udp.port, TCP: tcp.port },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
