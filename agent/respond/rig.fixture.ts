/** What the tests of the responder share: one responder whose time stands still, and a caller of our own. Not part of the responder. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { systemRandom, token } from '../../lib/random.ts'
import { createMediaEngine } from '../media/index.ts'
import type { MediaSession } from '../media/index.ts'
import { buildOffer, createNativeEngine, readAudio, Trace } from '../sip/index.ts'
import type { Call, InviteOutcome, LocalParty, RemoteAudio } from '../sip/index.ts'
import { startResponder } from './index.ts'
import type { RecordLine, Responder, ResponderOptions } from './index.ts'

export interface Dialled {
  readonly callId: string
  readonly session: MediaSession
  /** Codes of the provisional responses so far. */
  readonly provisional: number[]
  readonly outcome: Promise<InviteOutcome>
  readonly cancel: () => void
}

/** The responder's time and that of the caller's media move only when a test says so; the caller's signalling has real time. */
export async function createRig() {
  const stack = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'ringcheck-respond-'))
  stack.defer(() => rmSync(folder, { recursive: true, force: true }))
  const log = createLog({ name: 'test', level: 'silent' })
  const time = new ManualClock()
  const pace = new ManualClock()
  const media = stack.use(createMediaEngine({ clock: pace, random: systemRandom }))
  const engine = stack.use(
    await createNativeEngine({ host: '127.0.0.1', clock: systemClock, random: systemRandom, userAgent: 'test' }),
  )
  const recordFile = join(folder, 'record')
  let port = 0

  const party = (user = 'tester'): LocalParty => ({
    aor: `sip:${user}@127.0.0.1`,
    contactUser: user,
    nextHop: { host: '127.0.0.1', port, transport: 'UDP' },
    outboundProxy: false,
  })

  const request = () => ({
    party: party(),
    callId: token(systemRandom),
    timeout: 10_000,
    trace: new Trace(),
    signal: new AbortController().signal,
  })

  async function openSession(): Promise<MediaSession> {
    const opened = await media.open('127.0.0.1')
    if (opened.kind !== 'Open') throw new Error('no port')
    return opened.session
  }

  async function dial(user: string): Promise<Dialled> {
    const session = await openSession()
    const { rtpPort, rtcpPort } = session
    const controller = new AbortController()
    const provisional: number[] = []
    const { callId, outcome } = engine.invite({
      ...request(),
      signal: controller.signal,
      target: `sip:${user}@127.0.0.1`,
      offer: buildOffer({ address: '127.0.0.1', rtpPort, rtcpPort, codecs: ['PCMA'], ptime: 20, sessionId: 1 }),
      onProvisional: ({ code }) => provisional.push(code),
    })
    return { callId, session, provisional, outcome, cancel: () => controller.abort() }
  }

  return {
    time,
    engine,
    recordFile,
    party,
    request,
    openSession,
    dial,
    /** With port 0 unless told otherwise. */
    async start(options: Partial<ResponderOptions> = {}): Promise<Responder> {
      const responder = await startResponder({
        listen: { host: '127.0.0.1', port: 0 },
        accounts: [{ username: 'bob', password: 'secret' }],
        clock: time,
        random: systemRandom,
        log,
        ...options,
      })
      port = responder.port
      return stack.use(responder)
    },
    /** Dials, and sends a tone once it is answered. */
    async call(user: string): Promise<Dialled & { call: Call }> {
      const dialled = await dial(user)
      const outcome = await dialled.outcome
      if (outcome.kind !== 'Answered') throw new Error(`not answered: ${outcome.kind}`)
      const answer = readAudio(outcome.call.sdp, ['PCMA'])
      if (answer.kind !== 'Usable') throw new Error(answer.detail)
      startSession(dialled.session, answer.audio, 'Tone')
      return { ...dialled, call: outcome.call }
    },
    /** Everything that the responder sent before this returns has been received: its answer comes after it on the same socket. */
    async settled(): Promise<void> {
      const outcome = await engine.options({ ...request(), target: `sip:127.0.0.1:${port}` })
      if (outcome.kind !== 'Answered') throw new Error(`the responder does not answer: ${outcome.kind}`)
    },
    /** The caller sends `count` packets of 20 ms. */
    speak: (count: number): Promise<void> => play(pace, count),
    /** The responder sends `count` packets of 20 ms. */
    hear: (count: number): Promise<void> => play(time, count),
    record(): RecordLine[] {
      const lines = readFileSync(recordFile, 'utf8').split('\n')
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RecordLine)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A socket takes a packet in a turn of the event loop, and only a few wait for it. */
async function play(clock: ManualClock, count: number): Promise<void> {
  for (let packet = 0; packet < count; packet++) {
    await clock.advance(20)
    await turn()
  }
}

export type Rig = Awaited<ReturnType<typeof createRig>>

export function startSession(session: MediaSession, audio: RemoteAudio, kind: 'Tone' | 'Silence'): void {
  const { address: host, rtpPort, rtcpPort, codec, payloadType, ptime } = audio
  const remote = { host, rtpPort, rtcpPort }
  session.start({ remote, codec, payloadType, ptime, source: { kind }, jitterBuffer: { mode: 'Fixed', delay: 60 } })
}
