/** Every failure class that signalling can cause, caused by a real peer or by the network, comes out of a run as that class. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallResult, RunPlan } from '../../../agent/api/protocol.ts'
import { createMediaEngine } from '../../../agent/media/index.ts'
import { classify } from '../../../agent/run/classify.ts'
import { eventLoopLag, startRun } from '../../../agent/run/index.ts'
import { createNativeEngine } from '../../../agent/sip/index.ts'
import { type FailureClass, failureClasses, type Outcome } from '../../../crds/index.ts'
import { systemClock } from '../../../lib/clock.ts'
import { createLog } from '../../../lib/log.ts'
import { systemRandom } from '../../../lib/random.ts'
import { certificateAuthority } from '../../lab/certificates.ts'
import { dns } from '../../lab/dns.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { freePort } from '../../lab/ports.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { sippCallee } from '../../lab/sipp.ts'
import { type CalleeScenario, writeResponse, writeScenario } from '../callee-scenarios.ts'
import { type PlanChanges, planOf } from '../plans.ts'
import { direct, request } from './agents.ts'

const common = { clock: systemClock, random: systemRandom, log: createLog({ name: 'test', level: 'silent' }) }

let stack: AsyncDisposableStack
beforeEach(() => void (stack = new AsyncDisposableStack()))
afterEach(() => stack.disposeAsync())

/** What did it, and how it comes out. `code` is that of the final response that decided. */
interface Cause {
  failureClass: FailureClass
  outcome: Outcome
  code?: number
  by: string
  /** Starts the peer, and says what to run. */
  plan: () => Promise<RunPlan>
  /** Default: those of the system. */
  nameServers?: () => Promise<readonly string[]>
}

async function run(plan: RunPlan, nameServers?: readonly string[]): Promise<CallResult> {
  const own = nameServers && { nameServers }
  const engine = stack.use(await createNativeEngine({ ...common, ...own, host: '127.0.0.1', userAgent: 'test' }))
  const media = stack.use(createMediaEngine(common))
  const results: CallResult[] = []
  const emit = (event: Parameters<Parameters<typeof startRun>[1]['emit']>[0]) => {
    if (event.type === 'Call') results.push(event.result)
  }
  await startRun(plan, { ...common, engine, media, lag: eventLoopLag, emit }).finished
  const [result] = results
  if (!result) throw new Error('no result')
  return result
}

/** Milliseconds that tests wait where nothing comes. */
const PATIENCE = 700
const impatient = { register: PATIENCE, answer: PATIENCE }
const registering = { register: true }
const short = { callDuration: 300 }

/** A plan against SIPp, which answers the request with `status`. */
const answered =
  (method: 'INVITE' | 'REGISTER', status: string, changes: PlanChanges = {}) =>
  async () => {
    const { path } = stack.use(temporaryFolder('scenario'))
    const peer = stack.use(await sippCallee({ scenario: writeResponse(method, status, path) }))
    return planOf(peer.port, { ...changes, ...(method === 'REGISTER' && { registrar: registering }) })
  }

/** A plan against SIPp that follows a scenario of the runs. */
const called =
  (scenario: CalleeScenario, changes: PlanChanges = {}) =>
  async () => {
    const { path } = stack.use(temporaryFolder('scenario'))
    const peer = stack.use(await sippCallee({ scenario: writeScenario(scenario, path), rtpEcho: true }))
    return planOf(peer.port, changes)
  }

/** Somebody who knows no password of ours. */
const suspicious = (changes: PlanChanges) => async () => {
  const proxy = stack.use(await kamailio({ password: 'another' }))
  return planOf(proxy.port, changes)
}

const named =
  (domain: string, changes: PlanChanges = {}) =>
  async () =>
    planOf(5060, { ...changes, registrar: { ...changes.registrar, domain } })

/** A name server that knows a service whose host it does not know. */
const forgetful = async () => {
  const srv = [{ name: '_sip._udp.lab.test', target: 'gone.lab.test', port: 5060 }]
  return [stack.use(await dns({ srv })).address]
}

const onDeadPort = (changes: PlanChanges) => async () => planOf(await freePort(), changes)

/**
 * A port whose connections are never made: a server that was stopped in its tracks and whose queue is full, so that the kernel passes
 * over every SYN, as a firewall does.
 */
async function blackHole(): Promise<number> {
  const server = stack.use(await sippCallee({ transport: 'tcp' }))
  process.kill(server.pid, 'SIGSTOP')
  stack.defer(() => server.kill())
  for (;;) {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {})
    stack.defer(() => void socket.destroy())
    if (!(await connected(socket))) return server.port
  }
}

