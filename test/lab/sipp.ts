/** SIPp as callee and as caller, with its own scenarios or those in scenarios/; its digest knows MD5 only, its transports are UDP and TCP. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, freeRtpPorts, isBound } from './ports.ts'
import { type Ending, start, temporaryFolder } from './process.ts'

interface Counts {
  readonly calls: number
  readonly successful: number
  readonly failed: number
  /** Still up. */
  readonly current: number
}

interface Sipp extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  readonly pid: number
  /** From its statistics file, at most 200 ms old. A call to the scenario `uas` counts as current until 4 s after its BYE. */
  counts(): Counts
  /** SIGTERM: SIPp ends at once, calls that are up are not hung up. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Its screens, what its scenario logs, and the messages it did not expect. */
  log(): string
}

export interface CalleeOptions {
  /** Default: a free one. */
  readonly port?: number
  readonly transport?: 'udp' | 'tcp'
  /** Sends each RTP packet back to where it came from. Default: it sends nothing. */
  readonly rtpEcho?: boolean
  /** What the scenario `plays` plays: octets of G.711, 8000 a second. */
  readonly played?: Uint8Array
  /** The name of one in scenarios/, or the path of a file. Default: SIPp's own `uas`, which rings and answers at once, with PCMU whatever was offered. */
  readonly scenario?: string
  /** What the scenario leaves open, `[name]` in its messages; lines of a value end with CRLF. */
  readonly keys?: Readonly<Record<string, string>>
  /** Passes over messages that its scenario does not expect there, instead of failing the call: for bad networks, and for Kamailio, whose workers may let a BYE overtake the ACK. Default false. */
  readonly tolerant?: boolean
}

export interface SippCallee extends Sipp {
  /** `host:port`, as a route of Kamailio. */
  readonly target: string
  /** Where the RTP echo listens. */
  readonly rtpPort: number
}

export async function sippCallee(options: CalleeOptions = {}): Promise<SippCallee> {
  const { port = await freePort(), transport = 'udp', rtpEcho = false, tolerant = false } = options
  const { scenario, keys = {}, played } = options
  // The echo of audio listens on the first, that of video two above.
  const rtpPort = await freeRtpPorts(4)
  const sipp = await startSipp({
    port,
    arguments: [
      ...(scenario === undefined ? ['-sn', 'uas'] : ['-sf', scenarioFile(scenario)]),
      ...keyArguments(keys),
      ...['-mp', String(rtpPort)],
      ...(rtpEcho ? ['-rtp_echo'] : []),
      ...(tolerant ? ['-default_behaviors', 'all,-abortunexp'] : []),
      ...transportArguments(transport),
    ],
    // A question in SIP would be a failed call in its counts.
    ready: () => isBound(port, transport),
    ...(played && { played }),
  })
  return { ...sipp, target: `127.0.0.1:${port}`, rtpPort }
}

export interface CallerOptions {
  /** `host:port` to which everything is sent. */
  readonly target: string
  /** The name of one in scenarios/, or the path of a file. */
  readonly scenario: string
  /** What the scenario leaves open, `[name]` in its messages; lines of a value end with CRLF. */
  readonly keys?: Readonly<Record<string, string>>
  /** Whom to call: the user of the Request-URI. */
  readonly service?: string
  /** Who calls or registers. Default `sipp`. */
  readonly user?: string
  /** Default `pw-` and the user. */
  readonly password?: string
  readonly transport?: 'udp' | 'tcp'
  /** Over UDP it sends again what was not answered, and its last message when it hears one again. Default true. */
  readonly retransmits?: boolean
  /** Sends a 1 kHz tone as PCMU, 20 ms packets, while the call is up. Default false: no RTP at all. */
  readonly rtp?: boolean
  /** How long a call stays up, milliseconds. Default 1000. */
  readonly hold?: number
  /** Default 1. */
  readonly calls?: number
  /** Calls a second. Default 10. */
  readonly rate?: number
}

export interface SippCaller extends Sipp {
  /** Resolves when all calls are over, a minute after the last should be at the latest; exit code 0 when all of them succeeded. */
  readonly finished: Promise<Ending & Counts>
}

