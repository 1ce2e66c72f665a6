import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { Authenticator } from './authenticator.ts'
import { createDigestServer, type DigestServer, type DigestServerOptions } from './digest-server.ts'
import { Headers } from '../message/headers.ts'
import type { Response } from '../message/message.ts'
import { Nonces } from './nonces.ts'

const passwords: Record<string, string> = { bob: 'secret', 'quo"te\\': 'pw' }

function lab(changes: Partial<DigestServerOptions> = {}) {
  const clock = new ManualClock()
  const server = createDigestServer({
    ...{ clock, random: seededRandom(1), realm: 'ring', password: (user) => passwords[user] },
    ...changes,
  })
  return { clock, server }
}

const answered = (headers: ReadonlyArray<readonly [string, string]>, code: number): Response => {
  const all = new Headers()
  for (const [name, value] of headers) all.add(name, value)
  return { kind: 'Response', version: 'SIP/2.0', code, reason: '', headers: all, body: '' }
}

/** A client that was challenged by the server. */
function client(server: DigestServer, username: string, password: string): Authenticator {
  const first = server.verify('REGISTER', [])
  if (first.kind !== 'Challenge') throw new Error('must challenge')
  const authenticator = new Authenticator({ username, password }, seededRandom(2))
  authenticator.challenged(answered(first.headers, 401))
  return authenticator
}

const credentials = (authenticator: Authenticator, body?: string): string[] =>
  authenticator.authorize('REGISTER', 'sip:ring', body).map(([, value]) => value)

const login = (server: DigestServer, username: string, password: string): string[] =>
  credentials(client(server, username, password))

