/** Runs whose media goes over DTLS and ICE: how they find each other, and what is said of them when they do not. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { planOf } from '../api/plans.fixture.ts'
import type { RunPlan } from '../api/protocol.ts'
import type { IncomingCall } from '../sip/index.ts'
import { Trace } from '../sip/index.ts'
import { type AudioStream, openStream } from '../stream/index.ts'
import type { Arena } from './arena.fixture.ts'
import { createArena, nothing } from './arena.fixture.ts'
import { createSide, type Side } from './peer.fixture.ts'

let arena: Arena
let other: Side
beforeEach(async () => {
  arena = await createArena()
  other = await createSide()
})
afterEach(async () => {
  await arena[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

type MediaPlan = RunPlan['endpoint']['media']

const ice = { mode: 'Full', stun: [], turn: [] } as const
const mediaOf = (wishes: Pick<MediaPlan, 'encryption' | 'ice'>): MediaPlan => ({
  ...planOf().endpoint.media,
  ...wishes,
})
const both: Pick<MediaPlan, 'encryption' | 'ice'> = { encryption: 'DTLS', ice: { mode: 'Full', stun: [], turn: [] } }

/** The other side's stream. */
async function theirStream(wishes: Partial<Parameters<typeof openStream>[0]>): Promise<AudioStream> {
  const outcome = await openStream({
    ...{ media: other.media, address: '127.0.0.1', sessionId: 1, codecs: ['PCMA'], ptime: 20, rtcpMux: false },
    ...{ source: { kind: 'Tone' }, jitterBuffer: { mode: 'Fixed', delay: 60 }, encryption: 'None' },
    ...wishes,
  })
  if (outcome.kind !== 'Open') throw new Error(outcome.kind)
  return outcome.stream
}

/** The peer answers as it wishes. @param changed its answer on the way @param begins false: it says nothing on its path */
function answering(wishes: Parameters<typeof theirStream>[0], changed: (sdp: string) => string, begins = true): void {
  arena.peer.on('odd', async (incoming: IncomingCall) => {
    const stream = await theirStream(wishes)
    const answer = stream.answer(incoming.sdp ?? '')
    if ('unusable' in answer) return incoming.reject(488)
    const call = incoming.answer(changed(answer.sdp))
    if (begins) stream.begin()
    await (
      await call
    )?.ended
    await stream[Symbol.asyncDispose]()
  })
}

const caller = (wishes: Pick<MediaPlan, 'encryption' | 'ice'>, callDuration = 1500) =>
  arena.plan({
    endpoint: { target: `sip:odd@127.0.0.1:${arena.peer.port}`, media: mediaOf(wishes), callDuration },
  })

describe('DTLS and ICE', { timeout: 30_000 }, () => {
  test('that the peer takes are in the result', async () => {
    answering({ encryption: 'DTLS', ice: { ...ice, controlling: false } }, (sdp) => sdp)
    const result = await arena.start(caller(both, 2500)).result()
    expect(result).toMatchObject({
      outcome: 'Success',
      metrics: { packetLoss: 0, srtpFailures: 0, dtlsRehandshakes: 0 },
      media: { rtcpMux: true, suite: 'AEAD_AES_128_GCM', ice: { local: 'host', remote: 'host', problems: [] } },
    })
    expect(result.media?.dtls?.handshakeTime).toBeGreaterThan(0)
    expect(result.media?.ice?.connectTime).toBeGreaterThan(0)
    expect(arena.left()).toEqual(nothing)
  })

  test('of a callee whose caller leaves the offer to it', async () => {
    const plan = arena.plan({ endpoint: arena.callee({ media: mediaOf(both), callDuration: 2500 }) })
    const called = arena.start(plan)
    const contact = await arena.peer.registered()
    await using stream = await theirStream({ encryption: 'DTLS', ice: { ...ice, controlling: false } })
    const party = { aor: 'sip:other@127.0.0.1', contactUser: 'other', outboundProxy: false }
    const nextHop = { host: '127.0.0.1', port: arena.side.engine.ports.UDP, transport: 'UDP' } as const
    const { outcome } = other.engine.invite({
      ...{ party: { ...party, nextHop }, target: contact, callId: 'late', timeout: 5000, trace: new Trace() },
      signal: new AbortController().signal,
      onOffer: (sdp) => {
        const answer = stream.answer(sdp)
        return 'unusable' in answer ? undefined : answer.sdp
      },
    })
    expect(await outcome).toMatchObject({ kind: 'Answered' })
    stream.begin()
    expect(await called.result()).toMatchObject({
      outcome: 'Success',
      metrics: { packetLoss: 0, srtpFailures: 0 },
      media: { suite: 'AEAD_AES_128_GCM', ice: { local: 'host' } },
    })
    expect(arena.left()).toEqual(nothing)
  })

  test('a peer whose certificate is not the one of its description: a failed negotiation', async () => {
    answering({ encryption: 'DTLS' }, (sdp) => sdp.replace(/(a=fingerprint:sha-256 )\w\w:\w\w/, '$100:00'))
    const result = await arena.start(caller({ encryption: 'DTLS' }, 20_000)).result()
    expect(result).toMatchObject({ outcome: 'NegotiationFailed', failureClass: 'NegotiationFailed' })
    expect(result.message).toContain('the DTLS handshake failed (FingerprintMismatch')
    expect(arena.left()).toEqual(nothing)
  })

  test('a peer that does not encrypt: a failed negotiation', async () => {
    arena.peer.on('odd', (incoming) => void arena.peer.answer(incoming).catch(() => incoming.reject(488)))
    const result = await arena.start(caller({ encryption: 'DTLS' })).result()
    expect(result).toMatchObject({ failureClass: 'NegotiationFailed', sip: { code: 488 } })
  })

  test('a peer that says nothing on its path: no media, and why', async () => {
    answering({ ice: { ...ice, controlling: false } }, (sdp) => sdp.replaceAll(/ \d+ typ host/g, ' 9 typ host'), false)
    const result = await arena.start(caller({ ice: both.ice }, 500)).result()
    expect(result).toMatchObject({ outcome: 'CallFailed', failureClass: 'NoMedia' })
    expect(result.message).toContain('before ICE and DTLS had found a way')
    expect(arena.left()).toEqual(nothing)
  })

  test('a peer whose description was changed on the way does without ICE, and so do we', async () => {
    answering({}, (sdp) => `${sdp}a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=ice-mismatch\r\n`)
    const result = await arena.start(caller({ ice: both.ice })).result()
    expect(result).toMatchObject({ outcome: 'Success', metrics: { packetLoss: 0 } })
    expect(result.media).toEqual({ codec: 'PCMA', rtcpMux: false })
  })

  test('a run that is stopped before there is a path leaves nothing', async () => {
    answering({ ice: { ...ice, controlling: false } }, (sdp) => sdp.replaceAll(/ \d+ typ host/g, ' 9 typ host'), false)
    const watched = arena.start(caller({ ice: both.ice }, 20_000))
    await watched.phase('InCall')
    watched.run.stop()
    expect(await watched.result()).toMatchObject({ stopped: true })
    expect(arena.left()).toEqual(nothing)
  })
})
