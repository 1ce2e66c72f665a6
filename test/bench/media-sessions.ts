/** Sessions of our engine as calls of an agent have them, for the programs of the media bench; it measures nothing. */
import { createMediaEngine, type MediaEngine, type MediaSession, type Source } from '../../agent/media/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { expectShortLives } from '../../lib/short-lives.ts'
import { HOST, PTIME } from './media-load.ts'

const SECOND = 1000
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

/** Sends and measures, sampled each second from its own beginning on, and looked at whether the peer fell silent, as in a run. */
export function startSession(session: MediaSession, peer: { rtpPort: number; rtcpPort: number }, source: Source): void {
  session.start({
    ...{ ...FORMAT, payloadType: 8, source, remote: { host: HOST, ...peer } },
    jitterBuffer: { mode: 'Fixed', delay: 60 },
  })
  const began = systemClock.monotonic()
  const second = (count: number): void => {
    systemClock.timer(began + count * SECOND - systemClock.monotonic(), () => {
      second(count + 1)
      session.sample()
      session.report()
    })
  }
  second(1)
}
