/** A whole user agent on the other side: what baresip offers and answers, and what it does with a call that we have with it. */
import { describe, expect, test } from 'vitest'
import type { CallHandlers, IncomingCall, Referral } from '../../../agent/sip/index.ts'
import type { SessionDescription } from '../../../agent/sip/sdp/description.ts'
import type { LocalMedia } from '../../../agent/sip/sdp/negotiate.ts'
import { makeAnswer, makeOffer, readAnswer, type LocalSession } from '../../../agent/sip/sdp/offer-answer.ts'
import { parseDescription } from '../../../agent/sip/sdp/parse.ts'
import { writeDescription } from '../../../agent/sip/sdp/write.ts'
import { type Baresip, baresip, type BaresipOptions } from '../../lab/baresip.ts'
import { shows } from '../../lab/features.ts'
import { until } from '../../lab/process.ts'
import * as agents from './agents.ts'

const AUDIO: LocalMedia = {
  ...{ kind: 'audio', address: '127.0.0.1', port: 40_000, profiles: ['RTP/AVP'], ptime: 20, rtcpMux: true },
  codecs: [
    { name: 'PCMA', payloadType: 8, clockRate: 8_000 },
    { name: 'PCMU', payloadType: 0, clockRate: 8_000 },
    { name: 'telephone-event', payloadType: 96, clockRate: 8_000, parameters: '0-16' },
  ],
}

function session(...media: readonly LocalMedia[]): LocalSession {
  return { sessionId: 1, address: '127.0.0.1', media }
}

function parsed(sdp: string | undefined): SessionDescription {
  const outcome = parseDescription(sdp ?? '')
  if (outcome.kind !== 'Description') throw new Error(`${outcome.kind}: ${sdp}`)
  return outcome.description
}

/** Has a baresip call us, and gives its call. */
async function called(options: BaresipOptions, work: (incoming: IncomingCall, peer: Baresip) => Promise<void>) {
  await using peer = await baresip(options)
  await using ours = await agents.engine()
  const next = agents.nextCall(ours, 'alice')
  await peer.command('dial', `sip:alice@127.0.0.1:${ours.ports.UDP}`)
  await work(await next, peer)
}

