import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { systemRandom } from '../lib/random.ts'
import type { Authority } from '../operator/agents/certificates.ts'
import { createAuthority } from '../operator/agents/certificates.ts'
import type { AgentClient, Followed } from './api/index.ts'
import { createAgentClient } from './api/index.ts'
import { planOf } from './api/plans.fixture.ts'
import type { RunPlan } from './api/protocol.ts'
import type { Peer } from './run/peer.fixture.ts'
import { createPeer } from './run/peer.fixture.ts'
import type { Call } from './sip/index.ts'

const ENTRY = join(import.meta.dirname, '../cli/main.ts')

let stack: AsyncDisposableStack
let folder: string
let authority: Authority
let peer: Peer
let answered: PromiseWithResolvers<Call>
let ports: { api: number; admin: number }

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  folder = stack.use(mkdtempDisposableSync(join(tmpdir(), 'agent-'))).path
  authority = await createAuthority(systemClock)
  await give(authority)
  peer = stack.use(await createPeer())
  answered = Promise.withResolvers()
  peer.on('echo', async (incoming) => {
    const call = await peer.answer(incoming)
    if (call) answered.resolve(call)
  })
  ports = { api: await freePort(), admin: await freePort() }
})
afterEach(() => stack.disposeAsync())

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}

/** What the kubelet does: writes the Secret of this authority into the folder. */
async function give(issuer: Authority, trusted: readonly Authority[] = [issuer]): Promise<void> {
  const { key, certificate } = await issuer.issueServer('agent', ['127.0.0.1'])
  writeFileSync(join(folder, 'tls.key'), key)
  writeFileSync(join(folder, 'tls.crt'), certificate)
  writeFileSync(join(folder, 'ca.crt'), trusted.map(({ ca }) => ca).join('\n'))
}

async function agentProcess(): Promise<ChildProcess> {
  const flags = ['--tls', folder, '--listen', `127.0.0.1:${ports.api}`, '--admin', `127.0.0.1:${ports.admin}`]
  const child = spawn(process.execPath, [ENTRY, 'agent', ...flags, '--log', 'warn'], { stdio: 'ignore' })
  stack.defer(() => void child.kill('SIGKILL'))
  await until(async () => (await ready()) === 200)
  return child
}

/** The status of /readyz; undefined: nobody answers. */
async function ready(): Promise<number | undefined> {
  try {
    return (await fetch(`http://127.0.0.1:${ports.admin}/readyz`)).status
  } catch {
    return undefined
  }
}

/** What it tells of itself: series -> value. */
async function series(): Promise<Record<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${ports.admin}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

const REFUSED = 'ringcheck_agent_runs_refused_total{reason="Draining"}'
/** Before the first plan. */
const NOTHING = {
  ringcheck_agent_runs_active: 0,
  [REFUSED]: 0,
  ringcheck_agent_sip_parse_errors_total: 0,
  ringcheck_agent_transactions: 0,
  ringcheck_agent_dialogs: 0,
  'ringcheck_agent_rtp_ports{state="Used"}': 0,
  'ringcheck_agent_rtp_packets_total{direction="In"}': 0,
  'ringcheck_agent_rtp_packets_total{direction="Out"}': 0,
}

/** To the SIP port that a contact names. */
async function sendGarbage(contact: string): Promise<void> {
  const socket = createSocket('udp4')
  const sent = Promise.withResolvers<void>()
  const port = Number(/:(\d+)/.exec(contact.split('@')[1] ?? '')?.[1])
  socket.send('no SIP message\r\n\r\n', port, '127.0.0.1', () => sent.resolve())
  await sent.promise
  socket.close()
}

async function until(question: () => Promise<boolean>): Promise<void> {
  while (!(await question())) await new Promise((resolve) => setTimeout(resolve, 50))
}

async function operatorOf(issuer: Authority, trusted: readonly Authority[] = [issuer]): Promise<AgentClient> {
  const identity = await issuer.issueClient('operator')
  const credentials = { ...identity, ca: trusted.map(({ ca }) => ca).join('\n') }
  const url = `https://127.0.0.1:${ports.api}`
  const common = { clock: systemClock, random: systemRandom, epoch: 1 }
  return stack.use(createAgentClient({ url, credentials: () => credentials, ...common }))
}

