import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { seededRandom } from '../../../lib/random.ts'
import { Authenticator } from './authenticator.ts'
import { createDigestServer } from './digest-server.ts'
import { digestResponse, parseChallenges, parseCredentials } from './digest.ts'
import { Headers } from '../message/headers.ts'
import type { Response } from '../message/message.ts'

const response = (headers: ReadonlyArray<readonly [string, string]>, code = 401): Response => {
  const all = new Headers()
  for (const [name, value] of headers) all.add(name, value)
  return { kind: 'Response', version: 'SIP/2.0', code, reason: 'Unauthorized', headers: all, body: '' }
}

const mufasa = { username: 'Mufasa', password: 'Circle of Life', method: 'GET', uri: '/dir/index.html' }

describe('published examples', () => {
  test('RFC 2617 3.5', () => {
    const digest = digestResponse({
      ...mufasa,
      password: 'Circle Of Life',
      realm: 'testrealm@host.com',
      nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
      qop: { nc: '00000001', cnonce: '0a4f113b' },
    })
    expect(digest).toBe('6629fae49393a05397450978507c4ef1')
  })

  const example = {
    ...mufasa,
    realm: 'http-auth@example.org',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    qop: { nc: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
  }

  test('RFC 7616 3.9.1', () => {
    expect(digestResponse({ ...example, algorithm: 'MD5' })).toBe('8ca523f5e9506fed4657c9700eebdbec')
    expect(digestResponse({ ...example, algorithm: 'SHA-256' })).toBe(
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    )
  })
})

describe('challenges', () => {
  test('several may stand in one value, other schemes are passed over', () => {
    const value =
      'Basic realm="x", Digest realm="a, b", nonce="n1", qop="auth,auth-int", algorithm=SHA-256, Digest realm="c", nonce="n2", stale=TRUE, opaque="o"'
    expect(parseChallenges(value)).toEqual([
      { realm: 'a, b', nonce: 'n1', algorithm: 'SHA-256', qop: ['auth', 'auth-int'], stale: false },
      { realm: 'c', nonce: 'n2', opaque: 'o', stale: true },
    ])
  })

  test('without realm or nonce it is none', () => {
    expect(parseChallenges('Digest realm="a"')).toEqual([])
    expect(parseChallenges(', = ,"')).toEqual([])
  })
})

describe('answering', () => {
  const credentials = { username: 'bob', password: 'secret' }
  const answer = (authenticator: Authenticator) => authenticator.authorize('REGISTER', 'sip:example.com')
  const parameters = (authenticator: Authenticator) => parseCredentials(answer(authenticator)[0]?.[1] ?? '')
  const challenge = (text: string) => response([['WWW-Authenticate', `Digest realm="r", nonce="n", ${text}`]])

  test('the strongest that can be computed is taken', () => {
    const authenticator = new Authenticator(credentials, seededRandom(1))
    const offers = ['MD5', 'SHA-512-256', 'SHA-256', 'SHA3-512'].map(
      (algorithm) =>
        ['WWW-Authenticate', `Digest realm="r", nonce="${algorithm}", algorithm=${algorithm}, qop="auth"`] as const,
    )
    expect(authenticator.challenged(response(offers))).toBe(true)
    expect(parameters(authenticator)?.get('algorithm')).toBe('SHA-512-256')
  })

  test('what cannot be answered is refused at once', () => {
    const authenticator = new Authenticator(credentials, seededRandom(1))
    expect(authenticator.challenged(challenge('algorithm=SHA3-512'))).toBe(false)
    expect(authenticator.challenged(challenge('qop="auth-int"'))).toBe(false)
    expect(new Authenticator(undefined, seededRandom(1)).challenged(challenge('qop="auth"'))).toBe(false)
    expect(
      new Authenticator({ ...credentials, realm: 'other' }, seededRandom(1)).challenged(challenge('qop="auth"')),
    ).toBe(false)
  })

  test('a second challenge after credentials is a refusal, but not when only the nonce was stale', () => {
    const authenticator = new Authenticator(credentials, seededRandom(1))
    authenticator.begin()
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(true)
    answer(authenticator)
    expect(authenticator.challenged(response([['WWW-Authenticate', 'Digest realm="r", nonce="m", stale=true']]))).toBe(
      true,
    )
    answer(authenticator)
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(false)
  })

  test('the nonce is used again in the next request, counted up, and may be refused once there', () => {
    const authenticator = new Authenticator(credentials, seededRandom(1))
    authenticator.begin()
    authenticator.challenged(challenge('qop="auth"'))
    expect(parameters(authenticator)?.get('nc')).toBe('00000001')
    authenticator.begin()
    expect(parameters(authenticator)?.get('nc')).toBe('00000002')
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(true)
  })

  test('a proxy and a server behind it are both answered', () => {
    const authenticator = new Authenticator(credentials, seededRandom(1))
    authenticator.challenged(response([['Proxy-Authenticate', 'Digest realm="p", nonce="1"']], 407))
    answer(authenticator)
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(true)
    expect(answer(authenticator).map(([field]) => field)).toEqual(['Proxy-Authorization', 'Authorization'])
  })

  test('a server that never has enough is left after five rounds', () => {
    const authenticator = new Authenticator(credentials, seededRandom(1))
    authenticator.begin()
    let rounds = 0
    while (
      authenticator.challenged(response([['WWW-Authenticate', `Digest realm="r", nonce="${rounds}", stale=true`]]))
    ) {
      answer(authenticator)
      rounds++
    }
    expect(rounds).toBe(5)
  })
})

describe('the server side', () => {
  const clock = new ManualClock()
  const passwords: Record<string, string> = { bob: 'secret', 'quo"te\\': 'pw' }
  const server = createDigestServer({
    clock,
    random: seededRandom(1),
    realm: 'ring',
    password: (user) => passwords[user],
  })

  function login(username: string, password: string, algorithm?: string) {
    const first = server.verify('REGISTER', [])
    if (first.kind !== 'Challenge') throw new Error('must challenge')
    const authenticator = new Authenticator({ username, password }, seededRandom(2))
    const offered = first.headers.filter(([, value]) => algorithm === undefined || value.includes(algorithm))
    authenticator.challenged(response(offered))
    return authenticator.authorize('REGISTER', 'sip:ring').map(([, value]) => value)
  }

  test.each([undefined, 'algorithm=MD5', 'algorithm=SHA-256'])('the right password is taken (%s)', (algorithm) => {
    expect(server.verify('REGISTER', login('bob', 'secret', algorithm))).toEqual({
      kind: 'Authorized',
      username: 'bob',
    })
  })

  test('a name with quotes in it works', () => {
    expect(server.verify('REGISTER', login('quo"te\\', 'pw'))).toMatchObject({
      kind: 'Authorized',
      username: 'quo"te\\',
    })
  })

  test.each([
    ['another password', () => server.verify('REGISTER', login('bob', 'wrong'))],
    ['an unknown user', () => server.verify('REGISTER', login('eve', 'secret'))],
    ['another method', () => server.verify('INVITE', login('bob', 'secret'))],
    [
      'a nonce of our own making',
      () =>
        server.verify(
          'REGISTER',
          login('bob', 'secret').map((each) => each.replace(/nonce="./, 'nonce="z')),
        ),
    ],
  ])('%s is challenged again', (_, attempt) => {
    expect(attempt()).toMatchObject({ kind: 'Challenge', reason: 'Wrong' })
  })

  test('an old nonce is stale, and says so only to who knows the password', async () => {
    const good = login('bob', 'secret')
    const bad = login('bob', 'wrong')
    await clock.advance(301_000)
    expect(server.verify('REGISTER', good)).toMatchObject({ kind: 'Challenge', reason: 'Stale' })
    expect(server.verify('REGISTER', bad)).toMatchObject({ kind: 'Challenge', reason: 'Wrong' })
  })
})
