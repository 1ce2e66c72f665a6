/** One run: a UAC calls a UAS for some seconds, each of them ours or SIPp's; what it cost, and whether it went without a flaw. */
import { setTimeout as wait } from 'node:timers/promises'
import { line, lines, number, type Pinned, processorTime, program } from './process.ts'
import { counts, sippUac, sippUas, successfulAt } from './sipp.ts'
import type { BenchTransport } from './transports.ts'

export type Side = 'Ours' | 'SIPp'

export interface Arm {
  readonly uac: Side
  readonly uas: Side
  /** Which of the two has the measured core. */
  readonly measured: 'UAC' | 'UAS'
  readonly transport: BenchTransport
}

export interface Load {
  /** Calls a second, open loop; absent: as many as 100 at a time give (our UAC only). */
  readonly rate?: number
  readonly warmUp: number
  readonly seconds: number
}

export interface Result {
  /** Calls that were done in the window, a second. */
  readonly callsPerSecond: number
  /** Of the window; from our UAC those of calls begun in it. */
  readonly failed: number
  /** Of both sides, in the window. */
  readonly retransmissions: number
  /** User and system time for each call, microseconds. */
  readonly uacCpu: number
  readonly uasCpu: number
  /** Milliseconds from the INVITE to its 200; our UAC only. */
  readonly answerP50?: number
  readonly answerP99?: number
}

export async function run(arm: Arm, load: Load): Promise<Result> {
  const uasCore = arm.measured === 'UAS' ? 'Measured' : 'Peer'
  const { process: uas, port } = await startUas(arm.uas, uasCore, arm.transport)
  await using _ = uas
  return await (arm.uac === 'Ours' ? ours : sipps)(arm, load, uas, port)
}

export async function startUas(side: Side, core: 'Measured' | 'Peer', transport: BenchTransport, traces = true) {
  if (side === 'SIPp') return sippUas(core, transport)
  const options = [...(traces ? ['--traces'] : []), ...(transport === 'TLS' ? ['--tls'] : [])]
  const uas = await program(core, 'uas.ts', options, 'ready')
  const { ports } = await line(uas.child, 'ready', { within: 1 })
  const port = ports instanceof Object && transport in ports ? Reflect.get(ports, transport) : undefined
  return { process: uas, port: Number(port) }
}

async function ours(arm: Arm, { rate, warmUp, seconds }: Load, uas: Pinned, port: number): Promise<Result> {
  await using uac = await program(arm.measured === 'UAC' ? 'Measured' : 'Peer', 'uac.ts', [
    ...['--port', String(port), '--transport', arm.transport],
    ...['--warm-up', String(warmUp), '--seconds', String(seconds)],
    ...(rate === undefined ? [] : ['--rate', String(rate)]),
  ])
  await line(uac.child, 'begin', { within: warmUp + 30 })
  const before = processorTime(uas.child)
  await line(uac.child, 'end', { within: seconds + 30 })
  const uasTime = processorTime(uas.child) - before
  const result = await line(uac.child, 'result', { within: 30 })
  const calls = number(result, 'calls')
  return {
    callsPerSecond: number(result, 'callsPerSecond'),
    failed: number(result, 'failed'),
    retransmissions: number(result, 'retransmissionsSent') + number(result, 'retransmissionsReceived'),
    uacCpu: number(result, 'cpu'),
    uasCpu: uasTime / calls,
    answerP50: number(result, 'answerP50'),
    answerP99: number(result, 'answerP99'),
  }
}

async function sipps(arm: Arm, { rate = 4_000, warmUp, seconds }: Load, uas: Pinned, port: number): Promise<Result> {
  const core = arm.measured === 'UAC' ? 'Measured' : 'Peer'
  if (arm.uas === 'Ours') await warm(arm.transport, port, rate, warmUp)
  const lasting = warmUp + seconds
  await using uac = await sippUac({ core, port, transport: arm.transport, rate, seconds: lasting + 0.5 })
  await wait(warmUp * 1000)
  const sample = () => ({ at: Date.now(), uac: processorTime(uac.child), uas: processorTime(uas.child) })
  const before = sample()
  await wait(seconds * 1000)
  const after = sample()
  // What is still under way then is retransmitted by now, and counted as that.
  await Promise.race([uac.child.ended, wait(5_000)])
  const unfinished = uac.child.running
  await uac.child.stop()
  const rows = counts(uac)
  const calls = successfulAt(rows, after.at) - successfulAt(rows, before.at)
  const [first, last] = [rows.findLast(({ at }) => at <= before.at), rows.at(-1)]
  const since = (name: 'failed' | 'retransmissions') => (last?.[name] ?? 0) - (first?.[name] ?? 0)
  return {
    callsPerSecond: (calls / (after.at - before.at)) * 1000,
    failed: since('failed') + (unfinished ? 1 : 0),
    retransmissions: since('retransmissions') + (await resentBy(arm.uas, uas, before.at)),
    uacCpu: (after.uac - before.uac) / calls,
    uasCpu: (after.uas - before.uas) / calls,
  }
}

/** Our UAS at the end of its life tells what it sent again; of SIPp's it is what was sent again in the window. */
async function resentBy(side: Side, uas: Pinned, since: number): Promise<number> {
  if (side === 'SIPp') {
    const rows = counts(uas)
    const [first, last] = [rows.findLast(({ at }) => at <= since), rows.at(-1)]
    return (last?.retransmissions ?? 0) - (first?.retransmissions ?? 0)
  }
  await uas.child.stop()
  const [result = {}] = lines(uas.child.log(), 'result')
  return number(result, 'retransmissionsSent')
}

/** Lets the compiler see a UAS before it counts: half a window at a rate that it grows into. */
async function warm(transport: BenchTransport, port: number, rate: number, seconds: number): Promise<void> {
  for (const part of [0.1, 0.4]) {
    await using uac = await sippUac({
      core: 'Peer',
      port,
      transport,
      rate: Math.max(100, Math.round(rate * part)),
      seconds,
    })
    await Promise.race([uac.child.ended, wait(seconds * 1000 + 3_000)])
  }
}
