/** How a run gets to its server, and what it tells of the way: TLS and its certificate, the address used and those before, 3xx. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { certificateAuthority } from '../../test/lab/certificates.ts'
import { createLog } from '../../lib/log.ts'
import { RunEvent, type RunPlan } from '../api/protocol.ts'
import { everywhere } from '../everywhere.ts'
import { startResponder } from '../respond/index.ts'
import { createNativeEngine, type SignallingEngine, type Transport } from '../sip/index.ts'
import { type Arena, createArena, nothing } from './arena.fixture.ts'

const DAY = 86_400_000
const authority = await certificateAuthority()
const stranger = await certificateAuthority()
// Certificates count in seconds.
const validTo = Math.floor((Date.now() + 10 * DAY) / 1000) * 1000
const identity = await authority.issue(['127.0.0.1'], validTo)
const trusting = { ca: authority.ca, verify: 'Full' } as const

let arena: Arena
/** A server over TLS and WSS beside the peer of the arena; it takes every REGISTER. */
let server: SignallingEngine
beforeEach(async () => {
  arena = await createArena()
  const common = { clock: systemClock, random: systemRandom, userAgent: 'Test' }
  server = await createNativeEngine({ ...common, host: '127.0.0.1', ports: { TLS: 0, WSS: 0 }, identity })
  server.onRequest('REGISTER', (request) =>
    request.respond(200, 'OK', [['Contact', `${request.header('Contact')[0]};expires=60`]]),
  )
})
afterEach(async () => {
  await arena[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

type Registrar = RunPlan['endpoint']['registrar']

function registrar(transport: Transport, changes: Partial<Registrar> = {}): Registrar {
  const port = server.ports[transport] ?? 0
  return { domain: '127.0.0.1', port, transport, register: false, expires: 60_000, ...changes }
}

async function resultOf(check: RunPlan['check'], to: Registrar) {
  const run = arena.start(arena.plan({ check, endpoint: { registrar: to } }))
  const result = await run.result()
  for (const event of run.events) expect(RunEvent.parse(event)).toEqual(event)
  return result
}

describe('over TLS', () => {
  test.each(['TLS', 'WSS'] as const)(
    'the address and the certificate of the server are in the result: %s',
    async (transport) => {
      for (const check of ['Options', 'Register'] as const) {
        const result = await resultOf(check, registrar(transport, { tls: trusting, register: check === 'Register' }))
        expect(result).toMatchObject({
          outcome: 'Success',
          message: 'It went as it should.',
          remote: { host: '127.0.0.1', port: server.ports[transport], transport },
          certificate: { subject: 'CN=127.0.0.1', validTo },
        })
        expect(result.attempts).toBeUndefined()
        expect(result.metrics.certificateDays).toBeGreaterThan(9.9)
        expect(result.metrics.certificateDays).toBeLessThanOrEqual(10)
      }
    },
  )

  test.each(['TLS', 'WSS'] as const)(
    'an authority that is not trusted is class Tls, and says so: %s',
    async (transport) => {
      const tls = { ca: stranger.ca, verify: 'Full' } as const
      const result = await resultOf('Register', registrar(transport, { tls, register: true }))
      expect(result).toMatchObject({
        outcome: 'RegistrationFailed',
        failureClass: 'Tls',
        message:
          'The REGISTER to sip:127.0.0.1 found no trusted connection: the certificate was issued by an authority that is not trusted.',
      })
      expect(result.metrics.certificateDays).toBeUndefined()
    },
  )

  test('the name is the one that is stated, and the modes of verifying are those that are asked for', async () => {
    const named = { ca: authority.ca, serverName: 'elsewhere.example' }
    const asked = (verify: 'Full' | 'CA' | 'None') =>
      resultOf('Options', registrar('TLS', { tls: { ...named, verify } }))
    expect(await asked('Full')).toMatchObject({
      failureClass: 'Tls',
      message: expect.stringContaining('the certificate is for another name'),
    })
    expect(await asked('CA')).toMatchObject({ outcome: 'Success' })
    expect(await asked('None')).toMatchObject({ outcome: 'Success' })
  })

  test('an outbound proxy is asked as the registrar would be', async () => {
    const outboundProxy = { host: '127.0.0.1', port: server.ports.TLS ?? 0, transport: 'TLS' } as const
    const to = registrar('UDP', { domain: 'example.com', tls: trusting, outboundProxy })
    expect(await resultOf('Options', to)).toMatchObject({ outcome: 'Success', remote: outboundProxy })
  })
})

describe('a 3xx', () => {
  const moved = () =>
    server.onInvite(undefined, (call) =>
      call.reject(302, undefined, [['Contact', `<sip:echo@127.0.0.1:${arena.peer.port}>`]]),
    )

  test('is followed as often as the registrar allows, and the result says from where to where', async () => {
    using _ = moved()
    arena.peer.on('echo', (incoming) => void arena.peer.answer(incoming))
    const result = await resultOf('Call', registrar('UDP', { followRedirects: 1 }))
    expect(result).toMatchObject({
      outcome: 'Success',
      message: `It went as it should, after 127.0.0.1:${server.ports.UDP} UDP answered 302 Moved Temporarily.`,
      remote: { host: '127.0.0.1', port: arena.peer.port, transport: 'UDP' },
      attempts: [{ remote: { port: server.ports.UDP }, why: 'answered 302 Moved Temporarily' }],
    })
    expect(arena.left()).toEqual(nothing)
  })

  test.each([
    ['112', undefined, '112 is an emergency number; it is called only if allowedTargets lists it.'],
    ['echo', { allowedTargets: [], deniedTargets: ['echo'] }, 'echo@127.0.0.1:PORT is denied by deniedTargets (echo).'],
  ])('does not lead to %s where %j says no', async (user, policy, why) => {
    const { port } = arena.peer
    using _ = server.onInvite(undefined, (call) =>
      call.reject(302, undefined, [['Contact', `<sip:${user}@127.0.0.1:${port}>`]]),
    )
    let called = false
    arena.peer.on(user, (incoming) => {
      called = true
      incoming.reject(486)
    })
    const result = await resultOf('Call', registrar('UDP', { followRedirects: 5, ...(policy && { policy }) }))
    expect(result).toMatchObject({
      failureClass: 'Rejected3xx',
      message: expect.stringContaining(
        `302 Moved Temporarily. It was not followed: ${why.replace('PORT', String(port))}`,
      ),
    })
    expect(called).toBe(false)
  })

  test('is a class of its own where it is not', async () => {
    using _ = moved()
    expect(await resultOf('Call', registrar('UDP'))).toMatchObject({ failureClass: 'Rejected3xx', sip: { code: 302 } })
  })
})

test('over IPv6, from all addresses of the machine: a call with its audio', async () => {
  const log = createLog({ name: 'test', level: 'silent' })
  const common = { clock: systemClock, random: systemRandom, log }
  await using responder = await startResponder({ ...common, listen: { host: '::1', port: 0 }, accounts: [] })
  await using engine = await createNativeEngine({ ...common, host: everywhere(), userAgent: 'Test' })
  arena.side = { ...arena.side, engine }
  const to = registrar('UDP', { domain: '::1', port: responder.port, ipFamily: 'IPv6' })
  const run = arena.start(arena.plan({ endpoint: { registrar: to, target: 'sip:echo@[::1]' } }))
  expect(await run.result()).toMatchObject({
    outcome: 'Success',
    remote: { host: '::1', port: responder.port, transport: 'UDP' },
    metrics: { packetLoss: 0 },
  })
  const trace = run.events.find((event) => event.type === 'Trace')
  expect(trace?.messages[0]?.text).toContain('c=IN IP6 ::1')
})
