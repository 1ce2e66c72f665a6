import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { listen } from '../../lib/http.ts'
import { ManualClock } from '../../lib/manual-clock.ts'
import { delivery, execution, probe as identity } from '../history/test-entries.ts'
import { LOCAL, PROBES, cluster, started } from './api.fixture.ts'
import { tokenAuthenticator } from './index.ts'

describe('what is declared', () => {
  test('projects are the namespaces in which something is', async () => {
    const { get } = await started()
    const { data, meta } = (await get('/api/v1/projects')).json()
    expect(data).toMatchObject([
      { namespace: 'default', probes: 2, registrars: 0 },
      { namespace: 'other', probes: 0, registrars: 1 },
    ])
    expect(meta).toMatchObject({ page: 1, perPage: 20, total: 2 })
  })

  test('a resource is its metadata, spec and status, under the request’s id', async () => {
    const { get } = await started()
    const response = await get(`${PROBES}/switchboard`)
    const { data, meta } = response.json()
    expect(data.metadata).toEqual({
      name: 'switchboard',
      namespace: 'default',
      uid: 'uid-1',
      generation: 1,
      annotations: { owner: 'voice' },
    })
    expect(data.spec).toMatchObject({ target: 'sip:echo@127.0.0.1', callDuration: '10s' })
    expect(meta.requestId).toBe(response.headers['x-request-id'])
    expect((await get('/api/v1/projects/other/registrars/pbx')).json().data.spec.domain).toBe('127.0.0.1')
  })

  test('lists are by name, a page at a time', async () => {
    const { get } = await started()
    const names = async (query: string) =>
      (await get(PROBES + query)).json().data.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
    expect(await names('')).toEqual(['attendant', 'switchboard'])
    expect(await names('?page=2&perPage=1')).toEqual(['switchboard'])
    expect(await names('?page=9')).toEqual([])
  })

  test('the address of a webhook is masked, also where kubectl left a copy', async () => {
    const { get } = await started()
    for (const path of [PROBES, `${PROBES}/switchboard`]) {
      const { body } = await get(path)
      expect(body).toContain('https://hooks.example.com/***')
      expect(body).not.toContain('secret-path')
    }
  })

  test('broken files are listed with their place', async () => {
    const { get } = await started()
    expect((await get('/api/v1/problems')).json().data).toMatchObject([
      { file: 'a.yaml', line: 3, field: 'spec.target' },
    ])
  })
})