describe('the server side', () => {
  test.each(['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'SHA-512-256-sess'] as const)(
    'the right password is taken, and the server proves that it knows it (%s)',
    (algorithm) => {
      const { server } = lab({ algorithms: [algorithm], qop: ['auth', 'auth-int'] })
      const authenticator = client(server, 'bob', 'secret')
      for (const _ of [1, 2, 3]) {
        const verdict = server.verify('REGISTER', credentials(authenticator))
        if (verdict.kind === 'Challenge') throw new Error(verdict.reason)
        expect(verdict.username).toBe('bob')
        expect(authenticator.accepted(answered(verdict.headers, 200))).toBe(true)
      }
    },
  )

  test('auth-int refuses another body', () => {
    const { server } = lab({ qop: ['auth-int'] })
    const authenticator = client(server, 'bob', 'secret')
    expect(server.verify('REGISTER', credentials(authenticator, 'one'), 'one').kind).toBe('Authorized')
    expect(server.verify('REGISTER', credentials(authenticator, 'one'), 'other')).toMatchObject({ reason: 'Wrong' })
  })

  test.each(['SHA-256', 'SHA-256-sess'] as const)('the next nonce may come with each answer (%s)', (algorithm) => {
    const { server } = lab({ nextNonce: true, algorithms: [algorithm] })
    const authenticator = client(server, 'bob', 'secret')
    for (const _ of [1, 2, 3]) {
      const verdict = server.verify('REGISTER', credentials(authenticator))
      if (verdict.kind === 'Challenge') throw new Error(verdict.reason)
      expect(authenticator.accepted(answered(verdict.headers, 200))).toBe(true)
    }
  })

  test('a name with quotes in it works', () => {
    const { server } = lab()
    expect(server.verify('REGISTER', login(server, 'quo"te\\', 'pw'))).toMatchObject({ username: 'quo"te\\' })
  })

  test.each<[string, (server: DigestServer) => ReturnType<DigestServer['verify']>]>([
    ['another password', (server) => server.verify('REGISTER', login(server, 'bob', 'wrong'))],
    ['an unknown user', (server) => server.verify('REGISTER', login(server, 'eve', 'secret'))],
    ['another method', (server) => server.verify('INVITE', login(server, 'bob', 'secret'))],
    ['a nonce of our own making', (server) => changed(server, /nonce="./, 'nonce="z')],
    ['an algorithm that was not offered', (server) => changed(server, 'SHA-256', 'SHA-512-256')],
    ['a protection that was not offered', (server) => changed(server, 'qop=auth', 'qop=auth-int')],
    ['a count that is none', (server) => changed(server, 'nc=0000', 'nc=')],
  ])('%s is challenged again', (_, attempt) => {
    expect(attempt(lab().server)).toMatchObject({ kind: 'Challenge', reason: 'Wrong' })
  })

  const changed = (server: DigestServer, from: string | RegExp, to: string) =>
    server.verify(
      'REGISTER',
      login(server, 'bob', 'secret').map((each) => each.replace(from, to)),
    )

  test('an old nonce is stale, and says so only to who knows the password', async () => {
    const { server, clock } = lab()
    const good = login(server, 'bob', 'secret')
    const bad = login(server, 'bob', 'wrong')
    await clock.advance(301_000)
    const verdict = server.verify('REGISTER', good)
    expect(verdict).toMatchObject({ kind: 'Challenge', reason: 'Stale' })
    expect(verdict.headers[0]?.[1]).toContain('stale=true')
    expect(server.verify('REGISTER', bad)).toMatchObject({ kind: 'Challenge', reason: 'Wrong' })
  })

  test('the same credentials are not taken twice', () => {
    const { server } = lab()
    const overheard = login(server, 'bob', 'secret')
    expect(server.verify('REGISTER', overheard).kind).toBe('Authorized')
    expect(server.verify('REGISTER', overheard)).toMatchObject({ kind: 'Challenge', reason: 'Replayed' })
  })
})

describe('nonces', () => {
  test('no count is taken twice, in whatever order they come, and none is refused that came in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }), (counts) => {
        const nonces = new Nonces(new ManualClock(), seededRandom(1))
        const nonce = nonces.make()
        const fresh = counts.filter((count) => nonces.use(nonce, count) === 'Fresh')
        expect(new Set(fresh).size).toBe(fresh.length)
        const rising = counts.filter((count, index) => counts.slice(0, index).every((each) => each < count))
        expect(fresh).toEqual(expect.arrayContaining(rising))
      }),
    )
  })

  test('may overtake each other a little', () => {
    const nonces = new Nonces(new ManualClock(), seededRandom(1))
    const nonce = nonces.make()
    expect([3, 1, 2, 2, 40, 8, 9].map((count) => nonces.use(nonce, count))).toEqual([
      ...['Fresh', 'Fresh', 'Fresh', 'Replayed', 'Fresh', 'Replayed', 'Fresh'],
    ])
  })

  test('what was forgotten for want of room is stale, never fresh again', async () => {
    const clock = new ManualClock()
    const nonces = new Nonces(clock, seededRandom(1), 3)
    const made: string[] = []
    for (let index = 0; index < 6; index++) {
      made.push(nonces.make())
      await clock.advance(10)
    }
    expect(made.map((nonce) => nonces.use(nonce, 1))).toEqual(['Fresh', 'Fresh', 'Fresh', 'Fresh', 'Fresh', 'Fresh'])
    expect(made.map((nonce) => nonces.use(nonce, 1))).toEqual([
      ...['Stale', 'Stale', 'Stale', 'Replayed', 'Replayed', 'Replayed'],
    ])
  })

  test('of an old client that counts nothing may be used again', () => {
    const nonces = new Nonces(new ManualClock(), seededRandom(1))
    const nonce = nonces.make()
    expect([nonces.use(nonce, undefined), nonces.use(nonce, undefined)]).toEqual(['Fresh', 'Fresh'])
  })

  test('are told from those of others', () => {
    const nonces = new Nonces(new ManualClock(), seededRandom(1))
    expect([nonces.isOurs(nonces.make()), nonces.isOurs(''), nonces.isOurs('0.0.')]).toEqual([true, false, false])
    expect(nonces.isOurs(new Nonces(new ManualClock(), seededRandom(2)).make())).toBe(false)
  })
})
