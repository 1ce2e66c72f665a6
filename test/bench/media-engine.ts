/**
 * `node media-engine.ts '{"calls": 1000, "ports": [P], "rtcpPort": P, "warmUp": 2, "seconds": 4}'`: calls of one media engine, each sampled
 * once a second as a run does; without ports of a peer they echo what comes to theirs, as a responder's do.
 */
import type { MediaSession, Source } from '../../agent/media/index.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { type LoadOptions, measured, PTIME } from './media-load.ts'
import { benchMedia, openSessions, protectionOf, startSession } from './media-sessions.ts'
import { pause, report } from './reporting.ts'

/** Answered as a responder does that drops nothing and writes no record. */
const ECHO: Source = { kind: 'Echo', forward: () => true, sent: () => undefined }

/** Of so many that call, one is heard by the audio analysis. */
const ANALYSED = 100

const { calls, ports, rtcpPort, warmUp, seconds, suite }: LoadOptions = JSON.parse(process.argv[2] ?? '')
const media = benchMedia()
const sessions = await openSessions(media, calls)
const calling = ports.length > 0
const source: Source = calling ? { kind: 'Tone' } : ECHO
await Promise.all(sessions.map(begin))
report({ event: 'ready', ports: sessions.map(({ rtpPort }) => rtpPort) })
await pause(warmUp * 1000)
using pacing = media.watchPacing()
const result = await measured(seconds, () => media.gauges)
const { sendErrors, refused } = media.gauges
report({ ...result, lateness: pacing.p99() ?? null, sendErrors, refused })
process.exit()

/** Evenly over the slots of a packet time. */
async function begin(session: MediaSession, call: number): Promise<void> {
  await sleep(systemClock, call % PTIME)
  startSession(media, session, {
    ...{ rtpPort: ports[call % ports.length] ?? 0, rtcpPort, source, analysed: calling && call % ANALYSED === 0 },
    protection: suite && protectionOf(suite),
  })
}
