import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { planOf } from '../api/plans.fixture.ts'
import type { Arena } from './arena.fixture.ts'
import { createArena, nothing } from './arena.fixture.ts'

let arena: Arena
beforeEach(async () => {
  arena = await createArena()
})
afterEach(() => arena[Symbol.asyncDispose]())

describe('a callee', { timeout: 20_000 }, () => {
  test('answers the first call to its contact, and only that', async () => {
    const called = arena.start(arena.plan({ endpoint: arena.callee({ callDuration: 1200 }) }))
    const contact = await arena.peer.registered()
    await called.phase('Waiting')
    const stranger = await arena.peer.call(contact.replace(/:[^@]+@/, ':alice@')).outcome
    expect(stranger).toMatchObject({ kind: 'Rejected', code: 404 })
    const caller = arena.peer.call(contact)
    const outcome = await caller.outcome
    expect(outcome).toMatchObject({ kind: 'Answered', code: 200 })
    expect(caller.timings.ringing).toBeDefined()
    expect(await arena.peer.call(contact).outcome).toMatchObject({ kind: 'Rejected', code: 486 })

    const result = await called.result()
    expect(result).toMatchObject({ outcome: 'Success', sip: { code: 200 }, metrics: { packetLoss: 0 } })
    expect(result.callId).toBe(caller.callId)
    expect(result.metrics.setupTime).toBeUndefined()
    const seen = called.events.flatMap((event) => (event.type === 'Phase' ? [event.phase] : []))
    expect(seen).toEqual(['Registering', 'Registered', 'Waiting', 'Ringing', 'InCall', 'Ending', 'Done'])
    const trace = called.events.find((event) => event.type === 'Trace')
    expect(trace?.messages.map(({ text }) => text.split(' ')[0])).toContain('BYE')
    expect(contact).toMatch(/:[0-9a-z]{24}@/)
    expect(arena.left()).toEqual(nothing)
  })

  test('may be hung up by its caller', async () => {
    const called = arena.start(arena.plan({ endpoint: arena.callee({ callDuration: 30_000 }) }))
    const outcome = await arena.peer.call(await arena.peer.registered()).outcome
    await called.phase('InCall')
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (outcome.kind === 'Answered') await outcome.call.bye()
    expect(await called.result()).toMatchObject({ outcome: 'Success' })
    expect(arena.left()).toEqual(nothing)
  })

  test('whom nobody calls says so, and blames nobody', async () => {
    const timeouts = { register: 1000, answer: 1000, call: 200 }
    const called = arena.start(arena.plan({ timeouts, endpoint: arena.callee() }))
    const contact = await arena.peer.registered()
    const result = await called.result()
    expect(result).toMatchObject({ noCall: true, message: 'Nobody called within 0.2 s.' })
    expect(result.failureClass).toBeUndefined()
    expect(await arena.peer.call(contact).outcome).toMatchObject({ kind: 'Rejected', code: 404 })
    expect(arena.left()).toEqual(nothing)
  })

  test('that is called with the other law of G.711 takes it', async () => {
    const called = arena.start(arena.plan({ endpoint: arena.callee() }))
    const contact = await arena.peer.registered()
    const { media, registrar } = planOf().endpoint
    // The agent calls its own callee, with the other codec.
    const pcmu = arena.start({
      ...arena.plan({
        endpoint: {
          target: contact,
          // Both hang up after the same time, and either may be first.
          remoteHangup: 'Allow',
          registrar: { ...registrar, port: arena.side.engine.ports.UDP },
          media: { ...media, audio: { ...media.audio, codec: 'PCMU' } },
        },
      }),
      id: 'run-2',
    })
    expect(await pcmu.result()).toMatchObject({
      outcome: 'Success',
      mosBasis: { codec: expect.stringContaining('PCMU') },
    })
    expect(await called.result()).toMatchObject({
      outcome: 'Success',
      mosBasis: { codec: expect.stringContaining('PCMU') },
    })
    expect(arena.left()).toEqual(nothing)
  })

  test('that is offered nothing it can take answers 488', async () => {
    const called = arena.start(arena.plan({ endpoint: arena.callee() }))
    const g729 = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 18', '']
    const outcome = await arena.peer.call(await arena.peer.registered(), g729.join('\r\n')).outcome
    expect(outcome).toMatchObject({ kind: 'Rejected', code: 488 })
    expect(await called.result()).toMatchObject({ failureClass: 'NegotiationFailed', outcome: 'NegotiationFailed' })
    expect(arena.left()).toEqual(nothing)
  })

  test('that is offered media at a name instead of an address answers 488', async () => {
    const called = arena.start(arena.plan({ endpoint: arena.callee() }))
    const named = ['v=0', 'o=- 1 1 IN IP4 x', 's=-', 'c=IN IP4 media.example.com', 't=0 0', 'm=audio 9 RTP/AVP 8', '']
    const outcome = await arena.peer.call(await arena.peer.registered(), named.join('\r\n')).outcome
    expect(outcome).toMatchObject({ kind: 'Rejected', code: 488 })
    expect((await called.result()).message).toContain('media.example.com, not an IP address')
  })
})
