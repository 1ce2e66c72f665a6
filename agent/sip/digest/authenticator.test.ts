import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../lib/random.ts'
import { Authenticator } from './authenticator.ts'
import { digestResponse, hashed, secret } from './digest.ts'
import { parseCredentials } from './fields.ts'
import { Headers } from '../message/headers.ts'
import type { Response } from '../message/message.ts'

const response = (headers: ReadonlyArray<readonly [string, string]>, code = 401): Response => {
  const all = new Headers()
  for (const [name, value] of headers) all.add(name, value)
  return { kind: 'Response', version: 'SIP/2.0', code, reason: 'Unauthorized', headers: all, body: '' }
}

const credentials = { username: 'bob', password: 'secret' }
const create = (changes = {}) => new Authenticator({ ...credentials, ...changes }, seededRandom(1))
const answer = (authenticator: Authenticator) => authenticator.authorize('REGISTER', 'sip:example.com')
const parameters = (authenticator: Authenticator) => parseCredentials(answer(authenticator)[0]?.[1] ?? '')
const challenge = (text: string) => response([['WWW-Authenticate', `Digest realm="r", nonce="n", ${text}`]])
const stale = (nonce: string) =>
  response([['WWW-Authenticate', `Digest realm="r", nonce="${nonce}", qop="auth", stale=true`]])

describe('choosing', () => {
  test('the strongest that can be computed is taken', () => {
    const authenticator = create()
    const offers = ['MD5', 'SHA-512-256', 'SHA-256', 'SHA3-512'].map(
      (algorithm) =>
        ['WWW-Authenticate', `Digest realm="r", nonce="${algorithm}", algorithm=${algorithm}, qop="auth"`] as const,
    )
    expect(authenticator.challenged(response(offers))).toBe(true)
    expect(parameters(authenticator)?.get('algorithm')).toBe('SHA-512-256')
  })

  test.each([
    ['auth,auth-int', 'auth'],
    ['auth-int, auth', 'auth'],
    ['auth-int', 'auth-int'],
  ])('of qop %s it is %s', (offered, taken) => {
    const authenticator = create()
    authenticator.challenged(challenge(`qop="${offered}"`))
    expect(parameters(authenticator)?.get('qop')).toBe(taken)
  })

  test('auth-int covers the body', () => {
    const authenticator = create()
    authenticator.challenged(challenge('qop="auth-int"'))
    const [, text] = authenticator.authorize('INVITE', 'sip:a', 'v=0')[0] ?? []
    const given = parseCredentials(text ?? '')
    const qop = { protection: 'auth-int', cnonce: given?.get('cnonce') ?? '', nc: '00000001' } as const
    const a1 = hashed('MD5', 'bob:r:secret')
    const input = { algorithm: 'MD5', secret: a1, method: 'INVITE', uri: 'sip:a', nonce: 'n', qop, body: 'v=0' }
    expect(given?.get('response')).toBe(digestResponse(input))
  })

  test('what cannot be answered is refused at once', () => {
    expect(create().challenged(challenge('algorithm=SHA3-512'))).toBe(false)
    expect(create().challenged(challenge('qop="auth-conf"'))).toBe(false)
    expect(new Authenticator(undefined, seededRandom(1)).challenged(challenge('qop="auth"'))).toBe(false)
    expect(create({ realm: 'other' }).challenged(challenge('qop="auth"'))).toBe(false)
  })

  test('a server may ask for a hashed username', () => {
    const authenticator = create()
    authenticator.challenged(challenge('algorithm=SHA-256, userhash=true, qop="auth"'))
    const given = parameters(authenticator)
    expect([given?.get('username'), given?.get('userhash')]).toEqual([hashed('SHA-256', 'bob:r'), 'true'])
  })

  test('with charset UTF-8 names are normalized', () => {
    const authenticator = create({ username: 'Ja\u0308son' })
    authenticator.challenged(challenge('charset=UTF-8'))
    expect(parameters(authenticator)?.get('username')).toBe('J\u00e4son')
  })
})

