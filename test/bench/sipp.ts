/** SIPp as one side of a run, with its own scenarios `uac` and `uas`; its counts are those of its statistics file. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, isBound } from '../lab/ports.ts'
import { type Core, type Pinned, pinned } from './process.ts'
import type { BenchTransport } from './transports.ts'

/** Without a terminal it has no keyboard; its default socket buffer loses INVITEs at some thousand calls a second. */
const COMMON = [
  ...['-i', '127.0.0.1', '-nostdin', '-buff_size', '4000000'],
  ...['-trace_stat', '-stf', 'stat.csv', '-fd', '100ms'],
]

function over(transport: BenchTransport): string[] {
  if (transport === 'TLS') throw new Error('SIPp has no TLS here')
  return transport === 'TCP' ? ['-t', 't1'] : []
}

export async function sippUas(core: Core, transport: BenchTransport): Promise<{ process: Pinned; port: number }> {
  const port = await freePort()
  const process = await pinned({
    core,
    command: 'sipp',
    arguments: ['-sn', 'uas', '-p', String(port), ...COMMON, ...over(transport)],
    ready: () => isBound(port, transport === 'TCP' ? 'tcp' : 'udp'),
  })
  return { process, port }
}

export interface SippLoad {
  readonly core: Core
  readonly port: number
  readonly transport: BenchTransport
  /** Calls a second. */
  readonly rate: number
  readonly seconds: number
}

/** Calls for so long; it ends by itself when all calls are over. */
export async function sippUac({ core, port, transport, rate, seconds }: SippLoad): Promise<Pinned> {
  const own = await freePort()
  const rates = ['-r', String(rate), '-rp', '1000', '-m', String(Math.round(rate * seconds)), '-l', '100000', '-d', '0']
  return pinned({
    core,
    command: 'sipp',
    arguments: [`127.0.0.1:${port}`, '-sn', 'uac', '-p', String(own), ...rates, ...COMMON, ...over(transport)],
  })
}

export interface Counts {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly successful: number
  readonly failed: number
  readonly retransmissions: number
}

/** All rows that SIPp has written so far, one each 100 ms. */
export function counts({ folder }: Pinned): Counts[] {
  const [names = [], ...rows] = readFileSync(join(folder, 'stat.csv'), 'utf8')
    .split('\n')
    .map((line) => line.split(';'))
  return rows
    .filter((row) => row.length === names.length)
    .map((row) => {
      const field = (name: string): string => row[names.indexOf(name)] ?? ''
      return {
        at: Number(field('CurrentTime').split('\t').at(-1)) * 1000,
        successful: Number(field('SuccessfulCall(C)')),
        failed: Number(field('FailedCall(C)')),
        retransmissions: Number(field('Retransmissions(C)')),
      }
    })
}

/** Successful calls at a moment between two rows. */
export function successfulAt(rows: readonly Counts[], at: number): number {
  const next = rows.findIndex((row) => row.at >= at)
  const [before, after] = [rows[next - 1], rows[next]]
  if (!after) return rows.at(-1)?.successful ?? 0
  if (!before) return after.successful
  return before.successful + ((after.successful - before.successful) * (at - before.at)) / (after.at - before.at)
}
