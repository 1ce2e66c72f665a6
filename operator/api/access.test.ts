import { describe, expect, test } from 'vitest'
import type { Access, Authenticator, User } from '../cluster/access.ts'
import { delivery, probe as identity } from '../history/test-entries.ts'
import { PROBES, started } from './api.fixture.ts'

const TOKEN = 'token-of-somebody'
const headers = { host: 'ringcheck.example.com', authorization: `Bearer ${TOKEN}` }

type Decision = Awaited<ReturnType<User['authorize']>>

/** Knows one token, and writes down what it is asked. */
function authority(decide: (access: Access) => Decision = () => ({ kind: 'Allowed' })) {
  const tokens: string[] = []
  const asked: Access[] = []
  const authenticate: Authenticator = async (token) => {
    tokens.push(token)
    if (token !== TOKEN) return { kind: 'Unknown', wanted: 'Ask for another one.' }
    return {
      kind: 'User',
      name: 'somebody',
      async authorize(access) {
        asked.push(access)
        return decide(access)
      },
    }
  }
  return { authenticate, tokens, asked, host: '0.0.0.0' }
}

const ONE = `${PROBES}/switchboard`
const inDefault = { kind: 'SipProbe', namespace: 'default' }
const switchboard = { ...inDefault, name: 'switchboard' }

describe('the rights that a request needs', () => {
  test.each([
    ['GET', PROBES, [{ verb: 'list', ...inDefault }]],
    ['HEAD', PROBES, [{ verb: 'list', ...inDefault }]],
    ['GET', ONE, [{ verb: 'get', ...switchboard }]],
    ['GET', `${ONE}/executions`, [{ verb: 'get', ...switchboard }]],
    ['GET', `${ONE}/executions?format=csv`, [{ verb: 'get', ...switchboard }]],
    ['GET', `${ONE}/executions/run-1`, [{ verb: 'get', ...switchboard }]],
    ['GET', `${ONE}/executions/run-1/trace.txt`, [{ verb: 'get', ...switchboard }]],
    ['GET', `${ONE}/executions/run-1/trace.pcap`, [{ verb: 'get', ...switchboard }]],
    ['GET', `${ONE}/transitions`, [{ verb: 'get', ...switchboard }]],
    ['POST', `${ONE}/run`, [{ verb: 'create', subresource: 'run', ...switchboard }]],
    ['GET', '/api/v1/executions/run-1', [{ verb: 'get', ...switchboard }]],
    ['GET', '/api/v1/executions/run-1/trace.txt', [{ verb: 'get', ...switchboard }]],
    ['GET', '/api/v1/executions/run-1/trace.pcap', [{ verb: 'get', ...switchboard }]],
    ['GET', '/api/v1/deliveries', [{ verb: 'list', kind: 'SipProbe' }]],
    ['GET', '/api/v1/deliveries?namespace=default', [{ verb: 'list', ...inDefault }]],
    ['GET', '/api/v1/deliveries/1', [{ verb: 'get', ...switchboard }]],
    ['POST', '/api/v1/deliveries/1/replay', [{ verb: 'create', subresource: 'replay', ...switchboard }]],
    [
      'GET',
      '/api/v1/projects/other/registrars/pbx',
      [{ verb: 'get', kind: 'SipRegistrar', namespace: 'other', name: 'pbx' }],
    ],
    ['GET', '/api/v1/projects/other/statuspages', [{ verb: 'list', kind: 'StatusPage', namespace: 'other' }]],
    [
      'GET',
      '/api/v1/projects',
      ['SipProbe', 'SipRegistrar', 'SipLoadTest', 'SipLoadTestRun', 'StatusPage'].map((kind) => ({
        verb: 'list',
        kind,
      })),
    ],
    ['GET', '/api/v1/problems', []],
  ] as const)('%s %s', async (method, url, needed) => {
    const { asked, ...options } = authority()
    const { api } = await started(options)
    const response = await api.inject({ method, url, headers })
    expect([200, 202]).toContain(response.statusCode)
    expect(asked).toEqual(needed)
  })

  test('each of them is needed: without it nothing is shown and nothing begins', async () => {
    const { authenticate } = authority(() => ({ kind: 'Denied' }))
    const { api, started: names, history } = await started({ authenticate, host: '0.0.0.0' })
    await history.record({ probe: identity, executions: [], deliveries: [delivery(2, 'Healthy')] })
    for (const [method, url] of [
      ...[PROBES, ONE, `${ONE}/transitions`, '/api/v1/projects', '/api/v1/deliveries', '/api/v1/deliveries/1'].map(
        (path) => ['GET', path] as const,
      ),
      ...[`${ONE}/run`, '/api/v1/deliveries/1/replay'].map((path) => ['POST', path] as const),
      ['GET', '/api/v1/executions/run-1'],
    ] as const) {
      const response = await api.inject({ method, url, headers })
      expect([url, response.statusCode, response.json().error.code]).toEqual([url, 403, 'Forbidden'])
      expect(Object.keys(response.json())).toEqual(['error', 'meta'])
    }
    expect(names).toEqual([])
  })

  test('who is refused is told what was missing, and by an id alone not whose it is', async () => {
    const { authenticate } = authority(() => ({ kind: 'Denied' }))
    const { api } = await started({ authenticate, host: '0.0.0.0' })
    const refused = await api.inject({ method: 'POST', url: `${ONE}/run`, headers })
    expect(refused.json().error.message).toBe('somebody may not create sipprobes/run in this namespace.')
    const all = await api.inject({ url: '/api/v1/deliveries', headers })
    expect(all.json().error.message).toBe('somebody may not list sipprobes in all namespaces.')
    const byId = await api.inject({ url: '/api/v1/executions/run-1', headers })
    expect(byId.body).not.toMatch(/default|switchboard/)
  })

  test('reading does not start', async () => {
    const { authenticate } = authority(({ verb }) => ({ kind: verb === 'create' ? 'Denied' : 'Allowed' }))
    const { api, started: names } = await started({ authenticate, host: '0.0.0.0' })
    expect((await api.inject({ url: ONE, headers })).statusCode).toBe(200)
    expect((await api.inject({ method: 'POST', url: `${ONE}/run`, headers })).statusCode).toBe(403)
    expect(names).toEqual([])
  })
})

