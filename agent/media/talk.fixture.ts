/** Two sessions that talk to each other over the loopback in time of their own, for tests: seconds of a call take a part of one. It judges nothing. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ManualClock } from '../../lib/manual-clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { createMediaEngine } from './index.ts'
import type { MediaEngine, MediaSession, StartOptions } from './index.ts'
import { FIXED, HOST, open } from './loopback.ts'

export interface Talk extends AsyncDisposable {
  media: MediaEngine
  clock: ManualClock
  caller: MediaSession
  callee: MediaSession
  /** Of a session that sends to `to`. */
  options(to: MediaSession, others?: Partial<StartOptions>): StartOptions
  /** So many milliseconds, step by step. */
  go(milliseconds: number): Promise<void>
  /** Packets that have to have come before time goes on: all that were sent, where a test says nothing else. */
  due: () => number
}

/** Milliseconds: every packet time that is used is a multiple of it, so that packets leave at its ends. */
const STEP = 10

export async function talk(host = HOST): Promise<Talk> {
  const clock = new ManualClock()
  const media = createMediaEngine({ clock, random: seededRandom(5) })
  const [caller, callee] = [await open(media, host), await open(media, host)]
  const options: Talk['options'] = (to, others = {}) => ({
    remote: { host, rtpPort: to.rtpPort, rtcpPort: to.rtcpPort },
    ...{ codec: 'PCMA', payloadType: 8, ptime: 20, source: { kind: 'Silence' }, jitterBuffer: FIXED },
    ...others,
  })
  const talking: Talk = {
    ...{ media, clock, caller, callee, options },
    due: () => media.gauges.packetsSent,
    async go(milliseconds) {
      for (let time = 0; time < milliseconds; time += STEP) {
        await clock.advance(STEP)
        do await nextTurn()
        while (media.gauges.packetsReceived + media.gauges.refused < talking.due())
      }
    },
    [Symbol.asyncDispose]: () => media[Symbol.asyncDispose](),
  }
  return talking
}
