/** Sessions of our engine as calls of an agent have them, for the programs of the media bench; it measures nothing. */
import { randomBytes } from 'node:crypto'
import {
  createMediaEngine,
  type MediaEngine,
  type MediaSession,
  type Protection,
  type Source,
} from '../../agent/media/index.ts'
import { SrtpReceiver, SrtpSender, type SuiteName } from '../../agent/media/srtp/index.ts'
import { suites } from '../../agent/media/srtp/suites.ts'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { expectShortLives } from '../../lib/short-lives.ts'
import { HOST, PTIME } from './media-load.ts'

const FORMAT = { codec: 'PCMA', ptime: PTIME } as const

export function benchMedia(): MediaEngine {
  // As an agent does.
  expectShortLives()
  const media = createMediaEngine({ clock: systemClock, random: systemRandom })
  media.prepare({ ...FORMAT, source: { kind: 'Tone' } })
  return media
}

export async function openSessions(media: MediaEngine, count: number): Promise<MediaSession[]> {
  const sessions: MediaSession[] = []
  while (sessions.length < count) {
    const outcome = await media.open(HOST)
    if (outcome.kind !== 'Open') throw new Error(outcome.kind)
    sessions.push(outcome.session)
  }
  return sessions
}

export interface CallOptions {
  readonly rtpPort: number
  readonly rtcpPort: number
  readonly source: Source
  readonly analysed: boolean
  readonly protection?: Protection | undefined
}

/** Sends and measures, and is sampled each second from its own beginning on, as in a run. */
export function startSession(media: MediaEngine, session: MediaSession, options: CallOptions): void {
  const { rtpPort, rtcpPort, source, analysed, protection } = options
  session.start({
    ...{ ...FORMAT, payloadType: 8, source, remote: { host: HOST, rtpPort, rtcpPort } },
    jitterBuffer: { mode: 'Fixed', delay: 60 },
    ...(analysed && { analysis: 'On' }),
    ...(protection && { protection }),
  })
  media.everySecond(systemClock.monotonic(), () => session.sample())
}

/** The same key for both directions: what comes back from the peer is what was sent. */
export function protectionOf(suite: SuiteName): Protection {
  const { keyLength, saltLength } = suites[suite]
  const master = { suite, key: randomBytes(keyLength), salt: randomBytes(saltLength) }
  return { sender: new SrtpSender(master), receiver: new SrtpReceiver(master) }
}