describe('a request whose right cannot be found out is refused', () => {
  const away = { kind: 'Undecided', reason: 'the API server is away' } as const

  test.each([
    ['whose token it is', { ...authority(), authenticate: () => Promise.resolve(away) }],
    ['what they may do', authority(() => away)],
  ])('%s', async (_, { authenticate }) => {
    const { api, started: names, lines } = await started({ authenticate, host: '0.0.0.0' })
    const response = await api.inject({ method: 'POST', url: `${ONE}/run`, headers })
    expect([response.statusCode, response.json().error.code]).toEqual([503, 'AuthorizationUnavailable'])
    expect(response.headers['retry-after']).toBe('5')
    expect(response.body).not.toContain('API server')
    expect(lines.join('')).toContain('the API server is away')
    expect(names).toEqual([])
  })
})

describe('tokens', () => {
  test('in a URL are not taken, and are in no log', async () => {
    const { authenticate, tokens } = authority()
    const { api, lines } = await started({ authenticate, host: '0.0.0.0' })
    for (const name of ['token', 'access_token', 'authorization']) {
      const url = `${ONE}?${name}=${TOKEN}`
      expect((await api.inject({ url, headers: { host: 'x' } })).statusCode).toBe(401)
      expect((await api.inject({ method: 'POST', url: `${ONE}/run?${name}=${TOKEN}`, headers })).statusCode).toBe(202)
    }
    expect(tokens).toEqual([TOKEN, TOKEN, TOKEN])
    expect(lines.length).toBeGreaterThan(5)
    expect(lines.join('')).not.toContain(TOKEN)
  })

  test('that are too long are asked of nobody', async () => {
    const { authenticate, tokens } = authority()
    const { api } = await started({ authenticate, host: '0.0.0.0' })
    const ask = async (token: string) => {
      const response = await api.inject({ url: ONE, headers: { host: 'x', authorization: `Bearer ${token}` } })
      return response.json().error.code
    }
    expect(await ask('x'.repeat(8193))).toBe('Unauthorized')
    expect(tokens).toEqual([])
    expect(await ask('x'.repeat(8192))).toBe('Unauthorized')
    expect(tokens).toHaveLength(1)
  })

  test('that nobody has open no route, not even one that is not there', async () => {
    const { authenticate, asked } = authority()
    const { api } = await started({ authenticate, host: '0.0.0.0' })
    for (const url of [ONE, '/api/v1/nothing', '/', '/api/v1/executions/run-1']) {
      const response = await api.inject({ url, headers: { host: 'x', authorization: 'Bearer other' } })
      expect(response.json().error).toMatchObject({ code: 'Unauthorized', message: 'Ask for another one.' })
      expect(response.headers['www-authenticate']).toBe('Bearer realm="ringcheck"')
    }
    expect(asked).toEqual([])
  })

  test('who changed something is in the log', async () => {
    const { authenticate } = authority()
    const { api, lines } = await started({ authenticate, host: '0.0.0.0' })
    await api.inject({ method: 'POST', url: `${ONE}/run`, headers })
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      ...{ level: 'info', user: 'somebody', method: 'POST', path: `${ONE}/run`, status: 202 },
    })
  })
})