export async function sippCaller(options: CallerOptions): Promise<SippCaller> {
  const { target, scenario, service = 'service', user = 'sipp', transport = 'udp', rtp = false } = options
  const { password = `pw-${user}`, hold = 1_000, calls = 1, rate = 10, keys = {}, retransmits = true } = options
  const [port, rtpPort] = [await freePort(), await freeRtpPorts(2)]
  const sipp = await startSipp({
    port,
    arguments: [
      ...[target, '-sf', scenarioFile(scenario), '-s', service, '-au', user, '-ap', password],
      ...keyArguments({ user, ...keys }),
      ...['-m', String(calls), '-r', String(rate), '-d', String(hold), '-mp', String(rtpPort)],
      // An INVITE without any answer is over after 32 s (timer B); what hangs longer is SIPp itself.
      ...['-timeout', String(Math.ceil(calls / rate + hold / 1_000 + 60)), '-timeout_error'],
      ...(rtp ? ['-set', 'rtp', '1'] : []),
      ...(retransmits ? [] : ['-nr']),
      ...transportArguments(transport),
    ],
  })
  return { ...sipp, finished: sipp.ended.then((ending) => ({ ...ending, ...sipp.counts() })) }
}

function scenarioFile(scenario: string): string {
  return scenario.includes('/') ? scenario : join(import.meta.dirname, 'scenarios', `${scenario}.xml`)
}

function keyArguments(keys: Readonly<Record<string, string>>): string[] {
  return Object.entries(keys).flatMap(([name, value]) => ['-key', name, value])
}

function transportArguments(transport: 'udp' | 'tcp'): string[] {
  return transport === 'tcp' ? ['-t', 't1'] : []
}

interface Launch {
  readonly port: number
  readonly arguments: readonly string[]
  readonly ready?: () => boolean
  readonly played?: Uint8Array
}

async function startSipp(launch: Launch): Promise<Sipp & { readonly ended: Promise<Ending> }> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('sipp')).path
  const [statistics, errors, logged] = [
    join(folder, 'statistics.csv'),
    join(folder, 'errors.log'),
    join(folder, 'logged.log'),
  ]
  writeFileSync(join(folder, 'tone.ulaw'), toneOfOneSecond())
  if (launch.played) writeFileSync(join(folder, 'played.ulaw'), launch.played)
  for (const file of [errors, logged]) writeFileSync(file, '')
  const child = await start({
    command: 'sipp',
    arguments: [
      ...launch.arguments,
      ...['-i', '127.0.0.1', '-p', String(launch.port), '-mi', '127.0.0.1'],
      // Without a terminal it has no keyboard; the default socket buffer loses INVITEs at some thousand calls a second.
      ...['-nostdin', '-buff_size', '4000000'],
      ...['-trace_stat', '-stf', statistics, '-fd', '200ms', '-trace_err', '-error_file', errors],
      ...['-trace_logs', '-log_file', logged],
    ],
    folder,
    ...(launch.ready && { ready: launch.ready }),
  })
  stack.use(child)
  const owned = stack.move()
  return {
    host: '127.0.0.1',
    port: launch.port,
    pid: child.pid,
    ended: child.ended,
    // It writes none when it does not even start; its log says why.
    counts: () => countsOf(existsSync(statistics) ? readFileSync(statistics, 'utf8') : ''),
    stop: async () => void (await child.stop()),
    kill: async () => void (await child.kill()),
    log: () => [child.log(), readFileSync(errors, 'utf8'), readFileSync(logged, 'utf8')].join('\n'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The last line that was written whole, under the names of the first. */
function countsOf(csv: string): Counts {
  const [names = [], ...rows] = csv.split('\n').map((line) => line.split(';'))
  const row = rows.findLast((each) => each.length === names.length)
  if (!row) return { calls: 0, successful: 0, failed: 0, current: 0 }
  const field = (name: string) => {
    const value = Number(row[names.indexOf(name)])
    if (!Number.isInteger(value)) throw new Error(`sipp: no column ${name} in its statistics`)
    return value
  }
  return {
    calls: field('TotalCallCreated'),
    successful: field('SuccessfulCall(C)'),
    failed: field('FailedCall(C)'),
    current: field('CurrentCall'),
  }
}

/** 1 kHz at 0 dBm0 as mu-law: the eight octets of ITU-T G.711 table 6, over and over. */
function toneOfOneSecond(): Buffer {
  const period = [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e]
  return Buffer.alloc(8_000, Uint8Array.from(period))
}
