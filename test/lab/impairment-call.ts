/** A call of two media sessions through the relay, and what the relay's record says that they must have measured. It knows no SIP. */
import { createMediaEngine, type MediaSession, type Source } from '../../agent/media/index.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { type Random, seededRandom } from '../../lib/random.ts'
import { randomImpairment } from './impairment-cases.ts'
import type { RtpPassage } from './impairment-record.ts'
import type { Impairment } from './impairment-schedule.ts'
import { type Truth, truthOf } from './impairment-truth.ts'
import { impairmentRelay, type Passage, type Relay, type Side } from './impairment.ts'
import { until } from './process.ts'

export interface CallOptions {
  seed: number
  /** Of RTP; RTCP is delayed and doubled as the seed says, but not lost. Default: as the seed says. */
  impairments?: Readonly<Record<Side, Impairment>>
  /** Default: 127.0.0.1. */
  host?: string
  /** The numbers of what comes to the caller wrap, and in the middle its SSRC changes, and later its numbers again. Default: they do not. */
  restless?: boolean
}

export interface Judged {
  report: ReturnType<MediaSession['report']>
  truth: Truth
}

export interface CallFigures extends Record<'caller' | 'callee', Judged> {
  /** Second after second, as the caller measured it, and as long as the relay held the SR and the report about it; milliseconds. */
  roundTrips: { measured: number; held: number }[]
}

export interface ImpairedCall extends AsyncDisposable {
  /** Where the caller receives RTP. */
  readonly callerPort: number
  start(): void
  /** Ends the call, and waits until all that was under way has arrived. */
  finish(): Promise<void>
  /** After the end. It takes some time to compute, which other calls of this process would measure. */
  figures(): CallFigures
}

const CLOCK_RATE = 8000

