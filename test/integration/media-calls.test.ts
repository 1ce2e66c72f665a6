/** Whole calls in each codec, encrypted and not, against baresip and our own responder: audio comes back as it was sent, through both ends' codecs and keys. */
import { afterAll, describe, expect, test } from 'vitest'
import { startResponder } from '../../agent/respond/index.ts'
import { createNativeEngine } from '../../agent/sip/index.ts'
import { sleep, systemClock } from '../../lib/clock.ts'
import { baresip } from '../lab/baresip.ts'
import { shows } from '../lab/features.ts'
import { called, common, HONEST, jitterBuffer, preparedMedia, resultOf } from './called.ts'
import { expectAgreed, expectIntact, forms, mediaOf, ways } from './media-rows.ts'
import { planOf } from './plans.ts'

describe.concurrent('the responder takes what it is asked for', () => {
  const media = preparedMedia()
  afterAll(() => media[Symbol.asyncDispose]())

  test.each(ways)('$codec, encryption $encryption, ICE $ice', HONEST, async (wanted) => {
    await using responder = await startResponder({ ...common, listen: { host: '127.0.0.1', port: 0 }, accounts: [] })
    const result = await called({ port: responder.port, user: 'echo', media }, mediaOf(wanted, { rtcpMux: true }))
    expectIntact(result)
    expectAgreed(result, wanted)
    expect(result.media?.rtcpMux).toBe(true)
    expect(result.metrics.rtt).toBeGreaterThan(0)
    expect(result.metrics.srtpFailures ?? 0).toBe(0)
  })
})

const features = { PCMA: 'pcma', PCMU: 'pcmu', G722: 'g722', Opus: 'opus' } as const
const policies = { None: 'policy-none', SDES: 'policy-sdes', Optional: 'policy-optional', DTLS: 'policy-dtls' } as const

/** Each kind of keys with each form of ICE; of codecs, which know of neither, each three times. All combinations are in `rtpengine.test.ts`. */
describe.each(ways)('$codec, encryption $encryption, ICE $ice', (wanted) => {
  const keying = {
    None: {},
    SDES: { encryption: 'srtp-mand' },
    Optional: { encryption: 'srtp' },
    DTLS: { encryption: 'dtls_srtp' },
  } as const
  const { codec, encryption, ice } = wanted
  const shown = shows({ baresip: [features[codec], policies[encryption], ...forms[ice]] })

  test(
    'comes back from baresip, which decodes what it hears and encodes it again',
    { ...HONEST, ...shown },
    async () => {
      await using peer = await baresip({
        ...{ codecs: ['g711', 'g722', 'opus'], sends: 'Echo', ice: ice !== 'None' },
        ...keying[encryption],
      })
      const result = await called({ port: peer.port, user: 'baresip' }, mediaOf(wanted))
      expectIntact(result)
      expectAgreed(result, wanted)
      expect(result.userAgent).toContain('baresip')
      // Before it has its keys it may send one RTCP packet in the clear, PING, to open a way through a NAT.
      expect(result.metrics.srtpFailures ?? 0).toBeLessThanOrEqual(1)
    },
  )
})

describe('baresip calls', () => {
  test.each([
    ['under RTP/SAVP', 'srtp-mand', 'SDES', 'None'],
    ['under RTP/AVP with keys', 'srtp', 'Optional', 'None'],
    ['by DTLS', 'dtls_srtp', 'DTLS', 'None'],
    ['by DTLS over ICE', 'dtls_srtp', 'DTLS', 'Full'],
    ['by DTLS over ICE, lite on our side', 'dtls_srtp', 'DTLS', 'Lite'],
  ] as const)('%s, and our callee takes its key', async (_, encryption, ours, ice) => {
    await using peer = await baresip({ encryption, ice: ice !== 'None' })
    await using engine = await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' })
    const media = { ...mediaOf({ codec: 'PCMU', encryption: ours, ice }), jitterBuffer }
    const { target: _target, ...endpoint } = planOf(peer.port, { endpoint: { media } }).endpoint
    const callee = { ...endpoint, role: 'Callee', remoteHangup: 'Allow', callDuration: 3000 } as const
    const result = await resultOf(
      engine,
      { ...planOf(peer.port), endpoint: callee },
      { onWaiting: () => void peer.command('dial', `sip:alice@127.0.0.1:${engine.ports.UDP}`) },
    )
    // It prefers this one in handshakes too, which as the server it chooses of ours.
    expect(result).toMatchObject({ outcome: 'Success', media: { suite: 'AES_CM_128_HMAC_SHA1_80' } })
    expect(result.media?.dtls === undefined).toBe(ours !== 'DTLS')
    expect(result.media?.ice?.local).toBe(ice === 'None' ? undefined : 'host')
    // It plays its tone of 440 Hz for ever: that it is heard as one shows that it was decrypted and decoded.
    expect(result.findings).toEqual(['StuckTone'])
  })

  test('holds us, and takes us back: nobody is missed meanwhile', shows({ baresip: ['media-hold'] }), async () => {
    await using peer = await baresip({ encryption: 'srtp-mand' })
    const held = async () => {
      await sleep(systemClock, 1000)
      await peer.command('hold')
      await sleep(systemClock, 3000)
      await peer.command('resume')
    }
    const during = Promise.withResolvers<void>()
    const onCall = () => void held().then(during.resolve, during.reject)
    const target = { port: peer.port, user: 'baresip', callDuration: 7000, onCall }
    const result = await called(target, mediaOf({ codec: 'PCMA', encryption: 'SDES', ice: 'None' }))
    await during.promise
    expect(result).toMatchObject({ outcome: 'Success', findings: ['StuckTone'] })
    // What is sent in 3 s of 7 is left out.
    expect(result.metrics.packetsSent).toBeLessThan(280)
    expect(result.metrics.packetsSent).toBeGreaterThan(120)
  })
})

describe('encryption that is not agreed on', () => {
  test('is a failed negotiation that says why', async () => {
    await using plain = await baresip()
    const target = { port: plain.port, user: 'baresip' }
    const result = await called(target, mediaOf({ codec: 'PCMA', encryption: 'SDES', ice: 'None' }))
    expect(result).toMatchObject({ outcome: 'NegotiationFailed', failureClass: 'NegotiationFailed' })
  })

  test('is left out where it was only offered', shows({ baresip: ['policy-optional'] }), async () => {
    await using plain = await baresip()
    const target = { port: plain.port, user: 'baresip' }
    const result = await called(target, mediaOf({ codec: 'PCMA', encryption: 'Optional', ice: 'None' }))
    expect(result.failureClass).toBeUndefined()
    expect(result.media).toEqual({ codec: 'PCMA', rtcpMux: false })
  })
})