describe('its offer', () => {
  test(
    'with SDES keys, rtcp-mux and DTMF is answered, and the call stands',
    shows({ baresip: ['sdes', 'rtcp-mux', 'dtmf-payload', 'codec-preference', 'udp'] }),
    () =>
      called({ encryption: 'srtp-mand' }, async (incoming, peer) => {
        const offer = parsed(incoming.sdp)
        const key = { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', key: Buffer.alloc(30, 7).toString('base64') }
        const local = session({ ...AUDIO, profiles: ['RTP/SAVP'], crypto: [key] })
        const { description, streams } = makeAnswer(offer, local)
        expect(streams).toMatchObject([
          {
            kind: 'Agreed',
            // Its order of codecs decides.
            codec: { name: 'PCMU', payloadType: 0 },
            telephoneEvent: { payloadType: 101 },
            rtcpMux: true,
            keying: { kind: 'SDES', remote: { suite: key.suite } },
          },
        ])
        const call = await incoming.answer(writeDescription(description))
        expect(call).toBeDefined()
        expect(await call?.bye()).toEqual({ kind: 'Done', code: 200 })
        expect(peer.log()).not.toMatch(/could not|failed/i)
      }),
  )

  test('with a DTLS fingerprint', shows({ baresip: ['dtls'] }), () =>
    called({ encryption: 'dtls_srtp' }, async (incoming) => {
      const [media] = parsed(incoming.sdp).media
      expect(media).toMatchObject({ profile: 'UDP/TLS/RTP/SAVPF', setup: 'actpass' })
      expect(media?.fingerprints).toMatchObject([
        { algorithm: 'sha-256', value: expect.stringMatching(/^(..:){31}..$/) },
      ])
      incoming.reject(488)
    }),
  )

  test('with ICE candidates', shows({ baresip: ['ice'] }), () =>
    called({ ice: true }, async (incoming) => {
      const [media] = parsed(incoming.sdp).media
      expect(media?.ice?.ufrag).toMatch(/^\S{4,}$/)
      expect(media?.ice?.pwd).toMatch(/^\S{22,}$/)
      expect(media?.ice?.candidates[0]).toMatchObject({ component: 1, transport: 'udp', type: 'host' })
      incoming.reject(488)
    }),
  )
})

describe('called by us', () => {
  test('of audio and video it takes the audio', shows({ baresip: ['several-media', 'codec-preference'] }), async () => {
    await using peer = await baresip()
    await using ours = await agents.engine()
    const video: LocalMedia = {
      ...{ kind: 'video', address: '127.0.0.1', port: 40_002, profiles: ['RTP/AVP'] },
      codecs: [{ name: 'H264', payloadType: 97, clockRate: 90_000 }],
    }
    const local = session(AUDIO, video)
    const offer = makeOffer(local)
    const options = { ...agents.invitation(agents.direct(peer), 'baresip'), offer: writeDescription(offer) }
    const call = await agents.answered(ours.invite(options))
    const streams = readAnswer(offer, parsed(call.sdp), local)
    // Our order of codecs decides.
    expect(streams).toMatchObject([{ kind: 'Agreed', codec: { name: 'PCMA' }, rtcpMux: true }, { kind: 'Refused' }])
    expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  /** A call to a baresip that stands. */
  async function standing(handlers: CallHandlers, work: (peer: Baresip) => Promise<void>) {
    await using peer = await baresip()
    await using ours = await agents.engine()
    const options = { ...agents.invitation(agents.direct(peer), 'baresip'), ...handlers }
    const call = await agents.answered(ours.invite(options))
    try {
      await work(peer)
    } catch (cause) {
      throw new Error(`${peer.log()}\n${agents.textOf(options.trace)}`, { cause })
    }
    expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
  }

  test('it holds and resumes', shows({ baresip: ['held', 'direction'] }), async () => {
    const directions: Array<string | undefined> = []
    const onReoffer = (sdp: string | undefined) => {
      directions.push(parsed(sdp).media[0]?.direction)
      return agents.answerTo(sdp)
    }
    await standing({ onReoffer }, async (peer) => {
      await peer.command('hold')
      await until(() => directions.length === 1, { what: 'it holds' })
      await peer.command('resume')
      await until(() => directions.length === 2, { what: 'it resumes' })
      expect(directions).toEqual(['sendonly', 'sendrecv'])
    })
  })

  test('it is held and resumed', shows({ baresip: ['hold'] }), async () => {
    await using peer = await baresip()
    await using ours = await agents.engine()
    const call = await agents.answered(ours.invite(agents.invitation(agents.direct(peer), 'baresip')))
    expect(await call.hold()).toMatchObject({ kind: 'Answered', code: 200 })
    expect(parsed(call.sdp).media[0]?.direction).toMatch(/^(recvonly|inactive)$/)
    expect(await call.resume()).toMatchObject({ kind: 'Answered', code: 200 })
    expect(parsed(call.sdp).media[0]?.direction).toBe('sendrecv')
    expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('it transfers us', shows({ baresip: ['refer-received'] }), async () => {
    const asked = Promise.withResolvers<Referral>()
    await standing({ onRefer: asked.resolve }, async (peer) => {
      await peer.command('transfer', 'sip:carol@127.0.0.1:9')
      const referral = await asked.promise
      expect(referral.target).toContain('carol@127.0.0.1')
      referral.accept()
      referral.report(404, 'Not Found')
      await until(() => /transfer failure/.test(peer.log()), { what: 'it heard of the failure' })
    })
  })

  test('it takes digits by INFO', shows({ baresip: ['info-sent'] }), async () => {
    await using peer = await baresip()
    await using ours = await agents.engine()
    const call = await agents.answered(ours.invite(agents.invitation(agents.direct(peer), 'baresip')))
    const told = await call.info('application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n')
    expect(told).toEqual({ kind: 'Done', code: 200 })
    expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
  })
})
