/** Each finding, caused by a real peer or on the way to one: silence, noise, a tone for ever, the other codec, nothing at all, one direction cut. */
import { describe, expect, test } from 'vitest'
import { createMediaEngine } from '../../agent/media/index.ts'
import { CODECS } from '../../agent/media/codec/codecs.ts'
import { type SignalKind, signal } from '../../agent/media/source/signals.ts'
import type { CallResult, RunEvent } from '../../agent/api/protocol.ts'
import { eventLoopLag, startRun } from '../../agent/run/index.ts'
import { buildAnswer, createNativeEngine, readAudio } from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { impairmentRelay } from '../lab/impairment.ts'
import { sippCallee } from '../lab/sipp.ts'
import { planOf } from './plans.ts'

const HOST = '127.0.0.1'
const common = { clock: systemClock, random: systemRandom, log: createLog({ name: 'test', level: 'silent' }) }

async function called(port: number, callDuration = 5000): Promise<CallResult> {
  await using engine = await createNativeEngine({ ...common, host: HOST, userAgent: 'test' })
  await using media = createMediaEngine(common)
  const events: RunEvent[] = []
  const audio = { codec: 'PCMU', ptime: 20, source: { kind: 'Speech' } } as const
  const plan = planOf(port, {
    endpoint: { media: { audio, jitterBuffer: { mode: 'Fixed', delay: 60 } }, callDuration },
  })
  const emit = (event: RunEvent) => void events.push(event)
  await startRun(plan, { ...common, engine, media, lag: eventLoopLag, emit }).finished
  const ended = events.find((event) => event.type === 'Call')
  if (!ended) throw new Error('no result')
  return ended.result
}

/** Seconds of a signal as octets of G.711. */
function encoded(kind: SignalKind, law: 'PCMA' | 'PCMU'): Uint8Array {
  return CODECS[law].encode(signal({ kind }, 8000), 20).octets
}

describe.concurrent('SIPp plays, and says that it is PCMU', () => {
  test.each<[what: string, played: Uint8Array, findings: readonly string[]]>([
    ['speech in PCMU', encoded('Speech', 'PCMU'), []],
    ['silence', encoded('Silence', 'PCMU'), ['SilentMedia']],
    ['noise', encoded('Noise', 'PCMU'), ['NoiseOnly']],
    ['one tone for ever', encoded('Tone', 'PCMU'), ['StuckTone']],
    ['speech in PCMA', encoded('Speech', 'PCMA'), ['WrongCodec']],
  ])('%s', async (_, played, findings) => {
    await using peer = await sippCallee({ scenario: 'plays', played })
    const result = await called(peer.port)
    // What was found fails nothing: it stands beside.
    expect(result).toMatchObject({ outcome: 'Success', findings })
    expect(result.metrics.packetsReceived).toBeGreaterThan(200)
  })

  test('nothing at all: we heard nothing, and the call failed', async () => {
    await using peer = await sippCallee({ scenario: 'callee' })
    expect(await called(peer.port)).toMatchObject({ failureClass: 'NoMedia', findings: ['OneWayAudio'] })
  })
})

describe.concurrent('one direction is cut by the relay between two ends that hear and report', () => {
  test.each([
    ['nothing', {}, {}, [], 0],
    ['what we say', { loss: 1 }, {}, ['OneWayAudio'], 2000],
    ['what we hear', {}, { loss: 1 }, ['OneWayAudio'], 2000],
  ])('%s is lost', async (_, ours, theirs, findings, least) => {
    await using engine = await createNativeEngine({ ...common, host: HOST, userAgent: 'far' })
    await using media = createMediaEngine(common)
    await using stack = new AsyncDisposableStack()
    engine.onInvite('svc1', (incoming) => {
      void (async () => {
        const [opened, offered] = [await media.open(HOST), readAudio(incoming.sdp ?? '', ['PCMU'])]
        if (opened.kind !== 'Open' || offered.kind !== 'Usable') throw new Error('no stream')
        const session = stack.use(opened.session)
        const { audio } = offered
        const impairments = { left: ours, right: theirs }
        const rtp = await impairmentRelay({
          ...{ left: audio.rtpPort, right: session.rtpPort, random: systemRandom, impairments },
        })
        stack.use(rtp)
        // Reports pass: it is by them that we know what the far side hears.
        const rtcp = await impairmentRelay({
          ...{ left: audio.rtcpPort, right: session.rtcpPort, random: systemRandom },
          impairments: { left: {}, right: {} },
        })
        stack.use(rtcp)
        const [rtpPort, rtcpPort] = [rtp.ports.left, rtcp.ports.left]
        const local = { address: HOST, rtpPort, rtcpPort, codecs: ['PCMU' as const], ptime: 20, sessionId: 1 }
        const answer = buildAnswer(incoming.sdp ?? '', local)
        if (answer.kind !== 'Answer') throw new Error(answer.detail)
        session.start({
          remote: { host: HOST, rtpPort: rtp.ports.right, rtcpPort: rtcp.ports.right },
          ...{ codec: 'PCMU', payloadType: 0, ptime: 20, source: { kind: 'Speech', role: 'Callee' } },
          jitterBuffer: { mode: 'Fixed', delay: 60 },
        })
        const call = await incoming.answer(answer.sdp)
        void call?.ended.then(() => session.stop())
      })()
    })
    const result = await called(engine.ports.UDP, 12_000)
    expect(result.findings).toEqual(findings)
    // Shorter than 2 s is none.
    expect(result.metrics.oneWayAudio).toBeGreaterThanOrEqual(least)
  })
})