describe('being challenged again', () => {
  test('after credentials is a refusal, but not when only the nonce was stale', () => {
    const authenticator = create()
    authenticator.begin()
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(true)
    answer(authenticator)
    expect(authenticator.challenged(stale('m'))).toBe(true)
    answer(authenticator)
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(false)
  })

  test('with the same nonce is a refusal even when it is called stale', () => {
    const authenticator = create()
    authenticator.begin()
    authenticator.challenged(challenge('qop="auth"'))
    answer(authenticator)
    expect(authenticator.challenged(stale('n'))).toBe(false)
  })

  test('by a proxy that takes each nonce once, while the one behind it asks', () => {
    const authenticator = create()
    const proxy = (nonce: string) => response([['Proxy-Authenticate', `Digest realm="p", nonce="${nonce}"`]], 407)
    authenticator.begin()
    expect(authenticator.challenged(proxy('1'))).toBe(true)
    answer(authenticator)
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(true)
    answer(authenticator)
    expect(authenticator.challenged(proxy('2'))).toBe(true)
    expect(answer(authenticator).map(([, text]) => parseCredentials(text)?.get('nonce'))).toEqual(['n', '2'])
  })

  test('the nonce is used again in the next request, counted up, and may be refused once there', () => {
    const authenticator = create()
    authenticator.begin()
    authenticator.challenged(challenge('qop="auth"'))
    expect(parameters(authenticator)?.get('nc')).toBe('00000001')
    authenticator.begin()
    expect(parameters(authenticator)?.get('nc')).toBe('00000002')
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(true)
  })

  test('a proxy and a server behind it are both answered, and so are two proxies', () => {
    const authenticator = create()
    const proxies = ['p', 'q'].map((realm) => ['Proxy-Authenticate', `Digest realm="${realm}", nonce="1"`] as const)
    authenticator.challenged(response(proxies, 407))
    answer(authenticator)
    expect(authenticator.challenged(challenge('qop="auth"'))).toBe(true)
    const sent = answer(authenticator).map(([field, text]) => `${field} ${parseCredentials(text)?.get('realm')}`)
    expect(sent).toEqual(['Proxy-Authorization p', 'Proxy-Authorization q', 'Authorization r'])
  })

  test('a server that never has enough is left after five rounds', () => {
    const authenticator = create()
    authenticator.begin()
    let rounds = 0
    while (authenticator.challenged(stale(`${rounds}`))) {
      answer(authenticator)
      rounds++
    }
    expect(rounds).toBe(5)
  })

  test('a server that names another realm each time is not remembered for ever', () => {
    const authenticator = create()
    for (let index = 0; index < 50; index++) {
      authenticator.begin()
      authenticator.challenged(response([['WWW-Authenticate', `Digest realm="${index}", nonce="n"`]]))
    }
    expect(answer(authenticator)).toHaveLength(8)
  })
})

describe('Authentication-Info', () => {
  function proof(authenticator: Authenticator, password: string, algorithm = 'SHA-256') {
    const given = parameters(authenticator)
    const value = (name: string) => given?.get(name) ?? ''
    const [nonce, cnonce, nc] = [value('nonce'), value('cnonce'), value('nc')]
    const a1 = secret(algorithm, { username: 'bob', realm: 'r', password }, { nonce, cnonce })
    const qop = { protection: 'auth', cnonce, nc } as const
    const input = { algorithm, secret: a1, method: '', uri: 'sip:example.com', nonce, qop, body: '' }
    return response(
      [['Authentication-Info', `rspauth="${digestResponse(input)}", cnonce="${cnonce}", nc=${nc}, qop=auth`]],
      200,
    )
  }

  test.each(['SHA-256', 'SHA-512-256-sess', 'MD5-sess'])('proves that the server knows the password (%s)', (name) => {
    const authenticator = create()
    authenticator.challenged(challenge(`algorithm=${name}, qop="auth"`))
    expect(authenticator.accepted(proof(authenticator, 'secret', name))).toBe(true)
    expect(authenticator.accepted(proof(authenticator, 'guess', name))).toBe(false)
  })

  test('without proof, or for another client, it is no fault', () => {
    const authenticator = create()
    authenticator.challenged(challenge('qop="auth"'))
    answer(authenticator)
    expect(authenticator.accepted(response([], 200))).toBe(true)
    expect(authenticator.accepted(response([['Authentication-Info', 'rspauth="00", cnonce="other"']], 200))).toBe(true)
  })

  test('names the nonce of the next request', () => {
    const authenticator = create()
    authenticator.challenged(challenge('qop="auth"'))
    answer(authenticator)
    expect(authenticator.accepted(response([['Authentication-Info', 'nextnonce="later"']], 200))).toBe(true)
    const given = parameters(authenticator)
    expect([given?.get('nonce'), given?.get('nc')]).toEqual(['later', '00000001'])
  })
})