/** Whether it is made at once, as all connections on this machine are. */
async function connected(socket: Socket): Promise<boolean> {
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(400) })
    return true
  } catch {
    return false
  }
}

/** Kamailio with a certificate of an authority of the lab. */
async function secured(names: readonly [string, ...string[]], validTo?: number) {
  const authority = await certificateAuthority()
  const proxy = stack.use(await kamailio({ tls: { identity: await authority.issue(names, validTo) } }))
  return { proxy, ca: authority.ca }
}

const CAUSES: readonly Cause[] = [
  // RFC 6761 6.4: it has no names.
  { failureClass: 'Dns', outcome: 'CallFailed', by: 'a name that does not exist', plan: named('nobody.invalid') },
  {
    ...{ failureClass: 'Dns', outcome: 'RegistrationFailed', by: 'a registrar whose name does not exist' },
    ...{ plan: named('nobody.lab.test', { registrar: registering }), nameServers: forgetful },
  },
  {
    ...{ failureClass: 'Dns', outcome: 'CallFailed', by: 'a service on a host that does not exist' },
    ...{ plan: named('lab.test'), nameServers: forgetful },
  },
  {
    ...{ failureClass: 'Dns', outcome: 'CallFailed', by: 'a name server that is not there' },
    plan: named('lab.test', { timeouts: impatient }),
    nameServers: async () => [`127.0.0.1:${await freePort()}`],
  },
  {
    ...{ failureClass: 'Connect', outcome: 'CallFailed', by: 'a TCP port where nobody listens' },
    plan: onDeadPort({ registrar: { transport: 'TCP' } }),
  },
  {
    ...{ failureClass: 'Connect', outcome: 'RegistrationFailed', by: 'a TCP port of a registrar where nobody listens' },
    plan: onDeadPort({ registrar: { ...registering, transport: 'TCP' } }),
  },
  {
    ...{ failureClass: 'Connect', outcome: 'CallFailed', by: 'a TCP port that swallows every SYN' },
    plan: async () => planOf(await blackHole(), { registrar: { transport: 'TCP' }, timeouts: impatient }),
  },
  {
    ...{ failureClass: 'Tls', outcome: 'CallFailed', by: 'a certificate of an authority that nobody knows' },
    plan: async () => planOf((await secured(['127.0.0.1'])).proxy.tlsPort, { registrar: { transport: 'TLS' } }),
  },
  {
    ...{ failureClass: 'Tls', outcome: 'RegistrationFailed', by: 'a server that does not speak TLS' },
    plan: async () => {
      const proxy = stack.use(await kamailio())
      return planOf(proxy.port, { registrar: { ...registering, transport: 'TLS' }, timeouts: impatient })
    },
  },
  ...[403, 404, 500, 603].map((code): Cause => ({
    ...{ failureClass: 'RegistrationRejected', outcome: 'RegistrationFailed', code, by: `${code} to the REGISTER` },
    plan: answered('REGISTER', `${code} No`),
  })),
  {
    ...{ failureClass: 'RegistrationTimeout', outcome: 'RegistrationFailed', by: 'a registrar that is not there' },
    plan: onDeadPort({ registrar: registering, timeouts: impatient }),
  },
  {
    ...{ failureClass: 'RegistrationTimeout', outcome: 'RegistrationFailed', by: '100 to the REGISTER, and no more' },
    plan: answered('REGISTER', '100 Trying', { timeouts: impatient }),
  },
  {
    ...{ failureClass: 'AuthenticationFailed', outcome: 'RegistrationFailed', code: 401, by: 'a wrong password' },
    plan: suspicious({ registrar: registering }),
  },
  {
    ...{ failureClass: 'AuthenticationFailed', outcome: 'CallFailed', code: 407, by: 'a wrong password in the INVITE' },
    plan: suspicious({}),
  },
  ...(
    [
      [486, 'Busy'],
      [600, 'Busy'],
      [302, 'Rejected3xx'],
      [403, 'Rejected4xx'],
      [404, 'Rejected4xx'],
      [480, 'Rejected4xx'],
      [500, 'Rejected5xx'],
      [503, 'Rejected5xx'],
      [603, 'Rejected6xx'],
      [607, 'Rejected6xx'],
    ] as const
  ).map(([code, failureClass]): Cause => ({
    ...{ failureClass, outcome: 'CallFailed', code, by: `${code} to the INVITE` },
    plan: answered('INVITE', `${code} No`),
  })),
  {
    ...{ failureClass: 'NoAnswer', outcome: 'Timeout', by: '100, and no more' },
    plan: answered('INVITE', '100 Trying', { timeouts: impatient }),
  },
  {
    ...{ failureClass: 'NoAnswer', outcome: 'Timeout', by: '180, and no more' },
    plan: called('ringing', { timeouts: impatient }),
  },
  {
    ...{ failureClass: 'NoAnswer', outcome: 'Timeout', code: 408, by: '408 to the INVITE' },
    plan: answered('INVITE', '408 Request Timeout'),
  },
  {
    ...{ failureClass: 'ResponseTimeout', outcome: 'Timeout', by: 'a peer that is silent' },
    plan: called('silent', { timeouts: impatient }),
  },
  {
    ...{ failureClass: 'ResponseTimeout', outcome: 'Timeout', by: 'a UDP port where nobody listens' },
    plan: onDeadPort({ timeouts: impatient }),
  },
  {
    ...{ failureClass: 'ResponseTimeout', outcome: 'Timeout', by: 'no answer to OPTIONS' },
    plan: onDeadPort({ check: 'Options', timeouts: impatient }),
  },
  ...[488, 606].map((code): Cause => ({
    ...{ failureClass: 'NegotiationFailed', outcome: 'NegotiationFailed', code, by: `${code} to the INVITE` },
    plan: answered('INVITE', `${code} No`),
  })),
  {
    ...{
      failureClass: 'NegotiationFailed',
      outcome: 'NegotiationFailed',
      code: 200,
      by: 'an answer with a codec not offered',
    },
    plan: called('other-codec'),
  },
  {
    ...{ failureClass: 'RemoteHangup', outcome: 'CallFailed', code: 200, by: 'a BYE before its time' },
    plan: called('hangs-up', { endpoint: { callDuration: 10_000 } }),
  },
  {
    ...{ failureClass: 'TeardownFailed', outcome: 'TeardownError', code: 200, by: '481 to our BYE' },
    plan: called('bad-goodbye', { endpoint: short }),
  },
  {
    ...{ failureClass: 'TeardownFailed', outcome: 'TeardownError', code: 200, by: 'a BYE that nobody answers' },
    plan: called('no-goodbye', { endpoint: short }),
  },
]

