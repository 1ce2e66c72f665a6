/** Whole calls in each codec, encrypted and not, against baresip and our own responder: audio comes back as it was sent, through both ends' codecs and keys. */
import { describe, expect, test } from 'vitest'
import { createMediaEngine } from '../../agent/media/index.ts'
import type { CallResult, RunEvent, RunPlan } from '../../agent/api/protocol.ts'
import { startResponder } from '../../agent/respond/index.ts'
import { eventLoopLag, startRun } from '../../agent/run/index.ts'
import { createNativeEngine } from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { baresip } from '../lab/baresip.ts'
import { planOf } from './plans.ts'

type MediaPlan = RunPlan['endpoint']['media']

const common = { clock: systemClock, random: systemRandom, log: createLog({ name: 'test', level: 'silent' }) }

const codecs = ['PCMA', 'PCMU', 'G722', 'Opus'] as const
const encryptions = ['None', 'SDES', 'Optional'] as const
const cases = codecs.flatMap((codec) => encryptions.map((encryption) => ({ codec, encryption })))

interface Target {
  port: number
  user: string
  /** Milliseconds. Default 5000. */
  callDuration?: number
}

async function called(
  { port, user, callDuration = 5000 }: Target,
  media: Omit<MediaPlan, 'jitterBuffer'>,
): Promise<CallResult> {
  await using engine = await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' })
  await using mediaEngine = createMediaEngine(common)
  const events: RunEvent[] = []
  const plan = planOf(port, {
    endpoint: {
      target: `sip:${user}@127.0.0.1:${port}`,
      media: { ...media, jitterBuffer: { mode: 'Fixed', delay: 60 } },
      callDuration,
    },
  })
  const emit = (event: RunEvent) => void events.push(event)
  await startRun(plan, { ...common, engine, media: mediaEngine, lag: eventLoopLag, emit }).finished
  const ended = events.find((event) => event.type === 'Call')
  if (!ended) throw new Error('no result')
  return ended.result
}

function mediaOf({ codec, encryption }: (typeof cases)[number], more: Partial<MediaPlan> = {}) {
  const audio = { codec, ptime: 20, source: 'Speech' } as const
  return { audio, ...(encryption !== 'None' && { encryption }), ...more }
}

const rtpmapName = (codec: (typeof codecs)[number]): string => (codec === 'Opus' ? 'opus' : codec)

/** Each side heard the other all the time: ours came back whole, at its level. */
function expectIntact({ metrics, findings, failureClass }: CallResult): void {
  expect(failureClass).toBeUndefined()
  expect(findings).toEqual([])
  expect(metrics).toMatchObject({ packetLoss: 0, oneWayAudio: 0 })
  expect(metrics.echoDelay).toBeLessThan(1000)
  expect(Math.abs(metrics.echoLoss ?? NaN)).toBeLessThan(6)
  expect(Math.abs((metrics.audioLevel ?? NaN) - -26.8)).toBeLessThan(3)
}

describe('the responder takes what it is asked for', () => {
  test.each(cases)('$codec, encryption $encryption', async (wanted) => {
    await using responder = await startResponder({ ...common, listen: { host: '127.0.0.1', port: 0 }, accounts: [] })
    const result = await called({ port: responder.port, user: 'echo' }, mediaOf(wanted, { rtcpMux: true }))
    expectIntact(result)
    const suite = wanted.encryption === 'None' ? {} : { suite: 'AES_CM_128_HMAC_SHA1_80' }
    expect(result.media).toEqual({ codec: rtpmapName(wanted.codec), rtcpMux: true, ...suite })
    expect(result.metrics.rtt).toBeGreaterThan(0)
    expect(result.metrics.srtpFailures).toBe(wanted.encryption === 'None' ? undefined : 0)
  })
})

describe('baresip, which decodes what it hears and encodes it again', () => {
  const keying = { None: {}, SDES: { encryption: 'srtp-mand' }, Optional: { encryption: 'srtp' } } as const

  // On a busy machine so much of it can slip that no echo is recognised: it is asked again then.
  test.each(cases)('$codec, encryption $encryption', { retry: 2 }, async (wanted) => {
    await using peer = await baresip({
      codecs: ['g711', 'g722', 'opus'],
      sends: 'Echo',
      ...keying[wanted.encryption],
    })
    // Its player and its source have threads of their own: on a busy machine some of what it plays is late or left out.
    const result = await called({ port: peer.port, user: 'baresip', callDuration: 8000 }, mediaOf(wanted))
    expectIntact(result)
    expect(result.userAgent).toContain('baresip')
    expect(result.media?.codec).toBe(rtpmapName(wanted.codec))
    expect(result.media?.suite === undefined).toBe(wanted.encryption === 'None')
    // Before it has its keys it may send one RTCP packet in the clear, PING, to open a way through a NAT.
    expect(result.metrics.srtpFailures ?? 0).toBeLessThanOrEqual(1)
  })
})

describe('encryption that is not agreed on', () => {
  test('is a failed negotiation that says why', async () => {
    await using plain = await baresip()
    const target = { port: plain.port, user: 'baresip' }
    const result = await called(target, mediaOf({ codec: 'PCMA', encryption: 'SDES' }))
    expect(result).toMatchObject({ outcome: 'NegotiationFailed', failureClass: 'NegotiationFailed' })
  })

  test('is left out where it was only offered', async () => {
    await using plain = await baresip()
    const target = { port: plain.port, user: 'baresip' }
    const result = await called(target, mediaOf({ codec: 'PCMA', encryption: 'Optional' }))
    expect(result.failureClass).toBeUndefined()
    expect(result.media).toEqual({ codec: 'PCMA', rtcpMux: false })
  })
})
