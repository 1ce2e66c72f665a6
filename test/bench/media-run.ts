/** One run of the media bench: so many calls between a peer's core and the measured one, what they cost and how late packets were. */
import type { SuiteName } from '../../agent/media/srtp/index.ts'
import { freePort } from '../lab/ports.ts'
import type { LoadOptions } from './media-load.ts'
import { type Line, line, lines, number, type Pinned, pinned, processorTime, program } from './process.ts'

export interface MediaLoad {
  readonly calls: number
  /** Seconds before the window, and of it. */
  readonly warmUp: number
  readonly seconds: number
  /** Of our calls; absent: not encrypted. */
  readonly suite?: SuiteName
}

/** `Floor`: the same packets by node:dgram and nothing else. */
export type Callers = 'Ours' | 'Floor'
export type Echoes = 'Ours' | 'SIPp'

export interface CallersResult {
  /** Microseconds of user and system time for each packet sent or received. */
  readonly cpu: number
  /** Of the core: 0 to 1. */
  readonly share: number
  /** Milliseconds, 99th percentile: of the slots of the process, and of what arrived at the peer. */
  readonly late: number
  readonly lateAtPeer: number
  /** Sent, and not back at the end of the window. */
  readonly missing: number
}

const PROGRAMS = { Ours: 'media-engine.ts', Floor: 'media-floor.ts' } as const
/** Seconds that thousands of sockets may take to open. */
const OPENING = 60

/** Calls from the measured core to a peer that sends everything back. */
export async function runCallers(arm: Callers, load: MediaLoad): Promise<CallersResult> {
  const { process: peer, ports, rtcpPort } = await startPeer()
  await using _ = peer
  await using callers = await program('Measured', PROGRAMS[arm], [JSON.stringify({ ...load, ports, rtcpPort })])
  await line(callers.child, 'begin', { within: load.warmUp + OPENING })
  process.kill(peer.child.pid, 'SIGUSR2')
  await line(callers.child, 'end', { within: load.seconds + 30 })
  process.kill(peer.child.pid, 'SIGUSR2')
  const result = await line(callers.child, 'result', { within: 5 })
  const atPeer = await line(peer.child, 'lateness', { count: 2, within: 5 })
  const [cpu, sent, received] = [number(result, 'cpu'), number(result, 'sent'), number(result, 'received')]
  return {
    cpu: cpu / (sent + received),
    share: cpu / 1e6 / number(result, 'seconds'),
    late: number(result, 'lateness'),
    lateAtPeer: number(atPeer, 'p99'),
    missing: Math.max(0, sent - received),
  }
}

/** The far end of the calls of ours and of the floor. */
export async function startPeer(): Promise<{ process: Pinned; ports: number[]; rtcpPort: number }> {
  const process = await program('Peer', 'media-peer.ts', [], 'ready')
  const ready = await line(process.child, 'ready', { within: 1 })
  return { process, ports: portsOf(ready), rtcpPort: number(ready, 'rtcpPort') }
}

/** Microseconds of an echo on the measured core for each packet that it received or sent; the same sender for both. */
export async function runEcho(arm: Echoes, load: MediaLoad): Promise<number> {
  const { process: echo, ports } = await (arm === 'Ours' ? ourEcho(load) : sippEcho())
  await using _ = echo
  const options: LoadOptions = { ...load, ports, rtcpPort: 0 }
  await using sender = await program('Peer', 'media-floor.ts', [JSON.stringify(options)])
  await line(sender.child, 'begin', { within: load.warmUp + OPENING })
  const before = processorTime(echo.child)
  await line(sender.child, 'end', { within: load.seconds + 30 })
  const time = processorTime(echo.child) - before
  const result = await line(sender.child, 'result', { within: 5 })
  // What did not come back was lost before the echo: nobody else has a buffer that is too small.
  return time / (2 * number(result, 'received'))
}

async function ourEcho({ calls }: MediaLoad): Promise<{ process: Pinned; ports: number[] }> {
  const forever = 3600
  const options: LoadOptions = { calls, ports: [], rtcpPort: 0, warmUp: forever, seconds: 0 }
  const echo = await program('Measured', 'media-engine.ts', [JSON.stringify(options)], 'ready')
  return { process: echo, ports: portsOf(lines(echo.child.log(), 'ready')[0] ?? {}) }
}

async function sippEcho(): Promise<{ process: Pinned; ports: number[] }> {
  const [port, own] = [await freePort(), await freePort()]
  const host = '127.0.0.1'
  const rtp = ['-rtp_echo', '-mi', host, '-mp', String(port), '-rtp_buffsize', '4000000']
  const process = await pinned({
    core: 'Measured',
    command: 'sipp',
    arguments: ['-sn', 'uas', '-i', host, '-p', String(own), '-nostdin', ...rtp],
  })
  return { process, ports: [port] }
}

function portsOf({ ports }: Line): number[] {
  if (!Array.isArray(ports)) throw new Error('a program of the bench has no ports')
  return ports.map(Number)
}
