import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { digestResponse, hashed, secret, strength } from './digest.ts'
import { credentialText, parseChallenges, parseCredentials, parseInfo, usernameOf } from './fields.ts'

const Vector = z.strictObject({
  source: z.string(),
  algorithm: z.string().optional(),
  ...{ username: z.string(), password: z.string(), realm: z.string() },
  ...{ method: z.string(), uri: z.string(), nonce: z.string() },
  qop: z.strictObject({ protection: z.enum(['auth', 'auth-int']), nc: z.string(), cnonce: z.string() }).optional(),
  body: z.string().default(''),
  response: z.string(),
  userhash: z.string().optional(),
})
const published = new URL('../../../test/vectors/digest/published.json', import.meta.url)
const vectors = z.array(Vector).parse(JSON.parse(readFileSync(published, 'utf8')))

describe('published examples', () => {
  test.each(vectors)('$source', ({ username, password, realm, response, ...input }) => {
    const session = { nonce: input.nonce, cnonce: input.qop?.cnonce ?? '' }
    const a1 = secret(input.algorithm, { username, password, realm }, session)
    expect(digestResponse({ ...input, algorithm: input.algorithm, secret: a1 })).toBe(response)
  })

  const hashedNames = vectors.filter(({ userhash }) => userhash !== undefined)
  test.each(hashedNames)('$source, userhash', ({ algorithm, username, realm, userhash }) => {
    expect(hashed(algorithm, `${username}:${realm}`)).toBe(userhash)
  })
})

describe('the computation', () => {
  const account = { username: 'bob', realm: 'biloxi.com', password: 'zanzibar' }
  const session = { nonce: 'n', cnonce: 'c' }

  test.each([
    ['MD5', 'md5'],
    ['SHA-256', 'sha256'],
    ['SHA-512-256', 'sha512-256'],
  ])('of %s covers the body with auth-int, and its session form binds the nonces', (algorithm, name) => {
    const plain = (text: string) => createHash(name).update(text).digest('hex')
    const a1 = plain(`${plain('bob:biloxi.com:zanzibar')}:n:c`)
    expect(secret(`${algorithm}-sess`, account, session)).toBe(a1)
    const qop = { protection: 'auth-int', cnonce: 'c', nc: '00000002' } as const
    const input = { algorithm: `${algorithm}-sess`, secret: a1, method: 'INVITE', uri: 'sip:a', nonce: 'n', qop }
    expect(digestResponse({ ...input, body: 'v=0' })).toBe(
      plain(`${a1}:n:00000002:c:auth-int:${plain(`INVITE:sip:a:${plain('v=0')}`)}`),
    )
  })

  test('algorithms are ordered by strength, whatever their case', () => {
    const ranks = ['sha-512-256-SESS', 'SHA-256', undefined, 'md5-sess', 'SHA3-512', ''].map(strength)
    expect(ranks).toEqual([0, 1, 2, 2, undefined, undefined])
  })
})

describe('header fields', () => {
  test('several challenges may stand in one value, other schemes are passed over', () => {
    const value =
      'Basic realm="x", Digest realm="a, b", nonce="n1", qop="auth,auth-int", algorithm=SHA-256, userhash=true, domain="sip:a sip:b", Digest realm="c", nonce="n2", stale=TRUE, opaque="o", qop="", charset=utf-8'
    expect(parseChallenges(value)).toEqual([
      {
        ...{ realm: 'a, b', nonce: 'n1', algorithm: 'SHA-256', qop: ['auth', 'auth-int'] },
        ...{ stale: false, userhash: true, utf8: false },
      },
      { realm: 'c', nonce: 'n2', opaque: 'o', stale: true, userhash: false, utf8: true },
    ])
  })

  test('without realm or nonce it is no challenge', () => {
    expect(parseChallenges('Digest realm="a"')).toEqual([])
    expect(parseChallenges(', = ,"')).toEqual([])
  })

  test('credentials are quoted as SIP quotes them', () => {
    const qop = { protection: 'auth', cnonce: 'c', nc: '00000001' } as const
    const credential = { username: 'q"u\\o', realm: 'r', nonce: 'n', uri: 'sip:a', response: 'ff', userhash: false }
    expect(credentialText({ ...credential, algorithm: 'MD5', qop, opaque: '' })).toBe(
      'Digest username="q\\"u\\\\o", realm="r", nonce="n", uri="sip:a", response="ff", algorithm=MD5, cnonce="c", qop=auth, nc=00000001, opaque=""',
    )
    expect(parseCredentials(credentialText({ ...credential, userhash: true }))).toEqual(
      new Map([
        ['username', 'q"u\\o'],
        ...Object.entries({ realm: 'r', nonce: 'n', uri: 'sip:a', response: 'ff', userhash: 'true' }),
      ]),
    )
  })

  test('a username may come in the form of HTTP', () => {
    expect(usernameOf(parseCredentials("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe") ?? new Map())).toBe('Jäsøn Doe')
    expect(usernameOf(parseCredentials("Digest username*=UTF-8''%C3") ?? new Map())).toBe('')
  })

  test('Authentication-Info names no scheme', () => {
    expect(parseInfo('nextnonce="a,b", rspauth="ff", nc=00000001, =')).toEqual(
      new Map([
        ['nextnonce', 'a,b'],
        ['rspauth', 'ff'],
        ['nc', '00000001'],
      ]),
    )
  })
})
