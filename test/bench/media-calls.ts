/**
 * `node media-calls.ts '{"calls": 100, "seconds": 10, "rtpPorts": [P], "rtcpPort": P}'`: calls of one media engine to an echo, all in this
 * process; reports what each of them measured, and whether the process was fast enough to measure at all.
 */
import type { MediaSession } from '../../agent/media/index.ts'
import { createMediaEngine } from '../../agent/media/index.ts'
import { eventLoopLag, saturation } from '../../agent/run/saturation.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { expectShortLives } from '../../lib/short-lives.ts'
import { report } from './reporting.ts'

export interface CallsOptions {
  calls: number
  /** Of each call. */
  seconds: number
  /** Where the echo is; the calls take the ports of RTP in turn. */
  rtpPorts: readonly number[]
  rtcpPort: number
}

const HOST = '127.0.0.1'
/** Milliseconds from the begin of one call to that of the next. */
const STEP = 5

// As an agent does.
expectShortLives()
const { calls, seconds, rtpPorts, rtcpPort }: CallsOptions = JSON.parse(process.argv[2] ?? '')
await using media = createMediaEngine({ clock: systemClock, random: systemRandom })
const format = { codec: 'PCMA', ptime: 20, source: { kind: 'Tone' } } as const
media.prepare(format)
const sessions: MediaSession[] = []
for (let index = 0; index < calls; index++) {
  const outcome = await media.open(HOST)
  if (outcome.kind !== 'Open') throw new Error(outcome.kind)
  sessions.push(outcome.session)
}

using lag = eventLoopLag()
using pacing = media.watchPacing()
await Promise.all(sessions.map(call))
const measurement = { eventLoopLag: lag.p99(), pacingLateness: pacing.p99() }
report({ event: 'done', ...measurement, saturation: saturation(measurement) ?? '', ...media.gauges })
process.exit()

async function call(session: MediaSession, index: number): Promise<void> {
  await sleep(systemClock, index * STEP)
  const rtpPort = rtpPorts[index % rtpPorts.length] ?? 0
  session.start({
    ...{ ...format, payloadType: 8, remote: { host: HOST, rtpPort, rtcpPort } },
    jitterBuffer: { mode: 'Fixed', delay: 60 },
  })
  for (let second = 0; second < seconds; second++) {
    await sleep(systemClock, 1000)
    session.sample()
  }
  const { metrics, packetsReceived, packetsSent } = session.report()
  const { packetsLost: lost, duplicates, outOfOrder, longestLossRun, jitter, rtt } = metrics
  const counts = { packetsReceived, packetsSent, lost, duplicates, outOfOrder, longestLossRun }
  report({ event: 'call', port: session.rtpPort, ...counts, jitter, rtt })
}
