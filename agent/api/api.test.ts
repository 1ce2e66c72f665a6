import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Agent, request } from 'undici'
import type { Clock } from '../../lib/clock.ts'
import { systemClock } from '../../lib/clock.ts'
import { close, listen } from '../../lib/http.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { createAuthority } from '../../operator/agents/certificates.ts'
import type { Authority, Identity } from '../../operator/agents/certificates.ts'
import { createAgentClient } from './client.ts'
import type { AgentClient, Followed } from './client.ts'
import type { Credentials } from './credentials.ts'
import { planOf } from './plans.fixture.ts'
import type { RunEvent } from './protocol.ts'
import { Runs } from './runs.ts'
import { startServer } from './server.ts'
import type { AgentServer } from './server.ts'

interface Scripted {
  emit(event: RunEvent): void
  end(): void
  stopped: Promise<void>
}

let stack: AsyncDisposableStack
let authority: Authority
let operator: Identity
let port: number
let runs: Runs
let server: AgentServer
let started: Map<string, Scripted>
let logged: string[]

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  authority = await createAuthority(systemClock)
  operator = await authority.issueClient('operator')
  started = new Map()
  logged = []
  const log = createLog({ name: 'test', level: 'debug', destination: { write: (line) => void logged.push(line) } })
  runs = stack.use(
    new Runs({
      clock: systemClock,
      log,
      start: (plan, emit) => {
        const finished = Promise.withResolvers<void>()
        const stopping = Promise.withResolvers<void>()
        started.set(plan.id, { emit, end: finished.resolve, stopped: stopping.promise })
        return { id: plan.id, finished: finished.promise, stop: stopping.resolve }
      },
    }),
  )
  const identity = await authority.issueServer('agent', ['127.0.0.1'])
  server = stack.use(await startServer({ credentials: { ...identity, ca: authority.ca }, runs, log }))
  port = server.port
})
afterEach(() => stack.disposeAsync())

interface Client {
  port?: number
  identity?: Identity
  ca?: string
  clock?: Clock
  epoch?: number
}

function client(options: Client = {}): AgentClient {
  const credentials = { ca: options.ca ?? authority.ca, ...(options.identity ?? operator) }
  return stack.use(
    createAgentClient({
      url: `https://127.0.0.1:${options.port ?? port}`,
      credentials: () => credentials,
      ...(options.epoch !== undefined && { epoch: options.epoch }),
      clock: options.clock ?? systemClock,
      random: systemRandom,
    }),
  )
}

/** A request without the client's care, for what it would never send. */
async function raw(method: 'GET' | 'POST', path: string, body?: string, identity: Partial<Identity> = operator) {
  const { key, certificate: cert } = identity
  const dispatcher = new Agent({ connect: { ca: authority.ca, ...(key && cert && { key, cert }) } })
  try {
    const headers = { 'content-type': 'application/json' }
    const response = await request(`https://127.0.0.1:${port}${path}`, {
      method,
      dispatcher,
      ...(body !== undefined && { body, headers }),
    })
    return { status: response.statusCode, headers: response.headers, body: (await response.body.json()) as unknown }
  } finally {
    await dispatcher.destroy()
  }
}

const phase = (seq: number): RunEvent => ({ seq, at: 1, type: 'Phase', phase: 'Calling' })
const end = (seq: number): RunEvent => ({ seq, at: 1, type: 'End' })
const scripted = (id = 'run-1') => {
  const run = started.get(id)
  if (!run) throw new Error(`${id} was never started`)
  return run
}

function seqs(followed: readonly Followed[]): Array<number | string> {
  return followed.map((each) => (each.kind === 'Event' ? each.event.seq : each.detail))
}

async function collect(events: AsyncIterable<Followed>, onEvent: (each: Followed) => void = () => {}) {
  const seen: Followed[] = []
  for await (const each of events) {
    seen.push(each)
    onEvent(each)
  }
  return seen
}

describe('who comes in', () => {
  test('nobody without a certificate', async () => {
    await expect(raw('GET', '/v1/runs', undefined, {})).rejects.toThrow(
      /certificate required|ECONNRESET|other side closed/,
    )
  })

  test('nobody with a certificate of another authority', async () => {
    const stranger = await (await createAuthority(systemClock)).issueClient('operator')
    await expect(raw('GET', '/v1/runs', undefined, stranger)).rejects.toThrow(/alert|ECONNRESET|other side closed/)
  })

  test('no other agent, although its certificate is of the same authority', async () => {
    const agent = await authority.issueServer('agent-2', ['127.0.0.1'])
    await expect(raw('GET', '/v1/runs', undefined, agent)).rejects.toThrow(/alert|ECONNRESET|other side closed/)
  })

  test('the operator, who in turn refuses an agent that is not its own', async () => {
    expect(await raw('GET', '/v1/runs')).toMatchObject({ status: 200, body: { runs: [] } })
    const other = await createAuthority(systemClock)
    expect(await client({ ca: other.ca }).stop('run-1')).toBe(false)
  })
})