/** Not signalling's: why, or where else it is caused. */
const OTHERS: Partial<Record<FailureClass, string>> = {
  NoMedia: 'of media',
  MediaTimeout: 'of media',
  AgentLost: 'our process, not a peer',
  AgentSaturated: 'our machine, not a peer',
  PortsExhausted: 'our ports, not a peer',
  Policy: 'refused before a message is sent',
  Internal: 'a fault of ours',
}

describe('what happens on the wire, and the class it comes out as', () => {
  test.each(CAUSES)('$failureClass: $by', async ({ failureClass, outcome, code, plan, nameServers }) => {
    const result = await run(await plan(), await nameServers?.())
    expect(result).toMatchObject({ failureClass, outcome })
    expect(result.sip?.code).toBe(code)
  })
})

describe('a certificate of an authority that is trusted', () => {
  async function ask(names: readonly [string, ...string[]], validTo?: number) {
    const { proxy, ca } = await secured(names, validTo)
    const engine = stack.use(await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' }))
    const hop = { host: '127.0.0.1', port: proxy.tlsPort, transport: 'TLS', tls: { ca, verify: 'Full' } } as const
    const outcome = await engine.options({ ...request(direct(proxy, hop)), target: `sip:${proxy.domain}` })
    return outcome.kind === 'Answered' ? outcome.kind : classify(outcome, 'OPTIONS', proxy.domain)
  }

  test('Tls: it has expired', async () => {
    expect(await ask(['127.0.0.1'], Date.now() - 3_600_000)).toMatchObject({
      failureClass: 'Tls',
      outcome: 'CallFailed',
    })
  })

  test('Tls: it is of another name', async () => {
    expect(await ask(['other.test'])).toMatchObject({ failureClass: 'Tls', outcome: 'CallFailed' })
  })

  test('of this name, and in time: no failure', async () => {
    expect(await ask(['127.0.0.1'])).toBe('Answered')
  })
})

test('the table has every class that signalling can cause', () => {
  const caused = new Set([...CAUSES.map(({ failureClass }) => failureClass), ...Object.keys(OTHERS)])
  expect(Object.keys(failureClasses).filter((name) => !caused.has(name))).toEqual([])
  expect(CAUSES.filter(({ failureClass }) => failureClass in OTHERS)).toEqual([])
})
