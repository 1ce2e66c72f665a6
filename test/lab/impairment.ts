/** A relay between two UDP peers that does to datagrams what a schedule says, and keeps a record of it; it does not know what is in them. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIP, isIPv6 } from 'node:net'
import { type Clock, systemClock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'
import { type Impairment, Schedule } from './impairment-schedule.ts'

/** A datagram on its way, and what became of it. Stamps are Clock.monotonic, milliseconds. */
export interface Passage {
  /** As it came. */
  readonly bytes: Buffer
  /** As it left. */
  readonly translated: Buffer
  /** The same bytes came from this side before. */
  readonly again: boolean
  readonly arrivedAt: number
  /** Of each copy when it left, taken right before it was sent: none (lost), one or two. */
  readonly departures: number[]
  /** One that came later from this side left before it. */
  overtaken: boolean
}

/** From which side it came. */
export type Side = 'left' | 'right'

export interface RelayOptions {
  /** Port of each peer on the host. */
  left: number
  right: number
  /** An IP address of this machine, for all. Default: 127.0.0.1. */
  host?: string
  random: Random
  /** Default: the system's. */
  clock?: Clock
  /** For what comes from the left and from the right peer. */
  impairments: Readonly<Record<Side, Impairment>>
  /** Changes what names the peers inside of a datagram. Default: nothing is changed. */
  translate?: (bytes: Buffer, from: Side, addresses: Addresses) => Buffer
}

export interface Addresses {
  /** Ports of the peers. */
  readonly peers: Readonly<Record<Side, number>>
  /** Ports of the relay: `left` stands in for the left peer towards the right one. */
  readonly standIns: Readonly<Record<Side, number>>
}

export interface Relay extends AsyncDisposable {
  /** What the left peer takes for the right one, and the other way round. */
  readonly ports: Readonly<Record<Side, number>>
  /** In the order they came. */
  readonly record: Readonly<Record<Side, readonly Readonly<Passage>[]>>
  /** Copies of what came from each side that have not left yet. */
  readonly underWay: Readonly<Record<Side, number>>
}

/** Bytes; what the kernel drops would not be in the record. */
const BUFFER = 8_000_000

/**
 * The peers know only the relay: each sends to the socket that stands in for the other.
 *
 *     left peer <---> [right's stand-in]  relay  [left's stand-in] <---> right peer
 */
export async function impairmentRelay(options: RelayOptions): Promise<Relay> {
  const { left, right, host = '127.0.0.1', random, clock = systemClock, impairments, translate } = options
  await using stack = new AsyncDisposableStack()
  /** By the peer that they face. */
  const sockets = { left: stack.use(await boundSocket(host)), right: stack.use(await boundSocket(host)) }
  const ports = { left: sockets.left.port, right: sockets.right.port }
  const addresses: Addresses = { peers: { left, right }, standIns: { left: ports.right, right: ports.left } }
  const record: Record<Side, Passage[]> = { left: [], right: [] }
  const held = new Set<Disposable>()
  stack.defer(() => {
    for (const timer of held) timer[Symbol.dispose]()
  })

  const underWay: Record<Side, number> = { left: 0, right: 0 }

  function after(milliseconds: number, from: Side, leave: () => void): void {
    if (milliseconds === 0) return leave()
    underWay[from]++
    const timer = clock.timer(milliseconds, () => {
      held.delete(timer)
      underWay[from]--
      leave()
    })
    held.add(timer)
  }

  function relay(from: Side, to: Side): void {
    const schedule = new Schedule(impairments[from], random)
    const passages = record[from]
    const seen = new Set<string>()
    let latest = -1
    sockets[from].socket.on('message', (bytes) => {
      const arrivedAt = clock.monotonic()
      const text = bytes.toString('latin1')
      const translated = translate?.(bytes, from, addresses) ?? bytes
      const passage: Passage = { bytes, translated, again: seen.has(text), arrivedAt, departures: [], overtaken: false }
      seen.add(text)
      const place = passages.push(passage) - 1
      const leave = () => {
        if (place < latest) passage.overtaken = true
        latest = Math.max(latest, place)
        passage.departures.push(clock.monotonic())
        sockets[to].socket.send(translated, addresses.peers[to], host)
      }
      for (const delay of schedule.next()) after(delay, from, leave)
    })
  }
  relay('left', 'right')
  relay('right', 'left')
  const owned = stack.move()
  return {
    ports,
    record,
    underWay,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export interface BoundSocket extends AsyncDisposable {
  readonly socket: Socket
  readonly port: number
}

/** On a free port. A datagram leaves within `send`, so that a stamp taken right before it is that of its departure. */
export async function boundSocket(host: string): Promise<BoundSocket> {
  const sizes = { recvBufferSize: BUFFER, sendBufferSize: BUFFER }
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', lookup: literal, ...sizes })
  const listening = once(socket, 'listening')
  socket.bind(0, host)
  await listening
  return {
    socket,
    port: socket.address().port,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}

/** Node looks up the address of every datagram, which costs a turn of the event loop also for an IP address. */
function literal(
  address: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, address, isIP(address))
}

/** Datagrams that a side sent more than once, byte for byte: each time after the first. */
export const sentAgain = (passages: readonly Readonly<Passage>[]): number =>
  passages.filter(({ again }) => again).length

/** Datagrams that arrived more than once, sent again or doubled by the relay: each time after the first. */
export function arrivedAgain(passages: readonly Readonly<Passage>[]): number {
  const arrived = passages.filter(({ departures }) => departures.length > 0)
  const different = new Set(arrived.map(({ bytes }) => bytes.toString('latin1'))).size
  return arrived.reduce((sum, { departures }) => sum + departures.length, 0) - different
}
