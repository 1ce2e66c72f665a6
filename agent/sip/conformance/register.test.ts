import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { createDigestServer } from '../digest/digest-server.ts'
import type { Credentials, IncomingRequest, SignallingEngine } from '../engine.ts'
import { Trace } from '../trace/trace.ts'
import { drained, fasterClock, listening, parameterOf, party, portOf, titles, TRANSPORTS } from './lab.ts'

/** A registrar of some twenty lines: digest, one binding a user, Min-Expires. */
function registrar(server: SignallingEngine, clock: ReturnType<typeof fasterClock>) {
  const bindings = new Map<string, string>()
  const state = {
    ...{ leastExpires: 0, growing: false, requests: 0 },
    refuse: undefined as number | undefined,
    refuseOnce: undefined as number | undefined,
  }
  const digest = createDigestServer({ clock, random: seededRandom(7), realm: 'ring', password: (user) => `pw-${user}` })
  server.onRequest('REGISTER', (request: IncomingRequest) => {
    state.requests++
    const code = state.refuseOnce ?? state.refuse
    state.refuseOnce = undefined
    if (code !== undefined) return request.respond(code)
    const verdict = digest.verify('REGISTER', request.header('Authorization'))
    if (verdict.kind === 'Challenge') return request.respond(401, undefined, verdict.headers)
    const expires = Number(request.header('expires')[0])
    if (state.growing) state.leastExpires = expires + 1
    if (expires > 0 && expires < state.leastExpires) {
      return request.respond(423, undefined, [['Min-Expires', String(state.leastExpires)]])
    }
    const contact = request.header('Contact')[0]?.split(';expires')[0] ?? ''
    if (expires === 0) bindings.delete(verdict.username)
    else bindings.set(verdict.username, contact)
    const granted = Math.max(1, expires - 1)
    request.respond(200, undefined, [
      ['Contact', '<sip:another@192.0.2.9>;expires=7'],
      ...(expires > 0 ? [['Contact', `${contact};expires=${granted}`] as const] : []),
    ])
  })
  return { bindings, state }
}