describe('a plan', () => {
  test('is accepted, and again when it is the same, and refused when it is another', async () => {
    expect(await raw('POST', '/v1/runs', JSON.stringify(planOf()))).toMatchObject({
      status: 201,
      body: { id: 'run-1' },
    })
    expect(await raw('POST', '/v1/runs', JSON.stringify(planOf()))).toMatchObject({ status: 200 })
    const other = await client().start(planOf({ name: 'other' }))
    expect(other).toEqual({ kind: 'Refused', code: 409, message: 'Another plan has the id run-1.' })
    const old = await client().start(planOf({ id: 'old', epoch: 0 }))
    expect(old).toMatchObject({ kind: 'Refused', code: 409 })
  })

  test('that is bad is refused with the name of its field and without its secrets', async () => {
    const { endpoint, ...rest } = planOf()
    const bad = {
      ...rest,
      endpoint: { ...endpoint, registrar: { ...endpoint.registrar, port: 70_000 }, account: 'hunter2' },
    }
    const answer = await raw('POST', '/v1/runs', JSON.stringify(bad))
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'InvalidPlan' } } })
    expect(JSON.stringify(answer.body)).toContain('endpoint.registrar.port')
    expect(JSON.stringify(answer.body) + logged.join('')).not.toContain('hunter2')
    expect(await raw('POST', '/v1/runs', '{')).toMatchObject({ status: 400 })
    expect(await raw('POST', '/v1/runs', JSON.stringify('x'.repeat(5_000_000)))).toMatchObject({ status: 413 })
  })

  test('of another protocol is refused by name', async () => {
    const answer = await raw('POST', '/v1/runs', JSON.stringify({ ...planOf(), protocol: 99 }))
    expect(JSON.stringify(answer)).toMatch(/protocol: /)
  })

  test('is put off while the agent goes away', async () => {
    await runs.drain()
    expect(await raw('POST', '/v1/runs', JSON.stringify(planOf()))).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      body: { error: { code: 'Draining' } },
    })
  })
})