function plan(callDuration: number, id = 'run-1'): RunPlan {
  const base = planOf({ id })
  const registrar = { ...base.endpoint.registrar, port: peer.port, register: true }
  return { ...base, endpoint: { ...base.endpoint, registrar, callDuration } }
}

async function collect(events: AsyncIterable<Followed>): Promise<Followed[]> {
  const seen: Followed[] = []
  for await (const each of events) seen.push(each)
  return seen
}

const resultIn = (seen: readonly Followed[]) =>
  seen.flatMap((each) => (each.kind === 'Event' && each.event.type === 'Call' ? [each.event.result] : []))[0]

const never = new AbortController().signal

describe('an agent by itself', { timeout: 60_000 }, () => {
  test('that is told to go is not ready at once, lets its call end, takes no other, and ends when its result was fetched', async () => {
    const child = await agentProcess()
    const exited = once(child, 'exit')
    const operator = await operatorOf(authority)
    expect(await operator.start(plan(3000))).toEqual({ kind: 'Accepted' })
    const events = collect(operator.events('run-1', 0, never))
    await answered.promise
    child.kill('SIGTERM')
    await until(async () => (await ready()) === 503)
    expect(await operator.start(plan(1000, 'run-2'))).toMatchObject({ kind: 'Refused', code: 503 })
    expect(resultIn(await events)).toMatchObject({ outcome: 'Success' })
    expect(peer.contacts).toEqual([])
    expect(await operator.acknowledge('run-1')).toBe(true)
    expect(await exited).toEqual([0, null])
  })

  test('that is told twice hangs up and unregisters at once; its series tell what it does', async () => {
    const child = await agentProcess()
    const exited = once(child, 'exit')
    const operator = await operatorOf(authority)
    const idle = await series()
    expect(idle).toMatchObject({ ...NOTHING, ringcheck_agent_draining: 0, ringcheck_agent_runs_limit: 100 })
    expect(Object.keys(idle)).toContainEqual(expect.stringMatching(/^ringcheck_agent_info\{user_agent="ringcheck\//))
    await operator.start(plan(60_000))
    const events = collect(operator.events('run-1', 0, never))
    const call = await answered.promise
    await sendGarbage(await peer.registered())
    await until(async () => (await series()).ringcheck_agent_sip_parse_errors_total === 1)
    await until(async () => ((await series())['ringcheck_agent_rtp_packets_total{direction="In"}'] ?? 0) > 0)
    const busy = await series()
    const moving = [
      ...Object.keys(NOTHING).filter((name) => name !== REFUSED),
      'ringcheck_agent_sip_messages_total{direction="Out",method="INVITE",class="request"}',
      'ringcheck_agent_sip_messages_total{direction="In",method="INVITE",class="2xx"}',
    ]
    expect(moving.filter((name) => !((busy[name] ?? 0) > 0))).toEqual([])
    child.kill('SIGTERM')
    await until(async () => (await ready()) === 503)
    expect(await operator.start(plan(1000, 'run-2'))).toMatchObject({ kind: 'Refused', code: 503 })
    expect(await series()).toMatchObject({ ringcheck_agent_draining: 1, [REFUSED]: 1 })
    child.kill('SIGTERM')
    expect(await call.ended).toMatchObject({ by: 'Remote', reason: 'stopped' })
    expect(resultIn(await events)).toMatchObject({ stopped: true })
    await until(async () => (await series()).ringcheck_agent_runs_active === 0)
    const over = { ringcheck_agent_dialogs: 0, 'ringcheck_agent_rtp_ports{state="Used"}': 0 }
    expect(await series()).toMatchObject(over)
    await operator.acknowledge('run-1')
    expect(await exited).toEqual([0, null])
    expect(peer.contacts).toEqual([])
  })

  test('takes new certificates from its folder without a restart, within 10 s, and tells whether it had time', async () => {
    const child = await agentProcess()
    const next = await createAuthority(systemClock)
    await give(next, [authority, next])
    const both = [authority, next]
    const old = await operatorOf(authority, both)
    const fresh = await operatorOf(next, [next])
    await until(async () => (await fresh.lead(1)).kind === 'Led')
    expect(await old.lead(1)).toMatchObject({ kind: 'Led' })
    expect(child.exitCode).toBeNull()
    await until(async () => ((await series()).ringcheck_agent_event_loop_lag_seconds ?? -1) >= 0)
    expect((await series()).ringcheck_agent_event_loop_utilization_ratio).toBeGreaterThan(0)
  })
})