describe.each(TRANSPORTS)('registration over %s', (transport) => {
  async function lab(factor = 1) {
    const clock = fasterClock(factor)
    const server = await listening(transport, { clock })
    const client = await listening(transport, { clock })
    const options = (credentials: Credentials | undefined, changes: { timeout?: number; expires?: number } = {}) => ({
      party: party(portOf(server, transport), transport, credentials && { credentials }),
      callId: 'register-1',
      ...{ timeout: 20_000, expires: 300, trace: new Trace(), signal: new AbortController().signal, ...changes },
    })
    return {
      ...{ clock, server, client, options, ...registrar(server, clock) },
      async [Symbol.asyncDispose]() {
        await client[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      },
    }
  }
  const alice = { username: 'alice', password: 'pw-alice' }

  test('answers a challenge, finds what was granted for its own contact, and removes only that', async () => {
    await using all = await lab()
    const options = all.options(alice)
    const outcome = await all.client.register(options)
    if (outcome.kind !== 'Registered') throw new Error(outcome.kind)
    const { registration } = outcome
    const contact = `sip:alice-contact@127.0.0.1:${portOf(all.client, transport)}${parameterOf(transport)}`
    expect(registration.contact).toBe(contact)
    expect(registration.expires).toBe(299)
    expect(registration.counters.authenticationRounds).toBe(1)
    expect(outcome.milliseconds).toBeGreaterThan(0)
    expect(all.bindings.get('alice')).toBe(`<${registration.contact}>`)
    expect(all.client.gauges.registrations).toBe(1)

    expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
    expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
    expect([...all.bindings]).toEqual([])
    // The nonce is used again: no second challenge.
    expect(titles(options.trace)).toEqual([
      '> REGISTER',
      '< 401 REGISTER',
      '> REGISTER',
      '< 200 REGISTER',
      '> REGISTER',
      '< 200 REGISTER',
    ])
    expect(options.trace.messages.map(({ text }) => text).join('')).not.toMatch(/response="[0-9a-f]/)
    const messages = options.trace.messages.filter(
      ({ direction, retransmission }) => direction === 'Out' && !retransmission,
    )
    expect(messages.map(({ text }) => /^CSeq: (\d+)/m.exec(text)?.[1])).toEqual(['1', '2', '3'])
    expect(messages.at(-1)?.text).toContain(`Contact: <${registration.contact}>;expires=0`)
    expect(all.client.gauges.registrations).toBe(0)
  })

  test('is refreshed until it is removed', async () => {
    await using all = await lab(20)
    const outcome = await all.client.register(all.options(alice, { expires: 5 }))
    if (outcome.kind !== 'Registered') throw new Error(outcome.kind)
    const { promise, resolve } = Promise.withResolvers<void>()
    using _watch = { [Symbol.dispose]: watch(() => all.state.requests >= 6, resolve) }
    await promise
    expect(all.bindings.size).toBe(1)
    await outcome.registration.unregister()
    const { requests } = all.state
    await drained(all.client, all.server)
    expect([all.bindings.size, all.state.requests]).toEqual([0, requests])
  })

  test('is lost when it expired and no refresh had success', async () => {
    await using all = await lab(4)
    const outcome = await all.client.register(all.options(alice, { expires: 5 }))
    if (outcome.kind !== 'Registered') throw new Error(outcome.kind)
    const { requests } = all.state
    const since = all.clock.monotonic()
    all.state.refuse = 503
    expect(await outcome.registration.lost).toEqual({ kind: 'Rejected', code: 503, reason: 'Service Unavailable' })
    expect(all.clock.monotonic() - since).toBeGreaterThan(3_500)
    expect(all.state.requests - requests).toBeGreaterThan(1)
    expect(all.client.gauges.registrations).toBe(0)
  })

  test('outlives a refresh that failed', async () => {
    await using all = await lab(20)
    const outcome = await all.client.register(all.options(alice, { expires: 21 }))
    if (outcome.kind !== 'Registered') throw new Error(outcome.kind)
    const { requests } = all.state
    all.state.refuseOnce = 503
    const again = Promise.withResolvers<string>()
    using _watch = {
      [Symbol.dispose]: watch(
        () => all.state.requests >= requests + 2,
        () => again.resolve('tried again'),
      ),
    }
    expect(await Promise.race([outcome.registration.lost, again.promise])).toBe('tried again')
    expect(all.client.gauges.registrations).toBe(1)
  })

  test('is lost at once when a refresh is refused for good', async () => {
    await using all = await lab(20)
    const outcome = await all.client.register(all.options(alice, { expires: 5 }))
    if (outcome.kind !== 'Registered') throw new Error(outcome.kind)
    const { requests } = all.state
    all.state.refuse = 403
    expect(await outcome.registration.lost).toEqual({ kind: 'Rejected', code: 403, reason: 'Forbidden' })
    expect(all.state.requests - requests).toBe(1)
  })

  test('asks for longer when the registrar wants it', async () => {
    await using all = await lab()
    all.state.leastExpires = 600
    const outcome = await all.client.register(all.options(alice))
    expect(outcome).toMatchObject({ kind: 'Registered', registration: { expires: 599 } })
  })

  test('is not asked for longer and longer', async () => {
    await using all = await lab()
    all.state.growing = true
    const options = all.options(alice)
    expect(await all.client.register(options)).toMatchObject({ kind: 'Rejected', code: 423 })
    expect(titles(options.trace).filter((title) => title === '< 423 REGISTER')).toHaveLength(2)
  })

  test.each([
    ['a wrong password', { username: 'alice', password: 'guess' }],
    ['credentials of another realm', { ...alice, realm: 'elsewhere' }],
    ['no credentials', undefined],
  ])('fails with %s', async (_, credentials) => {
    await using all = await lab()
    const outcome = await all.client.register(all.options(credentials))
    expect(outcome).toMatchObject({ kind: 'AuthenticationFailed', code: 401, reason: 'Unauthorized' })
    expect(all.client.gauges.registrations).toBe(0)
  })

  test('that had no success says what it cost', async () => {
    await using all = await lab()
    const outcome = await all.client.register(all.options({ ...alice, password: 'guess' }))
    expect(outcome).toMatchObject({ kind: 'AuthenticationFailed', counters: { authenticationRounds: 1 } })
    const { party: us, ...rest } = all.options(undefined)
    const asked = await all.client.options({ ...rest, party: us, target: 'sip:x@127.0.0.1' })
    expect(asked).toMatchObject({ kind: 'Answered', counters: { authenticationRounds: 0, retransmissionsReceived: 0 } })
  })

  test('fails with the code of the registrar', async () => {
    await using all = await lab()
    all.state.refuse = 403
    expect(await all.client.register(all.options(alice))).toMatchObject({
      kind: 'Rejected',
      code: 403,
      reason: 'Forbidden',
    })
  })

  test('is taken back when it was aborted under way', async () => {
    await using all = await lab()
    const stop = new AbortController()
    const options = { ...all.options(alice), signal: stop.signal }
    const under = all.client.register(options)
    const { promise, resolve } = Promise.withResolvers<void>()
    using _watch = { [Symbol.dispose]: watch(() => all.state.requests >= 1, resolve) }
    await promise
    stop.abort()
    // Whichever came first, the answer or the abort: nothing of ours is left there.
    const outcome = await under
    if (outcome.kind === 'Registered') await outcome.registration.unregister()
    expect(all.bindings.size).toBe(0)
  })

  test('of a method without a taker is not allowed, and says what is', async () => {
    await using all = await lab()
    const { party: us, ...rest } = all.options(alice)
    const outcome = await all.server.options({
      ...rest,
      party: { ...us, nextHop: { ...us.nextHop, port: portOf(all.client, transport) } },
      target: 'sip:x@127.0.0.1',
    })
    expect(outcome).toMatchObject({ kind: 'Answered', code: 200, reason: 'OK' })
    const refused = await all.server.register({
      ...rest,
      party: { ...us, nextHop: { ...us.nextHop, port: portOf(all.client, transport) } },
    })
    expect(refused).toMatchObject({ kind: 'Rejected', code: 405, reason: 'Method Not Allowed' })
  })
})

/** Looks every few milliseconds; the result ends it. */
function watch(done: () => boolean, resolve: () => void): () => void {
  const clock = fasterClock(1)
  let timer: Disposable
  const look = (): void => {
    if (done()) resolve()
    else timer = clock.timer(2, look)
  }
  look()
  return () => timer?.[Symbol.dispose]()
}