describe('a leader', () => {
  test('is told what the agent has, and nothing of an older one is taken from then on', async () => {
    const [old, fresh] = [client({ epoch: 1 }), client({ epoch: 2 })]
    expect(await old.lead(1)).toEqual({ kind: 'Led', runs: [] })
    await old.start(planOf())
    scripted().emit(end(1))
    scripted().end()
    const { id, namespace, name, generation, location, slot, thresholds } = planOf()
    const kept = { id, namespace, name, generation, location, slot, thresholds, epoch: 1, state: 'Finished' }
    expect(await fresh.lead(2)).toEqual({ kind: 'Led', runs: [kept] })

    expect(await old.lead(1)).toMatchObject({ kind: 'Refused' })
    expect(await old.start(planOf({ id: 'late' }))).toMatchObject({ kind: 'Refused', code: 409 })
    expect(await old.stop('run-1')).toBe(false)
    expect(await old.acknowledge('run-1')).toBe(false)
    expect(seqs(await collect(fresh.events('run-1', 0, new AbortController().signal)))).toEqual([1])
    expect(await fresh.acknowledge('run-1')).toBe(true)
  })

  test('that dispatches the same execution again starts nothing', async () => {
    await client({ epoch: 1 }).start(planOf())
    expect(await client({ epoch: 2 }).start(planOf({ epoch: 2 }))).toEqual({ kind: 'Accepted' })
    expect(runs.list()).toMatchObject([{ id: 'run-1', epoch: 1 }])
  })

  const impatient: Clock = { ...systemClock, timer: (_, callback) => systemClock.timer(0, callback) }

  test('learns of an agent that is not there', async () => {
    expect(await client({ port: 1, clock: impatient }).lead(1)).toEqual({ kind: 'Unreachable', detail: 'ECONNREFUSED' })
  })

  test('does not gather an answer without end', async () => {
    const { key, certificate: cert } = await authority.issueServer('agent', ['127.0.0.1'])
    const block = Buffer.alloc(1_048_576, ' ')
    const endless = createHttpsServer({ key, cert }, (_, response) => {
      const blocks = function* () {
        for (;;) yield block
      }
      pipeline(blocks, response).catch(() => undefined)
    })
    const { port: listening } = await listen(endless, { flag: '', host: '127.0.0.1', port: 0 })
    stack.defer(() => close(endless))
    const there = client({ port: listening, clock: impatient })
    expect(await there.lead(1)).toEqual({ kind: 'Unreachable', detail: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' })
  })
})

describe('credentials', () => {
  test('change on both sides without a restart, over an authority that follows another', async () => {
    const next = await createAuthority(systemClock)
    const both = `${authority.ca}\n${next.ca}`
    let ours: Credentials = { ca: both, ...operator }
    const relay = stack.use(await startRelay(port))
    const operatorSide = stack.use(
      createAgentClient({
        url: `https://127.0.0.1:${relay.port}`,
        credentials: () => ours,
        clock: systemClock,
        random: systemRandom,
      }),
    )
    server.renew({ ca: both, ...(await authority.issueServer('agent', ['127.0.0.1'])) })
    expect(await operatorSide.lead(1)).toEqual({ kind: 'Led', runs: [] })
    ours = { ca: both, ...(await next.issueClient('operator')) }
    server.renew({ ca: next.ca, ...(await next.issueServer('agent', ['127.0.0.1'])) })
    relay.cut()
    expect(await operatorSide.lead(1)).toEqual({ kind: 'Led', runs: [] })
    // Whoever has nothing but the old one comes in no more.
    await expect(raw('GET', '/v1/runs')).rejects.toThrow(/alert|certificate|ECONNRESET|other side closed/)
  })
})

describe('following a run', () => {
  test('gives its events as they happen, up to the end; then it is acknowledged', async () => {
    const operatorSide = client()
    expect(await operatorSide.start(planOf())).toEqual({ kind: 'Accepted' })
    const first = Promise.withResolvers<void>()
    const events = collect(operatorSide.events('run-1', 0, new AbortController().signal), () => first.resolve())
    scripted().emit(phase(1))
    await first.promise
    expect(await operatorSide.acknowledge('run-1')).toBe(false)
    scripted().emit(end(2))
    scripted().end()
    expect(seqs(await events)).toEqual([1, 2])
    expect(await operatorSide.acknowledge('run-1')).toBe(true)
    expect(await raw('GET', '/v1/runs')).toMatchObject({ body: { runs: [] } })
  })

  test('goes on after the connection was cut, with no event twice and none missing', async () => {
    const relay = stack.use(await startRelay(port))
    const operatorSide = client({ port: relay.port })
    await operatorSide.start(planOf())
    const seen: Array<() => void> = []
    const arrivals = [1, 2, 3].map(() => {
      const arrival = Promise.withResolvers<void>()
      seen.push(arrival.resolve)
      return arrival.promise
    })
    const events = collect(operatorSide.events('run-1', 0, new AbortController().signal), () => seen.shift()?.())
    scripted().emit(phase(1))
    await arrivals[0]
    relay.cut()
    scripted().emit(phase(2))
    await arrivals[1]
    relay.cut()
    await arrivals[1]
    scripted().emit(phase(3))
    scripted().emit(end(4))
    scripted().end()
    expect(seqs(await events)).toEqual([1, 2, 3, 4])
    expect(relay.connections).toBeGreaterThanOrEqual(3)
  })

  test('ends as lost when the agent does not know the run', async () => {
    const followed = await collect(client().events('nobody', 0, new AbortController().signal))
    expect(seqs(followed)).toEqual(['There is no such run.'])
  })

  test('ends as lost when the agent is gone, and starting there says so', async () => {
    const impatient: Clock = { ...systemClock, timer: (_, callback) => systemClock.timer(0, callback) }
    const operatorSide = client({ port: 1, clock: impatient })
    const followed = await collect(operatorSide.events('run-1', 0, new AbortController().signal))
    expect(seqs(followed)).toEqual(['ECONNREFUSED'])
    expect(await operatorSide.start(planOf())).toEqual({ kind: 'Unreachable', detail: 'ECONNREFUSED' })
  })

  test('ends at once when nobody wants it any more', async () => {
    const operatorSide = client()
    await operatorSide.start(planOf())
    const gone = new AbortController()
    const events = collect(operatorSide.events('run-1', 0, gone.signal), () => gone.abort())
    scripted().emit(phase(1))
    expect(seqs(await events)).toEqual([1])
  })

  test('stopping reaches the run; of another nobody hears', async () => {
    const operatorSide = client()
    await operatorSide.start(planOf())
    expect(await operatorSide.stop('run-1')).toBe(true)
    await scripted().stopped
    expect(await operatorSide.stop('nobody')).toBe(false)
  })
})

/** A cable between client and server that the test can cut. */
async function startRelay(target: number) {
  const open = new Set<Socket>()
  let connections = 0
  const server = createServer((near) => {
    connections++
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy()
  }
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}