describe('what happened', () => {
  test('executions, newest first, as in the status and with level and slot', async () => {
    const { get } = await started()
    const { data, meta } = (await get(`${PROBES}/switchboard/executions?perPage=2`)).json()
    expect(data.map(({ id }: { id: string }) => id)).toEqual(['run-3', 'run-2'])
    expect(meta).toMatchObject({ page: 1, perPage: 2, total: 3 })
    expect(data[1]).toMatchObject({
      level: 'Degraded',
      slot: '2026-01-01T00:02:00.000Z',
      startedAt: '2026-01-01T00:02:00.005Z',
      outcome: 'Success',
      sip: { code: 200, reason: 'OK' },
      metrics: { packetLoss: 4, mos: 4.1 },
      breaches: [{ metric: 'packetLoss', value: 4, level: 'Degraded', threshold: 3 }],
      notMeasured: ['rtt'],
    })
  })

  test('one execution has its samples, its ladder and its pcap', async () => {
    const { get } = await started()
    const { data } = (await get(`${PROBES}/switchboard/executions/run-1`)).json()
    expect(data.samples).toHaveLength(2)
    expect(data.trace).toEqual({ messages: 1, truncated: false })
    for (const path of [`${PROBES}/switchboard/executions/run-1/trace.txt`, '/api/v1/executions/run-1/trace.txt']) {
      const trace = await get(path)
      expect([trace.statusCode, trace.body]).toEqual([200, '1 message\n'])
      expect(trace.headers['content-type']).toBe('text/plain; charset=utf-8')
      const pcap = await get(path.replace(/txt$/, 'pcap'))
      expect([pcap.statusCode, pcap.rawPayload]).toEqual([200, Buffer.from([1])])
      expect(pcap.headers).toMatchObject({
        'content-type': 'application/vnd.tcpdump.pcap',
        'content-disposition': 'attachment; filename="run-1.pcap"',
      })
    }
    expect((await get('/api/v1/executions/run-1')).json().data.probe).toEqual({
      namespace: 'default',
      name: 'switchboard',
    })
  })

  test('an execution of another probe is not this one’s', async () => {
    const { get } = await started()
    const response = await get(`${PROBES}/attendant/executions/run-1`)
    expect([response.statusCode, response.json().error.code]).toEqual([404, 'ExecutionNotFound'])
  })

  test('CSV has a column for each metric, and no cell that a spreadsheet would compute', async () => {
    const { get, history } = await started()
    const evil = execution('run-9')
    await history.record({
      probe: { ...identity, name: 'attendant' },
      executions: [{ ...evil, result: { ...evil.result, sip: { code: 603, reason: '=cmd|"x", y' } } }],
      deliveries: [],
    })
    const response = await get(`${PROBES}/attendant/executions?format=csv`)
    expect(response.headers['content-type']).toContain('text/csv')
    expect(response.headers['x-total-count']).toBe('1')
    const [head = '', row = ''] = response.body.split('\r\n')
    expect(head).toMatch(/^id,slot,startedAt,finishedAt,.*,packetLoss/)
    expect(row).toContain(`603,"'=cmd|""x"", y"`)
  })

  test('transitions and deliveries', async () => {
    const { get } = await started()
    expect((await get(`${PROBES}/switchboard/transitions`)).json().data).toMatchObject([
      { sequence: 1, from: 'Unknown', to: 'Degraded', at: '2026-01-01T00:01:00.000Z' },
    ])
    expect((await get('/api/v1/deliveries?namespace=default&name=switchboard')).json().data).toMatchObject([
      { webhookId: 'evt_1', webhook: 'chat', state: 'Pending', attempts: 0, newStatus: 'Degraded' },
    ])
    expect((await get('/api/v1/deliveries?name=attendant')).json().meta.total).toBe(0)
  })

  test('one delivery with its attempts, and once more', async () => {
    const { api, get, history } = await started()
    const [{ id }] = (await get('/api/v1/deliveries')).json().data
    await history.outbox.settle(
      { webhookId: 'evt_1', webhook: 'chat' },
      { state: 'Delivered', responseCode: 204, at: 1_000, endpoint: 'e' },
    )
    const log = [{ responseCode: 204, error: null }]
    expect((await get(`/api/v1/deliveries/${id}`)).json().data).toMatchObject({ id, state: 'Delivered', log })
    const replay = (of: string) =>
      api.inject({ method: 'POST', url: `/api/v1/deliveries/${of}/replay`, headers: LOCAL })
    expect((await replay(String(id))).statusCode).toBe(202)
    expect((await get(`/api/v1/deliveries/${id}`)).json().data).toMatchObject({
      state: 'Pending',
      webhookId: 'evt_1',
      log,
    })
    await history.record({ probe: identity, executions: [], deliveries: [delivery(2, 'Healthy', { held: true })] })
    expect((await replay(String(id + 1))).json().error.code).toBe('CannotReplay')
    for (const nothing of ['99', '0', 'x', '1.5'])
      expect((await replay(nothing)).json().error.code).toBe('DeliveryNotFound')
  })

  test('a round by hand is accepted under its id, or refused with the reason', async () => {
    const { api, started: names } = await started()
    const run = (name: string) => api.inject({ method: 'POST', url: `${PROBES}/${name}/run`, headers: LOCAL })
    const accepted = await run('switchboard')
    expect([accepted.statusCode, accepted.json().data]).toEqual([202, { executionId: 'run-4' }])
    const refused = await run('attendant')
    expect([refused.statusCode, refused.json().error.code]).toEqual([409, 'CannotRun'])
    expect((await run('nobody')).statusCode).toBe(404)
    expect(names).toEqual(['switchboard', 'attendant'])
  })
})

