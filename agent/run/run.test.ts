import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freeRtpPorts } from '../../test/lab/ports.ts'
import { RunEvent as Event } from '../api/protocol.ts'
import type { Arena } from './arena.fixture.ts'
import { createArena, nothing } from './arena.fixture.ts'
import { createSide } from './peer.fixture.ts'

let arena: Arena
beforeEach(async () => {
  arena = await createArena()
})
afterEach(() => arena[Symbol.asyncDispose]())

describe('a caller', { timeout: 20_000 }, () => {
  test('calls, measures and hangs up, and tells it in order', async () => {
    arena.peer.on('echo', (incoming) => {
      incoming.ring()
      void arena.peer.answer(incoming)
    })
    const call = arena.start(arena.plan({ endpoint: { callDuration: 1200, registrar: arena.registering() } }))
    const result = await call.result()

    expect(result).toMatchObject({
      outcome: 'Success',
      sip: { code: 200, reason: 'OK' },
      userAgent: 'Test',
      findings: [],
    })
    expect(result.failureClass).toBeUndefined()
    expect(result.callId).toMatch(/^run-1-/)
    const { metrics } = result
    for (const key of [
      'setupTime',
      'ringTime',
      'connectTime',
      'registerTime',
      'disconnectTime',
      'mos',
      'jitter',
    ] as const)
      expect(metrics[key]).toBeGreaterThanOrEqual(0)
    expect(metrics).toMatchObject({ statusCode: 200, packetLoss: 0, retransmissionsSent: 0 })
    expect(metrics.connectTime).toBeCloseTo((metrics.setupTime ?? 0) + (metrics.ringTime ?? 0), 6)
    expect(metrics.sessionTime).toBeGreaterThanOrEqual(1199)
    expect(result.mosBasis?.model).toBe('G.107')

    // Whether this machine was fast enough is not what is tested here.
    const told = call.events.filter(({ type }) => type !== 'Saturation')
    const types = told.map((event) => (event.type === 'Phase' ? event.phase : event.type))
    expect(types).toEqual([
      ...['Registering', 'Registered', 'Calling', 'Ringing', 'InCall', 'Sample', 'Ending', 'Done'],
      ...['Call', 'Trace', 'End'],
    ])
    expect(call.events.map(({ seq }) => seq)).toEqual(call.events.map((_, index) => index + 1))
    for (const event of call.events) expect(Event.parse(event)).toEqual(event)
    expect(arena.left()).toEqual(nothing)
  })

  test('tells what was agreed on, what was heard, and which digits came', async () => {
    const digits = Promise.withResolvers<void>()
    arena.peer.on('echo', async (incoming) => {
      await arena.peer.answer(incoming, 'Noise', (session) => {
        session.sendDigits('4#', { duration: 100, gap: 100 })
        digits.resolve()
      })
    })
    const result = await arena.start(arena.plan({ endpoint: { callDuration: 3500 } })).result()
    await digits.promise
    expect(result).toMatchObject({
      outcome: 'Success',
      findings: ['NoiseOnly'],
      media: { codec: 'PCMA', rtcpMux: false },
      digits: [
        { digit: '4', duration: 100, complete: true },
        { digit: '#', duration: 100, complete: true },
      ],
    })
    expect(result.digits?.[0]?.at).toBeGreaterThanOrEqual(0)
    expect(result.metrics.audioLevel).toBeCloseTo(-26, -0.5)
    expect(arena.left()).toEqual(nothing)
  })

  test('that cannot be encrypted as it must: NegotiationFailed, and the message says why', async () => {
    arena.peer.on('echo', (incoming) => void arena.peer.answer(incoming))
    const { media } = arena.plan().endpoint
    const result = await arena.start(arena.plan({ endpoint: { media: { ...media, encryption: 'Optional' } } })).result()
    expect(result.media).toEqual({ codec: 'PCMA', rtcpMux: false })
    arena.peer.on('plain', async (incoming) => {
      const sdp = (incoming.sdp ?? '').replace('RTP/SAVP', 'RTP/AVP').replaceAll(/a=crypto.*\r\n/g, '')
      await incoming.answer(sdp)
    })
    const failed = await arena
      .start(arena.plan({ endpoint: { target: 'sip:plain@127.0.0.1', media: { ...media, encryption: 'SDES' } } }))
      .result()
    expect(failed).toMatchObject({ outcome: 'NegotiationFailed', failureClass: 'NegotiationFailed' })
    expect(failed.message).toContain('the other side does not encrypt: the stream is RTP/AVP')
    expect(arena.left()).toEqual(nothing)
  })

  test('keeps the trace of REGISTER, call and un-REGISTER, and no password anywhere', async () => {
    arena.peer.on('echo', (incoming) => void arena.peer.answer(incoming))
    const call = arena.start(arena.plan({ endpoint: { registrar: arena.registering() } }))
    await call.run.finished
    const trace = call.events.find((event) => event.type === 'Trace')
    const requests = trace?.messages
      .filter(({ text }) => !text.startsWith('SIP/2.0'))
      .map(({ text }) => text.split(' ')[0])
    expect(requests).toEqual(['REGISTER', 'INVITE', 'ACK', 'BYE', 'REGISTER'])
    expect(JSON.stringify(call.events)).not.toContain('hunter2')
  })

  test.each([
    [302, 'Rejected3xx', 'CallFailed'],
    [404, 'Rejected4xx', 'CallFailed'],
    [486, 'Busy', 'CallFailed'],
    [488, 'NegotiationFailed', 'NegotiationFailed'],
    [503, 'Rejected5xx', 'CallFailed'],
    [603, 'Rejected6xx', 'CallFailed'],
  ])('answered with %i: %s', async (code, failureClass, outcome) => {
    arena.peer.on('echo', (incoming) => incoming.reject(code))
    const result = await arena.start(arena.plan({ endpoint: { registrar: arena.registering() } })).result()
    expect(result).toMatchObject({ outcome, failureClass, sip: { code }, metrics: { statusCode: code } })
    expect(arena.left()).toEqual(nothing)
  })

  test('whom nobody answers: ResponseTimeout without a response, NoAnswer while it rings', async () => {
    const timeouts = { register: 1000, answer: 700, call: 0 }
    arena.peer.on('echo', (incoming) => incoming.ignore())
    const registered = arena.plan({ timeouts, endpoint: { registrar: arena.registering() } })
    // The 200 of the REGISTER is no response to the call.
    expect((await arena.start(registered).result()).sip).toBeUndefined()
    const silent = arena.start(arena.plan({ timeouts }))
    expect(await silent.result()).toMatchObject({ outcome: 'Timeout', failureClass: 'ResponseTimeout' })
    const sent = silent.events.flatMap((event) => (event.type === 'Trace' ? event.messages : []))
    expect(sent.slice(0, 2).map(({ text, retransmission }) => [text.split(' ')[0], retransmission])).toEqual([
      ['INVITE', undefined],
      ['INVITE', true],
    ])
    arena.peer.on('ringing', (incoming) => incoming.ring())
    const target = 'sip:ringing@127.0.0.1'
    const ringing = await arena.start(arena.plan({ timeouts, endpoint: { target } })).result()
    expect(ringing).toMatchObject({ outcome: 'Timeout', failureClass: 'NoAnswer' })
    expect(ringing.metrics.setupTime).toBeGreaterThanOrEqual(0)
    expect(ringing.metrics.connectTime).toBeUndefined()
    expect(arena.left()).toEqual(nothing)
  })

  test('with an answer that is no description of audio: NegotiationFailed, and the call is hung up', async () => {
    const ended = Promise.withResolvers<unknown>()
    arena.peer.on('echo', async (incoming) => ended.resolve(await (await incoming.answer('v=0\r\n'))?.ended))
    expect(await arena.start(arena.plan()).result()).toMatchObject({
      outcome: 'NegotiationFailed',
      failureClass: 'NegotiationFailed',
    })
    expect(await ended.promise).toMatchObject({ by: 'Remote' })
    expect(arena.left()).toEqual(nothing)
  })

  test('that hears nothing: NoMedia', async () => {
    arena.peer.on('echo', (incoming) => void arena.peer.answer(incoming, 'Nothing'))
    const result = await arena.start(arena.plan()).result()
    expect(result).toMatchObject({ outcome: 'CallFailed', failureClass: 'NoMedia', metrics: { packetsReceived: 0 } })
    expect(result.metrics.mos).toBeUndefined()
    expect(arena.left()).toEqual(nothing)
  })

  test('that is hung up: RemoteHangup, unless it is allowed', async () => {
    arena.peer.on('echo', async (incoming) => {
      const call = await arena.peer.answer(incoming)
      setTimeout(() => void call?.bye('had enough'), 100)
    })
    const failed = await arena.start(arena.plan({ endpoint: { callDuration: 5000 } })).result()
    expect(failed).toMatchObject({ outcome: 'CallFailed', failureClass: 'RemoteHangup' })
    expect(failed.message).toContain('had enough')
    expect(failed.metrics.disconnectTime).toBeUndefined()
    const allowed = await arena.start(arena.plan({ endpoint: { callDuration: 5000, remoteHangup: 'Allow' } })).result()
    expect(allowed).toMatchObject({ outcome: 'Success' })
    expect(allowed.metrics.sessionTime).toBeLessThan(2000)
    expect(arena.left()).toEqual(nothing)
  })

  test('where nobody listens on TCP: Connect', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    server.close()
    const port = typeof address === 'object' && address ? address.port : 1
    const registrar = { ...arena.registering(), transport: 'TCP' as const, port }
    const atRegister = await arena.start(arena.plan({ endpoint: { registrar } })).result()
    expect(atRegister).toMatchObject({ outcome: 'RegistrationFailed', failureClass: 'Connect' })
    const atCall = await arena
      .start(arena.plan({ endpoint: { registrar: { ...registrar, register: false } } }))
      .result()
    expect(atCall).toMatchObject({ outcome: 'CallFailed', failureClass: 'Connect' })
    expect(arena.left()).toEqual(nothing)
  })

  test('whose registration is refused, or not answered, does not call', async () => {
    arena.peer.on('echo', () => expect.unreachable())
    arena.peer.registrar = { code: 403 }
    const refused = await arena.start(arena.plan({ endpoint: { registrar: arena.registering() } })).result()
    expect(refused).toMatchObject({
      outcome: 'RegistrationFailed',
      failureClass: 'RegistrationRejected',
      sip: { code: 403 },
    })
    arena.peer.registrar = undefined
    const timeouts = { register: 300, answer: 300, call: 0 }
    const silent = await arena.start(arena.plan({ timeouts, endpoint: { registrar: arena.registering() } })).result()
    expect(silent).toMatchObject({ outcome: 'RegistrationFailed', failureClass: 'RegistrationTimeout' })
    expect(silent.metrics.registerTime).toBeUndefined()
    expect(silent.metrics).toMatchObject({ authRounds: 0 })
  })

  test('without a free port: PortsExhausted, which is ours', async () => {
    const first = await freeRtpPorts()
    await using small = await createSide({ first, last: first + 1 })
    const opened = await small.media.open('127.0.0.1')
    expect(opened.kind).toBe('Open')
    arena.side = small
    const result = await arena.start(arena.plan()).result()
    expect(result).toMatchObject({ outcome: 'OsError', failureClass: 'PortsExhausted' })
  })
})

describe('the cheap checks', { timeout: 20_000 }, () => {
  test('Register measures the registration and leaves nothing', async () => {
    const check = arena.start(arena.plan({ check: 'Register', endpoint: { registrar: arena.registering() } }))
    const result = await check.result()
    expect(result.outcome).toBe('Success')
    expect(result).toMatchObject({ sip: { code: 200, reason: 'OK' }, metrics: { statusCode: 200 } })
    expect(result.metrics.registerTime).toBeGreaterThan(0)
    expect(arena.left()).toEqual(nothing)
  })

  test('Options measures the answer', async () => {
    const result = await arena.start(arena.plan({ check: 'Options', endpoint: { target: 'sip:127.0.0.1' } })).result()
    expect(result).toMatchObject({ outcome: 'Success', sip: { code: 200 }, metrics: { statusCode: 200 } })
    expect(result.metrics.optionsTime).toBeGreaterThan(0)
    expect(result.metrics).toMatchObject({ authRounds: 0 })
    expect(result.remote).toMatchObject({ port: arena.peer.port, transport: 'UDP' })
  })
})
