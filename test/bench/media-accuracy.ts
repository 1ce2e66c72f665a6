/** How exactly calls are measured while many of them run on one core: against the record of an echo on the other that is the impaired network. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EchoOptions } from '../lab/impairment-echo.ts'
import { readRecord, type Row } from '../lab/impairment-record.ts'
import type { Impairment } from '../lab/impairment-schedule.ts'
import { truthOf } from '../lab/impairment-truth.ts'
import type { CallsOptions } from './media-calls.ts'
import { temporaryFolder } from '../lab/process.ts'
import { type Line, line, lines, number, pinned, program } from './process.ts'
import { percentile } from './statistics.ts'

/** Absolute differences, milliseconds. */
export interface Errors {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface Accuracy {
  readonly calls: number
  /** Of all calls together. */
  readonly packets: number
  readonly lost: number
  /** Calls in which a count is not the record's: packets lost, duplicates, out of order, longest run. */
  readonly miscounted: number
  /** Packets that the calls sent and the echo never got, because a socket was full: above 0 the record is not the truth. */
  readonly unrecorded: number
  readonly jitter: Errors
  /** Of the calls that measured one. */
  readonly roundTrip: Errors
  /** Calls without a round trip. */
  readonly withoutRoundTrip: number
  /** Why the figures would not count in a run; empty: they count. */
  readonly saturation: string
}

/** Some 3 % lost in bursts, some jitter that reorders, a few duplicates. */
const NETWORK: Impairment = {
  loss: { toBad: 0.01, toGood: 0.4, lossInGood: 0.005, lossInBad: 1 },
  duplication: 0.005,
  delay: 40,
  jitter: { kind: 'Gamma', shape: 2, scale: 4 },
  reordering: { share: 0.01, delay: 30 },
}
/** Milliseconds. */
const ROUND_TRIP = 80
const CLOCK_RATE = 8000
const COUNTS = ['lost', 'duplicates', 'outOfOrder', 'longestLossRun'] as const

/** @param seconds of each call @throws when a process ends early or a call is not on record */
export async function mediaAccuracy(options: { calls: number; seconds: number }): Promise<Accuracy> {
  const { calls, seconds } = options
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('accuracy')).path
  const record = join(folder, 'record')
  const network: EchoOptions = { impairment: NETWORK, roundTrip: ROUND_TRIP, seed: calls, record }
  const echo = stack.use(
    await pinned({
      core: 'Peer',
      command: process.execPath,
      arguments: [join(import.meta.dirname, '../lab/impairment-echo.ts'), JSON.stringify(network)],
      ready: (log) => lines(log, 'ready').length > 0,
    }),
  )
  const ready = await line(echo.child, 'ready', { within: 1 })
  if (!Array.isArray(ready['rtpPorts'])) throw new Error('the echo has no ports')
  const rtpPorts = ready['rtpPorts'].map(Number)
  const wanted: CallsOptions = { calls, seconds, rtpPorts, rtcpPort: number(ready, 'rtcpPort') }
  const agent = stack.use(await program('Measured', 'media-calls.ts', [JSON.stringify(wanted)]))
  const done = await line(agent.child, 'done', { within: seconds + calls / 100 + 60 })
  await echo.child.stop()
  return judge(lines(agent.child.log(), 'call'), readRecord(readFileSync(record)), String(done['saturation']))
}

function judge(measured: readonly Line[], rows: readonly Row[], saturation: string): Accuracy {
  const byPort = Map.groupBy(rows, ({ port }) => port)
  const [jitter, roundTrip]: [number[], number[]] = [[], []]
  let [packets, lost, miscounted, unrecorded] = [0, 0, 0, 0]
  for (const call of measured) {
    const port = number(call, 'port')
    const passages = byPort.get(port) ?? []
    const truth = truthOf(passages, CLOCK_RATE, number(call, 'packetsReceived'))
    unrecorded += Math.max(0, number(call, 'packetsSent') - passages.length)
    packets += truth.packets
    lost += truth.lost
    const exact = COUNTS.every((count) => number(call, count) === truth[count])
    if (!exact) miscounted++
    jitter.push(Math.abs(number(call, 'jitter') - truth.jitter))
    // The system gives RTCP the odd port after that of RTP.
    const held = (byPort.get(port + 1) ?? []).flatMap(({ arrivedAt, departures }) =>
      departures.map((at) => at - arrivedAt),
    )
    if (call['rtt'] !== undefined) roundTrip.push(Math.abs(number(call, 'rtt') - mean(held)))
  }
  return {
    ...{ calls: measured.length, packets, lost, miscounted, unrecorded, saturation },
    ...{ jitter: errors(jitter), roundTrip: errors(roundTrip), withoutRoundTrip: measured.length - roundTrip.length },
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length

function errors(values: readonly number[]): Errors {
  const sorted = values.toSorted((one, other) => one - other)
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), max: sorted.at(-1) ?? NaN }
}
