/** Calls between sides that reach each other only by a relay of a real coturn: what was sent comes back whole through it, from baresip and from the responder. */
import { describe, expect, test } from 'vitest'
import { startResponder } from '../../agent/respond/index.ts'
import { createNativeEngine } from '../../agent/sip/index.ts'
import { baresip } from '../lab/baresip.ts'
import { type Coturn, coturn } from '../lab/coturn.ts'
import { shows } from '../lab/features.ts'
import { kamailio } from '../lab/kamailio.ts'
import { until } from '../lab/process.ts'
import { called, common, HONEST, jitterBuffer, type MediaPlan, resultOf } from './called.ts'
import { expectIntact } from './media-rows.ts'
import { planOf } from './plans.ts'

const audio = { codec: 'PCMA', ptime: 20, source: { kind: 'Speech' } } as const

function iceOf({ host, port, username, password }: Coturn, transport: 'udp' | 'tcp'): NonNullable<MediaPlan['ice']> {
  return { mode: 'Full', stun: [{ host, port }], turn: [{ host, port, transport, username, password }] }
}

/** @param port of who plays back what it hears */
async function calledByRelay(port: number, media: Omit<MediaPlan, 'jitterBuffer'>) {
  await using proxy = await kamailio({ routes: { echo: `127.0.0.1:${port}` }, apart: true })
  await using engine = await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' })
  const endpoint = { target: `sip:echo@127.0.0.1:${proxy.port}`, media: { ...media, jitterBuffer }, callDuration: 6000 }
  return await resultOf(engine, planOf(proxy.port, { endpoint }))
}

describe('a call by relay', HONEST, () => {
  test.each(['udp', 'tcp'] as const)(
    'comes back from baresip, TURN over %s',
    shows({ baresip: ['turn'], coturn: ['turn'] }),
    async (transport) => {
      await using server = await coturn()
      await using peer = await baresip({ user: 'echo', sends: 'Echo', ice: true })
      const result = await calledByRelay(peer.port, { audio, ice: iceOf(server, transport) })
      expectIntact(result)
      expect(result.media?.ice).toMatchObject({ local: 'relay', problems: [] })
      await until(() => server.log().includes('lifetime=0'), { what: 'coturn has the relay back' })
    },
  )

  test('under DTLS comes back from the responder', shows({ coturn: ['turn'] }), async () => {
    await using server = await coturn()
    await using responder = await startResponder({ ...common, listen: { host: '127.0.0.1', port: 0 }, accounts: [] })
    const result = await calledByRelay(responder.port, { audio, encryption: 'DTLS', ice: iceOf(server, 'udp') })
    expectIntact(result)
    expect(result.media).toMatchObject({ suite: 'AEAD_AES_128_GCM', ice: { local: 'relay', problems: [] } })
  })
})

test('who is refused by its TURN server says so, and calls without a relay', async () => {
  await using server = await coturn()
  await using responder = await startResponder({ ...common, listen: { host: '127.0.0.1', port: 0 }, accounts: [] })
  const ice = iceOf({ ...server, password: 'wrong' }, 'udp')
  const result = await called({ port: responder.port, user: 'echo' }, { audio, ice })
  expect(result.failureClass).toBeUndefined()
  const problems = [`turn:127.0.0.1:${server.port}: refused with 401 Unauthorized`]
  expect(result.media?.ice).toMatchObject({ local: 'host', problems })
})

test('sides that do not reach each other, without a relay: no media, and why', async () => {
  await using responder = await startResponder({ ...common, listen: { host: '127.0.0.1', port: 0 }, accounts: [] })
  const result = await calledByRelay(responder.port, { audio, ice: { mode: 'Full', stun: [], turn: [] } })
  expect(result).toMatchObject({
    outcome: 'CallFailed',
    failureClass: 'NoMedia',
    message: expect.stringContaining('ICE'),
  })
})