export async function impairedCall({ seed, host = '127.0.0.1', ...options }: CallOptions): Promise<ImpairedCall> {
  await using stack = new AsyncDisposableStack()
  const random = seededRandom(seed)
  const media = stack.use(createMediaEngine({ clock: systemClock, random }))
  const open = async (): Promise<MediaSession> => {
    const outcome = await media.open(host)
    if (outcome.kind !== 'Open') throw new Error(outcome.kind)
    return stack.use(outcome.session)
  }
  const [caller, callee] = [await open(), await open()]
  const rtp = stack.use(
    await impairmentRelay({
      ...{ left: caller.rtpPort, right: callee.rtpPort, host, random },
      impairments: options.impairments ?? { left: randomImpairment(random), right: randomImpairment(random) },
      ...(options.restless && { translate: restless(random) }),
    }),
  )
  const ofReports = { delay: random() * 150, jitter: random() * 30, duplication: 0.1 }
  const rtcp = stack.use(
    await impairmentRelay({
      ...{ left: caller.rtcpPort, right: callee.rtcpPort, host, random },
      impairments: { left: ofReports, right: { ...ofReports, delay: random() * 150 } },
    }),
  )
  const start = (session: MediaSession, side: Side, source: Source) =>
    session.start({
      remote: { host, rtpPort: rtp.ports[side], rtcpPort: rtcp.ports[side] },
      ...{ codec: 'PCMA', payloadType: 8, ptime: 20, source, jitterBuffer: { mode: 'Fixed', delay: 60 } },
    })

  const samples: Sample[] = []
  let timer: Disposable | undefined
  stack.defer(() => timer?.[Symbol.dispose]())
  const everySecond = () => {
    timer = systemClock.timer(1000, () => {
      samples.push({ rtt: caller.sample().rtt, until: systemClock.monotonic() })
      everySecond()
    })
  }

  const owned = stack.move()
  return {
    callerPort: caller.rtpPort,
    start() {
      start(callee, 'right', { kind: 'Speech' })
      start(caller, 'left', { kind: 'Tone' })
      everySecond()
    },
    async finish() {
      callee.stop()
      const arrived = () =>
        rtp.record.right.length === callee.report().packetsSent &&
        rtp.underWay.right + rtcp.underWay.right === 0 &&
        caller.report().packetsReceived === departed(rtp.record.right)
      // What left last may still be in a socket: it is read before the timer of a later turn.
      await sleep(systemClock, 20)
      await until(arrived, { what: 'all that the callee sent has arrived' })
      await sleep(systemClock, 20)
      caller.stop()
    },
    figures() {
      return {
        caller: { report: caller.report(), truth: truthOf(passages(rtp, 'right'), CLOCK_RATE) },
        callee: {
          report: callee.report(),
          truth: truthOf(passages(rtp, 'left'), CLOCK_RATE, callee.report().packetsReceived),
        },
        roundTrips: roundTrips(samples, held(rtcp)),
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const departed = (record: readonly Passage[]): number =>
  record.reduce((sum, { departures }) => sum + departures.length, 0)

/** RFC 3550 5.1: what left, under the header that it left with. */
function passages(relay: Relay, from: Side): RtpPassage[] {
  return relay.record[from].map(({ translated, arrivedAt, departures }) => ({
    ...{ ssrc: translated.readUInt32BE(8), sequenceNumber: translated.readUInt16BE(2) },
    ...{ timestamp: translated.readUInt32BE(4), arrivedAt, departures },
  }))
}

/** After so many packets the numbers wrap, the SSRC is another, and the numbers are others. */
const WRAP = 40
const SWITCH = 80
const RESET = 140

/** For what comes from the right. */
function restless(random: Random): (bytes: Buffer, from: Side) => Buffer {
  const ssrc = Math.floor(random() * 2 ** 32)
  let count = 0
  let offset = 0
  return (bytes, from) => {
    if (from === 'left') return bytes
    if (count === 0) offset = 65_536 - WRAP - bytes.readUInt16BE(2)
    if (count === RESET) offset += 20_000
    const changed = Buffer.from(bytes)
    changed.writeUInt16BE((bytes.readUInt16BE(2) + offset) & 0xffff, 2)
    if (count >= SWITCH) changed.writeUInt32BE(ssrc, 8)
    count++
    return changed
  }
}

const SR = 200
/** Octets of header and sender information before the report blocks (RFC 3550 6.4.1, 6.4.2). */
const BEFORE_BLOCKS = { SR: 28, RR: 8 }

interface Sample {
  rtt: number | undefined
  /** Clock.monotonic of its end. */
  until: number
}

/** A report that came to the caller. */
interface Held {
  /** Clock.monotonic of when the relay sent it to the caller. */
  at: number
  /** Milliseconds that it and the SR that it names were held. */
  time: number
}

/**
 *     caller   SR -----> [held] ----> callee           round trip = both times that the relay held them
 *              <-------- [held] <---- report, LSR = that SR
 *
 * Of an SR that came twice, the callee counts from the copy that came last before its report.
 */
function held({ record }: Relay): Held[] {
  return record.right.flatMap(({ bytes, arrivedAt, departures }) => {
    const blocks = bytes.readUInt8(1) === SR ? BEFORE_BLOCKS.SR : BEFORE_BLOCKS.RR
    if ((bytes.readUInt8(0) & 0x1f) === 0) return []
    const lastReport = bytes.readUInt32BE(blocks + 16)
    const named = record.left.find(
      (sent) => sent.bytes.readUInt8(1) === SR && sent.bytes.readUInt32BE(10) === lastReport,
    )
    const heard = named?.departures.filter((at) => at <= arrivedAt).at(-1)
    if (!named || heard === undefined) return []
    return departures.map((at) => ({ at, time: heard - named.arrivedAt + at - arrivedAt }))
  })
}

/** Seconds in which a report came. */
function roundTrips(samples: readonly Sample[], reports: readonly Held[]): CallFigures['roundTrips'] {
  return samples.flatMap(({ rtt, until: end }, index) => {
    const begin = samples[index - 1]?.until ?? 0
    const times = reports.filter(({ at }) => at > begin && at <= end).map(({ time }) => time)
    if (rtt === undefined || times.length === 0) return []
    return [{ measured: rtt, held: times.reduce((sum, time) => sum + time, 0) / times.length }]
  })
}
