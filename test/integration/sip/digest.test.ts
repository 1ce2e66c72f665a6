/** Digest with a real server that verifies it, and with challenges that no server at hand makes: SIPp sends those, and what was answered is computed here once more. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { shows } from '../../lab/features.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { until } from '../../lab/process.ts'
import { sippCallee } from '../../lab/sipp.ts'
import * as agents from './agents.ts'

describe.each([
  ['MD5', 'md5'],
  ['SHA-256', 'sha-256'],
] as const)('Kamailio with %s', (algorithm, feature) => {
  test(
    'registers with one challenge, and removes the binding with the same nonce',
    shows({ Kamailio: [feature, 'nonce-reuse', 'redaction', 'authentication-rounds'] }),
    async () => {
      await using lab = await kamailio({ algorithm })
      await using ours = await agents.engine()
      const { registration, trace } = await agents.registered(ours, agents.account(lab, 'alice'))
      expect(registration.expires).toBe(60)
      expect(await lab.registrations()).toMatchObject([{ aor: 'alice', contact: registration.contact }])
      expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
      expect(await lab.registrations()).toEqual([])
      expect(registration.counters.authenticationRounds).toBe(1)
      const sent = agents.textOf(trace).match(/^Authorization: .*/gm) ?? []
      for (const value of sent) {
        expect(value).toContain(`algorithm=${algorithm}`)
        expect(value).not.toMatch(/response="?[0-9a-f]{8}/)
      }
      expect(sent.map((value) => /\bnc=(\d+)/.exec(value)?.[1])).toEqual(['00000001', '00000002'])
    },
  )

  test('a wrong password is refused', shows({ Kamailio: [feature] }), async () => {
    await using lab = await kamailio({ algorithm, password: 'secret' })
    await using ours = await agents.engine()
    const party = { ...agents.account(lab, 'alice'), credentials: { username: 'alice', password: 'guess' } }
    const outcome = await ours.register({ ...agents.request(party), expires: 60 })
    expect(outcome).toMatchObject({ kind: 'AuthenticationFailed', code: 401 })
  })
})

const HASHES = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' } as const
type Hash = keyof typeof HASHES

/** What RFC 7616 3.4 makes of the fields that were sent: request-digest of a REGISTER without a body. */
function responseTo(hash: Hash, { session = false, integrity = false }, field: (name: string) => string): string {
  const digest = (text: string) => createHash(HASHES[hash]).update(text).digest('hex')
  const secret = digest('alice:lab.test:pw-alice')
  const first = session ? digest(`${secret}:${field('nonce')}:${field('cnonce')}`) : secret
  const second = digest(`REGISTER:${field('uri')}${integrity ? `:${digest('')}` : ''}`)
  return digest([first, field('nonce'), field('nc'), field('cnonce'), field('qop'), second].join(':'))
}

/** Registers at a SIPp that challenges so, and gives the fields of the credentials it got, from its own log. */
async function challenged(challenge: string, scenario = 'challenge') {
  await using registrar = await sippCallee({ scenario, keys: { challenge } })
  await using ours = await agents.engine()
  const party = { ...agents.direct(registrar), credentials: { username: 'alice', password: 'pw-alice' } }
  const { registration } = await agents.registered(ours, party)
  await until(() => registrar.counts().successful === 1, { what: 'SIPp is done' })
  const log = registrar
    .log()
    .match(/Digest .*/g)
    ?.at(-1)
  const field = (name: string) => new RegExp(`[ ,]${name}="?([^",\\r]*)`).exec(log ?? '')?.[1] ?? ''
  return { field, rounds: registration.counters.authenticationRounds }
}

const REALM = 'Digest realm="lab.test", nonce="n-1"'

describe('challenged by SIPp', () => {
  test.each<[algorithm: string, hash: Hash, session: boolean]>([
    ['SHA-512-256', 'SHA-512-256', false],
    ['MD5-sess', 'MD5', true],
    ['SHA-256-sess', 'SHA-256', true],
    ['SHA-512-256-sess', 'SHA-512-256', true],
  ])('%s', shows({ SIPp: ['sha-512-256', 'sess'] }), async (algorithm, hash, session) => {
    const { field, rounds } = await challenged(`WWW-Authenticate: ${REALM}, qop="auth", algorithm=${algorithm}`)
    expect(field('algorithm')).toBe(algorithm)
    expect(field('qop')).toBe('auth')
    expect(field('response')).toBe(responseTo(hash, { session }, field))
    expect(rounds).toBe(1)
  })

  test('auth-int', shows({ SIPp: ['auth-int'] }), async () => {
    const { field } = await challenged(`WWW-Authenticate: ${REALM}, qop="auth-int", algorithm=SHA-256`)
    expect(field('qop')).toBe('auth-int')
    expect(field('response')).toBe(responseTo('SHA-256', { integrity: true }, field))
  })

  test('the first of several challenges that we can answer', shows({ SIPp: ['several-challenges'] }), async () => {
    const challenges = ['UNHEARD-OF', 'SHA-256', 'MD5'].map(
      (algorithm) => `WWW-Authenticate: ${REALM}, qop="auth", algorithm=${algorithm}`,
    )
    const { field } = await challenged(challenges.join('\r\n'))
    expect(field('algorithm')).toBe('SHA-256')
    expect(field('response')).toBe(responseTo('SHA-256', {}, field))
  })

  test('a stale nonce is replaced without giving up', shows({ SIPp: ['stale'] }), async () => {
    const { field, rounds } = await challenged(`WWW-Authenticate: ${REALM}, qop="auth", algorithm=MD5`, 'stale-nonce')
    expect(field('nonce')).toBe('n-2')
    expect(field('response')).toBe(responseTo('MD5', {}, field))
    expect(rounds).toBe(2)
  })

  test('a proxy and the server each want their own', shows({ SIPp: ['proxy-and-server'] }), async () => {
    const { field, rounds } = await challenged(
      `WWW-Authenticate: ${REALM}, qop="auth", algorithm=MD5`,
      'proxy-and-server',
    )
    expect(field('response')).toBe(responseTo('MD5', {}, field))
    expect(rounds).toBe(2)
  })
})
