/** Outcomes and failure classes of runs, each brought about by a real peer: Kamailio as registrar and proxy, SIPp as the far end. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMediaEngine } from '../../agent/media/index.ts'
import type { MediaEngine } from '../../agent/media/index.ts'
import type { Phase, RunEvent, RunPlan } from '../../agent/api/protocol.ts'
import { eventLoopLag, startRun } from '../../agent/run/index.ts'
import { createNativeEngine } from '../../agent/sip/index.ts'
import type { SignallingEngine } from '../../agent/sip/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { kamailio } from '../lab/kamailio.ts'
import { freePort, freeRtpPorts } from '../lab/ports.ts'
import { temporaryFolder, until } from '../lab/process.ts'
import { sippCallee, sippCaller } from '../lab/sipp.ts'
import { writeScenario } from './callee-scenarios.ts'
import type { CalleeScenario } from './callee-scenarios.ts'
import { type Called, HONEST, judged, saturationOf } from './called.ts'
import { planOf } from './plans.ts'

const common = { clock: systemClock, random: systemRandom, log: createLog({ name: 'test', level: 'silent' }) }

let stack: AsyncDisposableStack
let engine: SignallingEngine
let media: MediaEngine

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  engine = stack.use(await createNativeEngine({ ...common, host: '127.0.0.1', userAgent: 'test' }))
  media = stack.use(createMediaEngine(common))
})
afterEach(() => stack.disposeAsync())

function start(plan: RunPlan) {
  const events: RunEvent[] = []
  const entered = new Map<Phase, () => void>()
  const run = startRun(plan, {
    ...common,
    engine,
    media,
    lag: eventLoopLag,
    emit: (event) => {
      events.push(event)
      if (event.type === 'Phase') entered.get(event.phase)?.()
    },
  })
  return {
    events,
    phase: (phase: Phase) => new Promise<void>((resolve) => entered.set(phase, resolve)),
    async result(): Promise<Called> {
      await run.finished
      const call = events.find((event) => event.type === 'Call')
      if (!call) throw new Error('no result')
      return { ...call.result, saturation: saturationOf(events) }
    },
  }
}
const run = (plan: RunPlan) => start(plan).result()

async function callee(scenario: CalleeScenario, options: { rtpEcho?: boolean } = {}) {
  const { path } = stack.use(temporaryFolder('scenario'))
  return stack.use(await sippCallee({ ...options, scenario: writeScenario(scenario, path) }))
}

const registering = { register: true }
const released = () => ({ ...engine.gauges, ports: media.gauges.portsUsed })

describe('through Kamailio', () => {
  test.each(['UDP', 'TCP'] as const)(
    'a call to SIPp over %s, with registration and digest',
    HONEST,
    async (transport) => {
      const target = await callee('answers', { rtpEcho: true })
      const proxy = stack.use(await kamailio({ routes: { svc: target.target } }))
      const result = await run(planOf(proxy.port, { registrar: { ...registering, transport } }))
      expect(result).toMatchObject({ outcome: 'Success', sip: { code: 200 }, authenticationRounds: 2 })
      expect(result.metrics).toMatchObject({ packetLoss: 0, statusCode: 200 })
      judged(result, () => expect(result.metrics.mos).toBeGreaterThan(4))
      expect(result.metrics.registerTime).toBeGreaterThan(0)
      expect(result.metrics.setupTime).toBeLessThanOrEqual(result.metrics.connectTime ?? 0)
      expect(await proxy.registrations()).toEqual([])
      expect(released()).toMatchObject({ dialogs: 0, registrations: 0, ports: 0 })
    },
  )

  test.each([
    ['busy', 'Busy', 'CallFailed', 486],
    ['not-acceptable', 'NegotiationFailed', 'NegotiationFailed', 488],
  ] as const)('a callee that is %s: %s', async (scenario, failureClass, outcome, code) => {
    const target = await callee(scenario)
    const proxy = stack.use(await kamailio({ routes: { svc: target.target } }))
    const result = await run(planOf(proxy.port, { registrar: registering }))
    expect(result).toMatchObject({ outcome, failureClass, sip: { code } })
    expect(await proxy.registrations()).toEqual([])
  })

  test('nobody there: Rejected4xx', async () => {
    const proxy = stack.use(await kamailio())
    expect(await run(planOf(proxy.port))).toMatchObject({ failureClass: 'Rejected4xx', sip: { code: 404 } })
  })

  test('a callee that rings and rings: NoAnswer, and it gets a CANCEL', async () => {
    const target = await callee('ringing')
    const proxy = stack.use(await kamailio({ routes: { svc: target.target } }))
    const result = await run(planOf(proxy.port, { timeouts: { answer: 1000 } }))
    expect(result).toMatchObject({ outcome: 'Timeout', failureClass: 'NoAnswer' })
    expect(result.metrics.setupTime).toBeGreaterThan(0)
    await until(() => target.counts().successful === 1, { what: 'SIPp was cancelled' })
  })

  test('a callee that is dead: NoAnswer, by the 408 of Kamailio or by our deadline', async () => {
    const target = await callee('silent')
    const proxy = stack.use(await kamailio({ routes: { svc: target.target }, frTimer: 1 }))
    const byKamailio = await run(planOf(proxy.port))
    expect(byKamailio).toMatchObject({ outcome: 'Timeout', failureClass: 'NoAnswer', sip: { code: 408 } })
    const byUs = await run(planOf(proxy.port, { timeouts: { answer: 500 } }))
    expect(byUs).toMatchObject({ outcome: 'Timeout', failureClass: 'NoAnswer' })
    expect(byUs.sip).toBeUndefined()
  })

  test('a Kamailio that is dead: ResponseTimeout, RegistrationTimeout, and over TCP Connect', async () => {
    const proxy = stack.use(await kamailio())
    await proxy.kill()
    const timeouts = { register: 800, answer: 800 }
    const call = planOf(proxy.port, { timeouts })
    expect(await run(call)).toMatchObject({ outcome: 'Timeout', failureClass: 'ResponseTimeout' })
    const options = planOf(proxy.port, { timeouts, check: 'Options' })
    expect(await run(options)).toMatchObject({ outcome: 'Timeout', failureClass: 'ResponseTimeout' })
    const register = planOf(proxy.port, { timeouts, registrar: registering })
    expect(await run(register)).toMatchObject({ outcome: 'RegistrationFailed', failureClass: 'RegistrationTimeout' })
    const tcp = planOf(proxy.port, { timeouts, registrar: { transport: 'TCP' } })
    expect(await run(tcp)).toMatchObject({ outcome: 'CallFailed', failureClass: 'Connect' })
  })

  test('a wrong password: AuthenticationFailed, in REGISTER and in INVITE', async () => {
    const proxy = stack.use(await kamailio({ password: 'another' }))
    const register = await run(planOf(proxy.port, { registrar: registering }))
    expect(register).toMatchObject({ outcome: 'RegistrationFailed', failureClass: 'AuthenticationFailed' })
    const invite = await run(planOf(proxy.port))
    expect(invite).toMatchObject({ outcome: 'CallFailed', failureClass: 'AuthenticationFailed', sip: { code: 407 } })
  })

  test('the cheap checks', async () => {
    const proxy = stack.use(await kamailio())
    const target = `sip:127.0.0.1:${proxy.port}`
    const options = await run(planOf(proxy.port, { check: 'Options', endpoint: { target } }))
    expect(options).toMatchObject({ outcome: 'Success', sip: { code: 200 } })
    expect(options.metrics.optionsTime).toBeGreaterThan(0)
    const register = await run(planOf(proxy.port, { check: 'Register', registrar: registering }))
    expect(register).toMatchObject({ outcome: 'Success', authenticationRounds: 1 })
    expect(register.metrics.registerTime).toBeGreaterThan(0)
    expect(await proxy.registrations()).toEqual([])
  })

  test('a Callee is called by SIPp on the contact that it registered', HONEST, async () => {
    const proxy = stack.use(await kamailio())
    const endpoint = { role: 'Callee', target: undefined, callDuration: 30_000, remoteHangup: 'Allow' } as const
    const called = start(planOf(proxy.port, { registrar: registering, endpoint }))
    await called.phase('Waiting')
    const [registration] = await proxy.registrations()
    expect(registration?.aor).toMatch(/^alice/)
    expect(registration?.contact).toMatch(/^sip:[0-9a-z]{24}@127\.0\.0\.1:/)
    const caller = stack.use(
      await sippCaller({
        target: `127.0.0.1:${proxy.port}`,
        scenario: 'call',
        service: 'alice',
        rtp: true,
        hold: 1500,
      }),
    )
    expect(await caller.finished).toMatchObject({ code: 0, successful: 1 })
    const result = await called.result()
    expect(result).toMatchObject({ outcome: 'Success', sip: { code: 200 }, metrics: { packetLoss: 0 } })
    judged(result, () => expect(result.metrics.mos).toBeGreaterThan(4))
    expect(await proxy.registrations()).toEqual([])
  })
})

describe('behind an address that peers reach it under', () => {
  /** A node that passes on what comes to its address, as it does to a pod. */
  async function node(address: string, port: number): Promise<AsyncDisposable> {
    const socket = createSocket('udp4')
    let peer = 0
    socket.on('message', (packet, from) => {
      const isOurs = from.port === port
      if (!isOurs) peer = from.port
      socket.send(packet, isOurs ? peer : port, '127.0.0.1')
    })
    socket.bind(port, address)
    await once(socket, 'listening')
    return {
      async [Symbol.asyncDispose]() {
        socket.close()
        await once(socket, 'close')
      },
    }
  }

  test.each(['UDP', 'TCP'] as const)(
    'a Callee is called there over %s, and hears; its Via stays',
    async (transport) => {
      const externalAddress = '127.0.0.5'
      const first = await freeRtpPorts(2)
      stack.use(await node(externalAddress, first))
      engine = stack.use(await createNativeEngine({ ...common, host: '0.0.0.0', externalAddress, userAgent: 'test' }))
      media = stack.use(createMediaEngine({ ...common, ports: { first, last: first + 1 } }))
      const proxy = stack.use(await kamailio())
      const endpoint = { role: 'Callee', target: undefined, callDuration: 30_000, remoteHangup: 'Allow' } as const
      const called = start(planOf(proxy.port, { registrar: { ...registering, transport }, endpoint }))
      await called.phase('Waiting')
      const [registration] = await proxy.registrations()
      const port = engine.ports[transport]
      expect(registration?.contact).toContain(`@${externalAddress}:${port}`)
      const to = { target: `127.0.0.1:${proxy.port}`, scenario: 'call', service: 'alice' }
      const caller = stack.use(await sippCaller({ ...to, rtp: true, hold: 1500 }))
      expect(await caller.finished).toMatchObject({ code: 0, successful: 1 })
      const result = await called.result()
      expect(result).toMatchObject({ outcome: 'Success', sip: { code: 200 } })
      expect(result.metrics.packetsReceived).toBeGreaterThan(20)
      const sent = called.events
        .flatMap((event) => (event.type === 'Trace' ? event.messages : []))
        .flatMap(({ direction, text }) => (direction === 'Out' ? text : []))
      expect(sent.find((text) => text.startsWith('REGISTER'))).toContain(`Via: SIP/2.0/${transport} 127.0.0.1:${port};`)
      const answer = sent.find((text) => text.includes('m=audio'))
      expect(answer).toMatch(/^c=IN IP4 127\.0\.0\.5/m)
      expect(answer).toMatch(/^o=- \d+ \d+ IN IP4 127\.0\.0\.5/m)
    },
  )
})

