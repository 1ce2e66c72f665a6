/** A relay between two UDP peers that loses, delays, reorders and doubles datagrams by a seeded choice, and keeps a record of what it did to each; it does not know what is in them. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Clock, systemClock } from '../../lib/clock.ts'
import type { Random } from '../../lib/random.ts'

/** What is done to the datagrams of one direction. Shares are from 0 to 1; what is left out is not done. */
export interface Impairment {
  /** Share that never arrives. */
  loss?: number
  /** Share that arrives twice, each with a delay of its own. */
  duplication?: number
  /** Milliseconds that each one takes. */
  delay?: number
  /** Up to so many milliseconds more, evenly distributed: what came later by less may overtake. */
  jitter?: number
}

/** A datagram on its way, and what became of it. */
export interface Passage {
  /** As it came. */
  readonly bytes: Buffer
  /** The same bytes came from this side before. */
  readonly again: boolean
  /** How often it left the relay: 0 (lost), 1 or 2. */
  copies: number
  /** One that came later from this side left before it. */
  overtaken: boolean
}

/** From which side it came. */
export type Side = 'left' | 'right'

export interface RelayOptions {
  /** Port of each peer on 127.0.0.1. */
  left: number
  right: number
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
}

const HOST = '127.0.0.1'
/** Bytes; what the kernel drops would not be in the record. */
const BUFFER = 8_000_000

/**
 * The peers know only the relay: each sends to the socket that stands in for the other.
 *
 *     left peer <---> [right's stand-in]  relay  [left's stand-in] <---> right peer
 */
export async function impairmentRelay(options: RelayOptions): Promise<Relay> {
  const { left, right, random, clock = systemClock, impairments, translate } = options
  await using stack = new AsyncDisposableStack()
  /** By the peer that they face. */
  const sockets = { left: await socket(stack), right: await socket(stack) }
  const ports = { left: sockets.left.address().port, right: sockets.right.address().port }
  const addresses: Addresses = { peers: { left, right }, standIns: { left: ports.right, right: ports.left } }
  const record: Record<Side, Passage[]> = { left: [], right: [] }
  const held = new Set<Disposable>()
  stack.defer(() => {
    for (const timer of held) timer[Symbol.dispose]()
  })

  function after(milliseconds: number, leave: () => void): void {
    if (milliseconds === 0) return leave()
    const timer = clock.timer(milliseconds, () => {
      held.delete(timer)
      leave()
    })
    held.add(timer)
  }

  function relay(from: Side, to: Side): void {
    const { loss = 0, duplication = 0, delay = 0, jitter = 0 } = impairments[from]
    const passages = record[from]
    const seen = new Set<string>()
    let latest = -1
    sockets[from].on('message', (bytes) => {
      const text = bytes.toString('latin1')
      const passage: Passage = { bytes, again: seen.has(text), copies: 0, overtaken: false }
      seen.add(text)
      const place = passages.push(passage) - 1
      if (random() < loss) return
      const translated = translate?.(bytes, from, addresses) ?? bytes
      const leave = () => {
        passage.copies++
        if (place < latest) passage.overtaken = true
        latest = Math.max(latest, place)
        sockets[to].send(translated, addresses.peers[to], HOST)
      }
      after(delay + random() * jitter, leave)
      if (random() < duplication) after(delay + random() * jitter, leave)
    })
  }
  relay('left', 'right')
  relay('right', 'left')
  const owned = stack.move()
  return { ports, record, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function socket(stack: AsyncDisposableStack): Promise<Socket> {
  const made = createSocket({ type: 'udp4', recvBufferSize: BUFFER, sendBufferSize: BUFFER })
  stack.defer(async () => {
    const closed = once(made, 'close')
    made.close()
    await closed
  })
  made.bind(0, HOST)
  await once(made, 'listening')
  return made
}

/** Datagrams that a side sent more than once, byte for byte: each time after the first. */
export const sentAgain = (passages: readonly Readonly<Passage>[]): number =>
  passages.filter(({ again }) => again).length

/** Datagrams that arrived more than once, sent again or doubled by the relay: each time after the first. */
export function arrivedAgain(passages: readonly Readonly<Passage>[]): number {
  const arrived = passages.filter(({ copies }) => copies > 0)
  const different = new Set(arrived.map(({ bytes }) => bytes.toString('latin1'))).size
  return arrived.reduce((sum, { copies }) => sum + copies, 0) - different
}
