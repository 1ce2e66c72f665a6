/** What the programs of the media bench have in common: what they are told, their sockets, and how they measure themselves. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import type { SuiteName } from '../../agent/media/srtp/index.ts'
import { pause, report } from './reporting.ts'

export interface LoadOptions {
  readonly calls: number
  /** Where their packets go, in turn; empty: the calls echo what comes. */
  readonly ports: readonly number[]
  /** Where their reports go; 0: to where reports come from. */
  readonly rtcpPort: number
  /** Seconds, before the window and of it. */
  readonly warmUp: number
  readonly seconds: number
  /** Of the engine's calls, both ways; absent: not encrypted. */
  readonly suite?: SuiteName | undefined
}

export const HOST = '127.0.0.1'
/** Milliseconds. */
export const PTIME = 20
/** Steps of 0.05 ms up to 100 ms. */
export const LATENESS = { step: 0.05, steps: 2000 } as const

/** Of any port. Node looks up the address of each packet; here as the engine does, without leaving the turn. */
export async function boundSocket(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', lookup: (address, _options, callback) => callback(null, address, 4) })
  const listening = once(socket, 'listening')
  socket.bind({ address: HOST, port: 0, exclusive: true })
  await listening
  return socket
}

interface Counts {
  readonly packetsSent: number
  readonly packetsReceived: number
}

/** The window: packets of it, seconds, and microseconds of user and system time. Says when it begins and ends. */
export async function measured(seconds: number, counts: () => Counts) {
  const { packetsSent, packetsReceived } = counts()
  report({ event: 'begin' })
  const [begin, processor] = [performance.now(), process.cpuUsage()]
  await pause(seconds * 1000)
  const [elapsed, { user, system }, end] = [performance.now() - begin, process.cpuUsage(processor), counts()]
  report({ event: 'end' })
  const packets = { sent: end.packetsSent - packetsSent, received: end.packetsReceived - packetsReceived }
  return { event: 'result', ...packets, seconds: elapsed / 1000, cpu: user + system }
}