describe('straight to SIPp', () => {
  test('that sends nothing: NoMedia', async () => {
    const target = stack.use(await sippCallee())
    const result = await run(planOf(target.port))
    expect(result).toMatchObject({ outcome: 'CallFailed', failureClass: 'NoMedia', metrics: { packetsReceived: 0 } })
  })

  test('that hangs up: RemoteHangup with its reason', async () => {
    const target = await callee('hangs-up', { rtpEcho: true })
    const result = await run(planOf(target.port, { endpoint: { callDuration: 10_000 } }))
    expect(result).toMatchObject({ outcome: 'CallFailed', failureClass: 'RemoteHangup' })
    expect(result.message).toContain('Normal call clearing')
    await until(() => target.counts().successful === 1, { what: 'SIPp got its 200' })
  })

  test('that does not know its own call: TeardownFailed, a warning only', async () => {
    const target = await callee('bad-goodbye', { rtpEcho: true })
    const result = await run(planOf(target.port))
    expect(result).toMatchObject({
      outcome: 'TeardownError',
      failureClass: 'TeardownFailed',
      metrics: { packetLoss: 0 },
    })
    expect(result.message).toContain('481')
  })

  test('that dies in the call: MediaTimeout after 5 s', async () => {
    const target = stack.use(await sippCallee({ rtpEcho: true }))
    const called = start(planOf(target.port, { endpoint: { callDuration: 60_000 } }))
    await called.phase('InCall')
    await until(() => called.events.some(({ type }) => type === 'Sample'), { what: 'media flowed' })
    await target.kill()
    const result = await called.result()
    expect(result).toMatchObject({ outcome: 'CallFailed', failureClass: 'MediaTimeout' })
    const samples = called.events.filter(({ type }) => type === 'Sample')
    expect(samples.length).toBeGreaterThanOrEqual(6)
    expect(samples.length).toBeLessThanOrEqual(9)
  })

  test('that forbids us to register: RegistrationRejected', async () => {
    const target = await callee('refuses-register')
    const result = await run(planOf(target.port, { registrar: registering }))
    expect(result).toMatchObject({
      outcome: 'RegistrationFailed',
      failureClass: 'RegistrationRejected',
      sip: { code: 403 },
    })
  })

  test('on a port where nobody listens over TCP: Connect before the registration', async () => {
    const registrar = { ...registering, transport: 'TCP' } as const
    const result = await run(planOf(await freePort(), { registrar }))
    expect(result).toMatchObject({ outcome: 'RegistrationFailed', failureClass: 'Connect' })
  })
})