describe('errors', () => {
  test.each([
    ['GET', '/', 404, 'RouteNotFound'],
    ['GET', '/api/v1/projects/default/unicorns', 404, 'RouteNotFound'],
    ['GET', `${PROBES}/nobody`, 404, 'ResourceNotFound'],
    ['GET', `${PROBES}/nobody/executions`, 404, 'ResourceNotFound'],
    ['GET', `${PROBES}/switchboard/executions/none`, 404, 'ExecutionNotFound'],
    ['GET', '/api/v1/deliveries/99', 404, 'DeliveryNotFound'],
    ['GET', `${PROBES}?page=0`, 400, 'InvalidQuery'],
    ['GET', `${PROBES}?perPage=101`, 400, 'InvalidQuery'],
    ['GET', `${PROBES}?page=1&page=2`, 400, 'InvalidQuery'],
    ['GET', `${PROBES}?pagesize=10`, 400, 'InvalidQuery'],
    ['GET', `${PROBES}/switchboard/executions?format=xml`, 400, 'InvalidQuery'],
    ['GET', '/api/v1/%ff', 400, 'InvalidRequest'],
    ['GET', `${PROBES}/${'x'.repeat(300)}`, 414, 'UriTooLong'],
    ['DELETE', `${PROBES}/switchboard`, 405, 'MethodNotAllowed'],
    ['GET', `${PROBES}/switchboard/run`, 405, 'MethodNotAllowed'],
  ] as const)('%s %s is %i %s', async (method, url, status, code) => {
    const { api } = await started()
    const response = await api.inject({ method, url, headers: LOCAL })
    expect([response.statusCode, response.json().error.code]).toEqual([status, code])
    expect(response.json()).toMatchObject({ error: { message: expect.any(String) }, meta: {} })
    expect(Object.keys(response.json().error)).toEqual(['code', 'message', 'details'])
  })

  test('what is possible instead is in the Allow header', async () => {
    const { api, get } = await started()
    expect((await get(`${PROBES}/switchboard/run`)).headers['allow']).toBe('POST')
    const removed = await api.inject({ method: 'DELETE', url: `${PROBES}/switchboard`, headers: LOCAL })
    expect(removed.headers['allow']).toBe('GET, HEAD')
  })

  test('a misspelt parameter is named', async () => {
    const { get } = await started()
    const { error } = (await get(`${PROBES}?pagesize=10`)).json()
    expect(JSON.stringify(error)).toContain('pagesize')
  })

  test('a body that is too large, or is none, is refused as JSON', async () => {
    const { api } = await started()
    const post = (payload: string, type: string) =>
      api.inject({
        method: 'POST',
        url: `${PROBES}/switchboard/run`,
        payload,
        headers: { ...LOCAL, 'content-type': type },
      })
    expect((await post('x'.repeat(70_000), 'application/json')).json().error.code).toBe('BodyTooLarge')
    expect((await post('{', 'application/json')).json().error.code).toBe('InvalidRequest')
    expect((await post('x', 'text/html')).json().error.code).toBe('UnsupportedMediaType')
  })

  test('a fault of ours says nothing of its cause, and the log has it under the request’s id', async () => {
    const { history } = await started()
    const broken = { ...history, executions: () => Promise.reject(new Error('disk is full of secrets')) }
    const world = {
      cluster: cluster(),
      history: broken,
      runNow: async () => undefined,
      replay: () => Promise.resolve('NotFound' as const),
      renderLadder: () => '',
      renderPcap: () => Buffer.alloc(0),
      mask: String,
    }
    const second = await started({ world })
    const response = await second.get(`${PROBES}/switchboard/executions`)
    expect([response.statusCode, response.json().error.code]).toEqual([500, 'Internal'])
    expect(response.body).not.toContain('disk')
    expect(second.lines.join('')).toContain('disk is full')
    expect(second.lines.join('')).toContain(response.json().meta.requestId)
  })

  test('what is not HTTP, and headers that are too large, are answered as JSON on the wire', async () => {
    const { api } = await started()
    await api.ready()
    const { port } = await listen(api.server, { flag: '--api', host: '127.0.0.1', port: 0 })
    const say = (text: string) =>
      new Promise<string>((resolve, reject) => {
        let answer = ''
        const socket = connect(port, '127.0.0.1', () => socket.write(text))
        socket.on('data', (part) => (answer += part.toString()))
        socket.on('close', () => resolve(answer))
        socket.on('error', reject)
      })
    expect(await say('hello\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"InvalidRequest"/)
    const large = `GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(17_000)}\r\n\r\n`
    expect(await say(large)).toMatch(/^HTTP\/1.1 431 [\s\S]*"code":"HeadersTooLarge"/)
  })

  test('a client that asks too often is told when to come back', async () => {
    const clock = new ManualClock()
    const { get } = await started({ clock, rateLimit: { perSecond: 1, burst: 2 } })
    const status = async () => (await get('/api/v1/projects')).statusCode
    expect([await status(), await status(), await status()]).toEqual([200, 200, 429])
    const refused = await get('/api/v1/projects')
    expect([refused.headers['retry-after'], refused.json().error.code]).toEqual(['1', 'TooManyRequests'])
    await clock.advance(1_000)
    expect([await status(), await status()]).toEqual([200, 429])
  })
})

describe('who may ask', () => {
  const TOKEN = 'a-token-of-sixteen'

  test('off loopback a token is needed: without one there is no server', async () => {
    await expect(started({ host: '0.0.0.0' })).rejects.toThrow('an API on 0.0.0.0 must ask for tokens')
  })

  test('the token and nothing else opens', async () => {
    const { get } = await started({ host: '0.0.0.0', authenticate: tokenAuthenticator(TOKEN) })
    const ask = async (authorization?: string) =>
      (await get('/api/v1/projects', { host: 'ringcheck.example.com', ...(authorization && { authorization }) }))
        .statusCode
    expect(await ask(`Bearer ${TOKEN}`)).toBe(200)
    for (const wrong of [undefined, TOKEN, 'Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`])
      expect([wrong, await ask(wrong)]).toEqual([wrong, 401])
    const refused = await get('/api/v1/nothing', { host: 'x' })
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([401, 'Bearer realm="ringcheck"'])
  })

  test('a token that was given is asked for on loopback too', async () => {
    const { get } = await started({ authenticate: tokenAuthenticator(TOKEN) })
    expect((await get('/api/v1/projects')).statusCode).toBe(401)
  })

  test('on loopback only loopback names are answered: a name of somebody else may point here', async () => {
    const { get } = await started()
    for (const host of ['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]:8080', '127.9.9.9'])
      expect([host, (await get('/api/v1/projects', { host })).statusCode]).toEqual([host, 200])
    for (const host of ['evil.example.com', 'evil.example.com:8080', 'localhost.example.com', '127.0.0.1.nip.io'])
      expect([host, (await get('/api/v1/projects', { host })).json().error.code]).toEqual([host, 'ForeignHost'])
  })

  test('a page of another origin changes nothing', async () => {
    const { api, started: names } = await started()
    const run = async (origin?: string) => {
      const headers = { ...LOCAL, ...(origin !== undefined && { origin }) }
      return (await api.inject({ method: 'POST', url: `${PROBES}/switchboard/run`, headers })).statusCode
    }
    for (const origin of ['https://evil.example.com', 'null', 'http://localhost:8080', 'http://127.0.0.1:9999'])
      expect([origin, await run(origin)]).toEqual([origin, 403])
    expect(names).toEqual([])
    expect([await run('http://127.0.0.1:8080'), await run()]).toEqual([202, 202])
  })
})
