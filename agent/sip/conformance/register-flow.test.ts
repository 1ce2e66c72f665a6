import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { createDigestServer } from '../digest/digest-server.ts'
import type { IncomingRequest, LocalParty, RegisterOptions } from '../engine.ts'
import { Trace } from '../trace/trace.ts'
import { drained, engine, fasterClock, inviteOptions, listeningAt, party, titles } from './lab.ts'

const options = (us: LocalParty, changes: Partial<RegisterOptions> = {}): RegisterOptions => ({
  ...{ party: us, callId: 'flow-1', timeout: 20_000, expires: 300, trace: new Trace() },
  ...changes,
})

type Headers = ReadonlyArray<readonly [name: string, value: string]>

/** A registrar over UDP that answers as a test says, and keeps what it was asked. */
async function registrar(answer: (request: IncomingRequest, nth: number) => { code: number; headers?: Headers }) {
  const clock = fasterClock(20)
  const [server, client] = [await engine({ clock }), await engine({ clock })]
  const asked: IncomingRequest[] = []
  server.onRequest('REGISTER', (request) => {
    asked.push(request)
    const { code, headers } = answer(request, asked.length)
    request.respond(code, undefined, headers)
  })
  return {
    ...{ clock, server, client, asked, us: party(server.ports.UDP, 'UDP') },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

async function registered(client: Awaited<ReturnType<typeof engine>>, wish: RegisterOptions) {
  const outcome = await client.register(wish)
  if (outcome.kind !== 'Registered') throw new Error(outcome.kind)
  return outcome.registration
}

describe('what a registrar says in its 200', () => {
  test('is a service route, which later requests of the party take', async () => {
    const route = '<sip:edge.example.com;lr>'
    await using all = await registrar(() => ({ code: 200, headers: [['Service-Route', route]] }))
    const registration = await registered(all.client, options(all.us))
    expect(registration.serviceRoute).toEqual([route])
    const { promise, resolve } = Promise.withResolvers<string[]>()
    all.server.onRequest('MESSAGE', () => {})
    all.server.onInvite(undefined, (call) => {
      call.reject(486)
      resolve([call.user])
    })
    const trace = new Trace()
    const wish = inviteOptions(all.server.ports.UDP, 'UDP', {
      trace,
      party: { ...all.us, routes: registration.serviceRoute },
    })
    await all.client.invite(wish).outcome
    expect(await promise).toEqual(['bob'])
    expect(trace.messages[0]?.text).toContain(`\r\nRoute: ${route}\r\n`)
    await registration.unregister()
    expect(all.asked.at(-1)?.header('Route')).toEqual([])
  })

  test('is a proof that it knows the password, which is wrong', async () => {
    const digest = createDigestServer({
      clock: fasterClock(1),
      random: seededRandom(3),
      realm: 'ring',
      password: () => 'pw',
    })
    await using all = await registrar((request, nth) => {
      const verdict = digest.verify('REGISTER', request.header('Authorization'))
      if (verdict.kind === 'Challenge') return { code: 401, headers: verdict.headers }
      const wrong = verdict.headers.map(([name, value]) => [name, value.replace(/rspauth="./, 'rspauth="x')] as const)
      return { code: 200, headers: nth === 2 ? verdict.headers : wrong }
    })
    const registration = await registered(
      all.client,
      options({ ...all.us, credentials: { username: 'alice', password: 'pw' } }),
    )
    expect(registration.counters).toMatchObject({ authenticationRounds: 1, wrongProofs: 0 })
    expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
    expect(registration.counters.wrongProofs).toBe(1)
  })

  test('is a time to come again after a refresh that it could not serve', async () => {
    const times: number[] = []
    const third = Promise.withResolvers<void>()
    await using all = await registrar((_, nth) => {
      times.push(all.clock.monotonic())
      if (nth === 3) third.resolve()
      return nth === 2 ? { code: 503, headers: [['Retry-After', '9']] } : { code: 200, headers: [['Expires', '30']] }
    })
    const registration = await registered(all.client, options(all.us))
    await third.promise
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(8_900)
    await registration.unregister()
  })

  test('is a time to come again that nobody can read', async () => {
    const third = Promise.withResolvers<void>()
    await using all = await registrar((_, nth) => {
      if (nth === 3) third.resolve()
      return nth === 2 ? { code: 503, headers: [['Retry-After', 'soon']] } : { code: 200, headers: [['Expires', '30']] }
    })
    const registration = await registered(all.client, options(all.us))
    expect(await Promise.race([third.promise, registration.lost])).toBeUndefined()
    await registration.unregister()
  })
})

describe('outbound (RFC 5626)', () => {
  test('names instance and flow, the same ones each time', async () => {
    await using all = await registrar(() => ({ code: 200 }))
    for (const _ of [1, 2]) {
      const registration = await registered(all.client, options(all.us, { outbound: {} }))
      await registration.unregister()
    }
    const sent = all.asked.map((request) =>
      request
        .header('Contact')[0]
        ?.split(';')
        .slice(1, 4)
        .join(';')
        .replace(/expires=\d+;/, ''),
    )
    expect(sent[0]).toMatch(/^\+sip\.instance="<urn:uuid:[\da-f-]{36}>";reg-id=1$/)
    expect(new Set(sent).size).toBe(1)
    expect(all.asked[0]?.header('Supported')).toEqual(['path, outbound'])
  })

  test('is done without where the first hop cannot do it', async () => {
    await using all = await registrar((request) =>
      request.header('Supported')[0] === 'path' ? { code: 200 } : { code: 439 },
    )
    const wish = options(all.us, { outbound: { instance: 'urn:uuid:00000000-0000-1000-8000-000a95a0e128' } })
    const registration = await registered(all.client, wish)
    await registration.unregister()
    expect(titles(wish.trace)).toEqual([
      ...['> REGISTER', '< 439 REGISTER', '> REGISTER', '< 200 REGISTER', '> REGISTER', '< 200 REGISTER'],
    ])
    expect(all.asked.map((request) => request.header('Contact')[0]?.includes('instance'))).toEqual([true, false, false])
  })

  test('is refused for good when a hop asks for less each time', async () => {
    await using all = await registrar(() => ({ code: 439 }))
    expect(await all.client.register(options(all.us, { outbound: {} }))).toMatchObject({ kind: 'Rejected', code: 439 })
    expect(all.asked).toHaveLength(2)
  })
})

/** A registrar over TCP that can drop its connections, and answers pings or not. */
async function tcpRegistrar(more: string[], pongs: () => boolean) {
  const seen = { registers: 0, pings: 0, accepted: 0, connections: new Set<Socket>() }
  let changed = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    seen.accepted++
    seen.connections.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => seen.connections.delete(socket))
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString()
      if (text === '\r\n\r\n') {
        seen.pings++
        if (pongs()) socket.write('\r\n')
      } else {
        seen.registers++
        const echoed = text.split('\r\n').filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Contact):/i.test(line))
        socket.write([`SIP/2.0 200 OK`, ...echoed, ...more, 'Content-Length: 0', '', ''].join('\r\n'))
      }
      changed.resolve()
      changed = Promise.withResolvers()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...seen,
    seen,
    port: listeningAt(server),
    async until(done: () => boolean): Promise<void> {
      while (!done()) await changed.promise
    },
    drop: () => seen.connections.forEach((socket) => socket.destroy()),
    async [Symbol.asyncDispose]() {
      seen.connections.forEach((socket) => socket.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}

describe('a connection to the registrar', () => {
  test('that is lost is made again at once, and later when it does not last', async () => {
    await using peer = await tcpRegistrar([], () => true)
    const clock = fasterClock(20)
    await using client = await engine({ clock })
    const registration = await registered(client, options(party(peer.port, 'TCP'), { expires: 3_600 }))
    const times: number[] = []
    for (const count of [2, 3, 4]) {
      const lost = clock.monotonic()
      peer.drop()
      await peer.until(() => peer.seen.registers === count)
      times.push(clock.monotonic() - lost)
    }
    // Half of a second and half of two at least, on this clock; the first is not waited for.
    expect(times[1]).toBeGreaterThanOrEqual(500)
    expect(times[2]).toBeGreaterThanOrEqual(1_000)
    expect(client.gauges.registrations).toBe(1)
    expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
    const { registers } = peer.seen
    peer.drop()
    await drained(client)
    expect(peer.seen.registers).toBe(registers)
  })

  test('is kept alive within the time that the registrar wants', async () => {
    await using peer = await tcpRegistrar(['Flow-Timer: 4'], () => true)
    await using client = await engine({ clock: fasterClock(10) })
    const registration = await registered(client, options(party(peer.port, 'TCP'), { expires: 3_600 }))
    await peer.until(() => peer.seen.pings >= 4)
    expect(peer.seen.registers).toBe(1)
    expect(client.counters.messages.get('Out REGISTER request')).toBe(1)
    await registration.unregister()
    await drained(client)
  })

  test('without an answer to its ping is dead, and another takes its place', async () => {
    await using peer = await tcpRegistrar(['Flow-Timer: 20'], () => false)
    await using client = await engine({ clock: fasterClock(20) })
    const registration = await registered(client, options(party(peer.port, 'TCP'), { expires: 3_600 }))
    await peer.until(() => peer.seen.registers === 2)
    expect(peer.seen.pings).toBeGreaterThan(0)
    expect(peer.seen.accepted).toBe(2)
    await registration.unregister()
  })
})
