/** An answered call of the responder, either way: what it plays, what it records, and how it ends. It makes and answers no call. */
import { sleep } from '../../lib/clock.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import type { Random } from '../../lib/random.ts'
import type { MediaEngine, Source } from '../media/index.ts'
import { type Call, type CallEnd, meansOf, type SignallingEngine } from '../sip/index.ts'
import { openStream, type StreamOutcome } from '../stream/index.ts'
import type { Playback } from './behaviours.ts'
import { lossChoice, lossSeed } from './loss.ts'
import { EchoRecord, microseconds } from './record.ts'
import type { Recorder } from './record.ts'

/** What every call of one responder shares. */
export interface Context {
  readonly engine: SignallingEngine
  readonly media: MediaEngine
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly record?: Recorder
  /** Aborts when the responder stops: calls are hung up, those that ring are refused. */
  readonly stopping: AbortSignal
}

/** No call is longer: what a caller forgot does not stay for ever. Milliseconds. */
export const LONGEST_CALL = 3_600_000

/** What a session assumes for its figures, which the responder does not look at. */
const JITTER_BUFFER = { mode: 'Fixed', delay: 60 } as const

/** Shown to whoever shows video, whatever becomes of the audio. */
const VIDEO = { codecs: ['VP8', 'H264'], resolution: 'R360p', frameRate: 30, required: false } as const

/** One call in the record, from its 200 to its end. */
export interface Conversation {
  /** What the stream sends. */
  readonly source: Source
  /** Writes that the call is answered. */
  readonly begin: () => void
  /** Writes that the call is over; to be called when its session was stopped. */
  readonly end: (by: CallEnd['by']) => Promise<void>
}

export interface Party {
  readonly callId: string
  readonly user: string
  readonly direction: 'Incoming' | 'Outgoing'
}

/** The source of a call, and its record. */
export function converse(party: Party, playback: Playback, { clock, record, log }: Context): Conversation {
  const { callId, user } = party
  const stamps = () => ({ at: clock.now(), monotonic: microseconds(clock.monotonic()) })
  const seed = lossSeed(callId)
  const lost = playback.kind === 'Echo' ? lossChoice(playback.lossPercent, seed) : undefined
  const echo = lost && new EchoRecord(callId, record && ((line) => record.write(line)))
  const loss = playback.kind === 'Echo' ? { loss: { percent: playback.lossPercent, seed } } : {}
  const source: Source =
    lost && echo
      ? {
          kind: 'Echo',
          forward(packet) {
            const drop = lost()
            echo.received(packet, drop)
            return !drop
          },
          sent: (packet, at) => echo.sent(packet, at),
        }
      : { kind: playback.kind === 'Echo' ? 'Silence' : playback.kind }

  return {
    source,
    begin() {
      record?.write({ event: 'CallStarted', ...party, ...stamps(), ...loss })
      log.info({ ...party }, 'call started')
    },
    async end(by) {
      const packets = echo && { packets: echo.end() }
      record?.write({ event: 'CallEnded', callId, user, by, ...stamps(), ...packets })
      log.info({ callId, user, by, ...packets }, 'call ended')
      await record?.flush().catch((error: unknown) => log.warn({ error, callId }, 'the record could not be written'))
    },
  }
}

/** The stream of a call: it takes what the other side asks for, whichever codec, with or without keys, video and ICE. @param offer of the other side */
export async function openConversation(
  { engine, media, random }: Context,
  remote: Parameters<SignallingEngine['localAddress']>[0],
  source: Source,
  offer?: string,
): Promise<StreamOutcome> {
  const asked = offer === undefined ? { dtls: false, ice: false, video: false } : meansOf(offer)
  return await openStream({
    media,
    address: await engine.localAddress(remote),
    // Unique for this host as far as chance goes (RFC 8866 5.2).
    sessionId: Math.floor(random() * 2 ** 48),
    codecs: ['PCMA', 'PCMU', 'G722', 'opus'],
    ...{ ptime: 20, source, jitterBuffer: JITTER_BUFFER, rtcpMux: true },
    encryption: asked.dtls ? 'DTLS' : 'Optional',
    ...(asked.video && !asked.dtls && !asked.ice && { video: VIDEO }),
    ...(asked.ice && { ice: { mode: 'Full', controlling: false, stun: [], turn: [] } }),
  })
}

/** Milliseconds that we wait for the answer to our BYE; whoever is gone must not hold up a stop. */
const GOODBYE = 2000

/** Waits until the call is over, and hangs up after `longest` milliseconds or when the responder stops. */
export async function untilEnded(call: Call, longest: number, { clock, stopping }: Context): Promise<CallEnd['by']> {
  {
    using waiting = new Waiting(stopping)
    const end = await Promise.race([call.ended, sleep(clock, longest, waiting.signal).then(() => undefined)])
    if (end) return end.by
  }
  using waiting = new Waiting()
  await Promise.race([call.bye(), sleep(clock, GOODBYE, waiting.signal)])
  return (await call.ended).by
}

/** Resolves when one of the signals has aborted. */
export function aborted(...signals: AbortSignal[]): Promise<void> {
  const any = AbortSignal.any(signals)
  return new Promise((resolve) => {
    if (any.aborted) resolve()
    else any.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** A signal that aborts with others, and on disposal, so that nothing waits on after the block. */
export class Waiting implements Disposable {
  readonly #controller = new AbortController()
  readonly signal: AbortSignal

  constructor(...others: AbortSignal[]) {
    this.signal = AbortSignal.any([this.#controller.signal, ...others])
  }

  [Symbol.dispose](): void {
    this.#controller.abort()
  }
}
