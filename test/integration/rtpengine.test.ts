/** Calls whose media goes through rtpengine, which encrypts and speaks ICE on one of its sides: each combination comes back whole. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MediaEngine } from '../../agent/media/index.ts'
import { startResponder } from '../../agent/respond/index.ts'
import { createNativeEngine, type SignallingEngine } from '../../agent/sip/index.ts'
import { shows } from '../lab/features.ts'
import { kamailio } from '../lab/kamailio.ts'
import { rtpengine } from '../lab/rtpengine.ts'
import { common, HONEST, jitterBuffer, preparedMedia, resultOf } from './called.ts'
import { cases, expectAgreed, expectIntact, forms, mediaOf, type Wanted } from './media-rows.ts'
import { planOf } from './plans.ts'

/** Of all rows. */
let around: AsyncDisposableStack
let engine: SignallingEngine
let media: MediaEngine

beforeAll(async () => {
  around = new AsyncDisposableStack()
  engine = around.use(await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' }))
  media = around.use(preparedMedia())
})
afterAll(() => around.disposeAsync())

/** A way through Kamailio and rtpengine to the responder, which plays back what it hears. @param flags what rtpengine makes of an offer */
async function way(flags: string) {
  await using stack = new AsyncDisposableStack()
  const relay = stack.use(await rtpengine())
  const responder = stack.use(await startResponder({ ...common, listen: { host: '127.0.0.1', port: 0 }, accounts: [] }))
  const proxy = stack.use(
    await kamailio({
      routes: { echo: `127.0.0.1:${responder.port}` },
      media: { port: relay.port, flags },
    }),
  )
  const owned = stack.move()
  return { port: proxy.port, log: () => relay.log(), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function called(port: number, wanted: Wanted) {
  const endpoint = { target: `sip:echo@127.0.0.1:${port}`, media: { ...mediaOf(wanted), jitterBuffer } }
  return await resultOf(engine, planOf(port, { endpoint: { ...endpoint, callDuration: 5000 } }), { media })
}

describe('it encrypts and speaks ICE with us, and neither with the other side', () => {
  let through: Awaited<ReturnType<typeof way>>
  beforeAll(async () => {
    through = around.use(await way('RTP/AVP ICE=remove rtcp-mux-demux'))
  })

  describe.concurrent.each(cases)('$codec, encryption $encryption, ICE $ice', (wanted) => {
    const policies = { None: [], SDES: ['policy-sdes'], Optional: ['policy-optional'], DTLS: ['policy-dtls'] } as const
    const shown = shows({ rtpengine: [...policies[wanted.encryption], ...forms[wanted.ice]] })
    test('comes back', { ...HONEST, ...shown }, async () => {
      const result = await called(through.port, wanted)
      expectIntact(result)
      expectAgreed(result, wanted)
      expect(result.metrics.rtt).toBeGreaterThan(0)
    })
  })
})

const plain: Wanted = { codec: 'PCMA', encryption: 'None', ice: 'None' }

describe.concurrent('it encrypts and speaks ICE with the responder, and neither with us', () => {
  test.each([
    ['SDES', 'RTP/SAVP ICE=remove'],
    ['DTLS', 'UDP/TLS/RTP/SAVP ICE=remove rtcp-mux-offer'],
    ['ICE', 'RTP/AVP ICE=force rtcp-mux-offer'],
    ['ICE and DTLS', 'UDP/TLS/RTP/SAVPF ICE=force rtcp-mux-offer'],
    // Of some forty handshakes between rtpengine and the responder one led to no packet at all, and nobody knows whose fault it was.
  ])('%s', { retry: 2 }, async (_name, flags) => {
    await using through = await way(flags)
    const result = await called(through.port, plain)
    expectIntact(result)
    expectAgreed(result, plain)
  })
})
