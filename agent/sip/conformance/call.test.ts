import { describe, expect, test } from 'vitest'
import type { Call, IncomingCall } from '../engine.ts'
import { pair } from './call-lab.ts'
import { aborted, ANSWER, drained, first, OFFER, titles, TRANSPORTS } from './lab.ts'

describe.each(TRANSPORTS)('calls over %s', (transport) => {
  test('are answered, carry both descriptions, and are hung up by the caller', async () => {
    await using lab = await pair(transport)
    const answered = first<Call | undefined>()
    const offered = first<IncomingCall>()
    using _bob = lab.callee.onInvite('bob', (incoming) => {
      offered.take(incoming)
      incoming.ring()
      void incoming.answer(ANSWER).then(answered.take)
    })
    const options = lab.options()
    const outgoing = lab.caller.invite(options)
    const outcome = await outgoing.outcome
    if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
    const { call } = outcome
    expect(outcome).toMatchObject({ code: 200, reason: 'OK' })
    expect(call).toMatchObject({ callId: options.callId, userAgent: 'callee', sdp: ANSWER })
    expect(outgoing.remote).toEqual({ host: '127.0.0.1', port: lab.port, transport })

    const incoming = await offered.promise
    expect(incoming).toMatchObject({ callId: options.callId, user: 'bob', sdp: OFFER })
    expect(incoming.from).toMatch(/^<sip:alice@example.com>;tag=/)
    const theirs = await answered.promise
    expect(theirs).toMatchObject({ userAgent: 'caller', sdp: OFFER })

    const bye = call.bye('had "enough"')
    expect(await bye).toEqual({ kind: 'Done', code: 200 })
    expect(await call.bye()).toEqual(await bye)
    expect(await call.ended).toEqual({ by: 'Local' })
    expect(await theirs?.ended).toEqual({ by: 'Remote', reason: 'had "enough"' })
    expect(await theirs?.bye()).toEqual({ kind: 'Done', code: 200 })

    const {
      inviteSent = 0,
      firstResponse = 0,
      ringing = 0,
      answered: at = 0,
      byeSent = 0,
      byeAnswered = 0,
    } = call.timings
    const order = [inviteSent, firstResponse, ringing, at, byeSent, byeAnswered]
    expect(order.every((each) => each > 0)).toBe(true)
    expect(order).toEqual(order.toSorted((one, other) => one - other))
    expect(theirs?.timings.byeReceived).toBeGreaterThan(0)
    expect(titles(options.trace)).toEqual(['> INVITE', '< 180 INVITE', '< 200 INVITE', '> ACK', '> BYE', '< 200 BYE'])
    expect(titles(incoming.trace)).toEqual(['< INVITE', '> 180 INVITE', '> 200 INVITE', '< ACK', '< BYE', '> 200 BYE'])
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('are hung up by the callee', async () => {
    await using lab = await pair(transport)
    const hungUp = first<unknown>()
    using _bob = lab.callee.onInvite('bob', (incoming) => {
      void incoming.answer(ANSWER).then(async (call) => hungUp.take(await call?.bye('closing time')))
    })
    const outcome = await lab.caller.invite(lab.options()).outcome
    if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
    expect(await outcome.call.ended).toEqual({ by: 'Remote', reason: 'closing time' })
    expect(outcome.call.timings.byeReceived).toBeGreaterThan(0)
    expect(await hungUp.promise).toEqual({ kind: 'Done', code: 200 })
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test.each([
    [486, undefined, 'Busy Here'],
    [603, 'Not today', 'Not today'],
    [404, undefined, 'Not Found'],
  ])('are rejected with %i', async (code, reason, expected) => {
    await using lab = await pair(transport)
    using _bob = lab.callee.onInvite('bob', (incoming) => incoming.reject(code, reason))
    const options = lab.options()
    expect(await lab.caller.invite(options).outcome).toEqual({ kind: 'Rejected', code, reason: expected })
    expect(titles(options.trace)).toEqual(['> INVITE', `< ${code} INVITE`, '> ACK'])
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('go to the taker of their user, then to the taker of all others, then to nobody', async () => {
    await using lab = await pair(transport)
    const seen: string[] = []
    const taker = (name: string) => (incoming: IncomingCall) => {
      seen.push(`${name} ${incoming.user}`)
      incoming.reject(480)
    }
    const others = lab.callee.onInvite(undefined, taker('rest'))
    using _bob = lab.callee.onInvite('bob smith', taker('bob'))
    expect(() => lab.callee.onInvite('bob smith', taker('twice'))).toThrow(/taken already/)
    for (const user of ['bob%20smith', 'carol']) {
      const { outcome } = lab.caller.invite(lab.options({ user }))
      expect(await outcome).toMatchObject({ code: 480 })
    }
    others[Symbol.dispose]()
    const { outcome } = lab.caller.invite(lab.options({ user: 'carol' }))
    expect(await outcome).toMatchObject({ code: 404 })
    expect(seen).toEqual(['bob bob smith', 'rest carol'])
  })

  test('tell every provisional response in order, early media with it', async () => {
    await using lab = await pair(transport)
    using _bob = lab.callee.onInvite('bob', (incoming) => {
      incoming.ring(100)
      incoming.ring(183)
      incoming.ring()
      incoming.reject(480)
    })
    const heard: number[] = []
    const outgoing = lab.caller.invite(lab.options({ onProvisional: ({ code }) => heard.push(code) }))
    await outgoing.outcome
    expect(heard).toEqual([100, 183, 180])
    expect(outgoing.timings.ringing).toBeGreaterThanOrEqual(outgoing.timings.firstResponse ?? Infinity)
  })

  test('that nobody picks up are cancelled at the deadline', async () => {
    await using lab = await pair(transport)
    const ringing = first<IncomingCall>()
    using _bob = lab.callee.onInvite('bob', (incoming) => {
      incoming.ring()
      ringing.take(incoming)
    })
    const options = lab.options({ timeout: 700 })
    expect(await lab.caller.invite(options).outcome).toEqual({ kind: 'NoFinalResponse', code: 180 })
    const incoming = await ringing.promise
    await aborted(incoming.cancelled)
    expect(await incoming.answer(ANSWER)).toBeUndefined()
    // The two answers of the callee are under way at once.
    expect(titles(options.trace).toSorted()).toEqual(
      ['> INVITE', '< 180 INVITE', '> CANCEL', '< 200 CANCEL', '< 487 INVITE', '> ACK'].toSorted(),
    )
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('whose taker says nothing get 100 by themselves', async () => {
    await using lab = await pair(transport)
    using _bob = lab.callee.onInvite('bob', () => {})
    const options = lab.options({ timeout: 700 })
    expect(await lab.caller.invite(options).outcome).toEqual({ kind: 'NoFinalResponse', code: 100 })
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('that are ignored have no response at all, and a CANCEL neither', async () => {
    await using lab = await pair(transport)
    using _bob = lab.callee.onInvite('bob', (incoming) => incoming.ignore())
    const options = lab.options({ timeout: 700 })
    expect(await lab.caller.invite(options).outcome).toEqual({ kind: 'NoResponse' })
    expect(new Set(titles(options.trace))).toEqual(new Set(['> INVITE']))
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('are aborted while they ring', async () => {
    await using lab = await pair(transport)
    const stop = new AbortController()
    const ringing = first<IncomingCall>()
    using _bob = lab.callee.onInvite('bob', (incoming) => {
      incoming.ring()
      ringing.take(incoming)
    })
    const outgoing = lab.caller.invite(lab.options({ signal: stop.signal, onProvisional: () => stop.abort() }))
    expect(await outgoing.outcome).toEqual({ kind: 'Aborted' })
    await aborted((await ringing.promise).cancelled)
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('are aborted at whatever moment of their beginning', async () => {
    await using lab = await pair(transport)
    using _bob = lab.callee.onInvite('bob', (incoming) => incoming.ignore())
    for (let moment = 0; moment < 30; moment++) {
      const stop = new AbortController()
      const outgoing = lab.caller.invite(lab.options({ signal: stop.signal }))
      for (let turn = 0; turn < moment; turn++) await Promise.resolve()
      stop.abort()
      expect(await outgoing.outcome).toEqual({ kind: 'Aborted' })
    }
  })

  test('are not even begun when they were aborted before', async () => {
    await using lab = await pair(transport)
    const options = lab.options({ signal: AbortSignal.abort() })
    expect(await lab.caller.invite(options).outcome).toEqual({ kind: 'Aborted' })
    expect(titles(options.trace)).toEqual([])
  })

  test('whose answer crosses our CANCEL are acknowledged and hung up', async () => {
    await using lab = await pair(transport)
    const stop = new AbortController()
    const answered = first<Call | undefined>()
    using _bob = lab.callee.onInvite('bob', (incoming) => {
      incoming.ring()
      // Both are on the wire before the caller has read the first one.
      void incoming.answer(ANSWER).then(answered.take)
    })
    const options = lab.options({ signal: stop.signal, onProvisional: () => stop.abort() })
    expect(await lab.caller.invite(options).outcome).toEqual({ kind: 'Aborted' })
    const call = await answered.promise
    expect(await call?.ended).toMatchObject({ by: 'Remote' })
    const sent = titles(options.trace).filter((each) => each.startsWith('>'))
    expect(sent).toEqual(['> INVITE', '> CANCEL', '> ACK', '> BYE'])
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('leave nothing behind, however they end', async () => {
    // 20 times as fast: the last timers of the RFC are over in 2 s.
    await using lab = await pair(transport, 20)
    const takers: Record<string, (incoming: IncomingCall) => unknown> = {
      answers: (incoming) => incoming.answer(ANSWER),
      rejects: (incoming) => incoming.reject(486),
      rings: (incoming) => incoming.ring(),
      ignores: (incoming) => incoming.ignore(),
      throws: () => {
        throw new Error('broken')
      },
      forgets: () => {},
    }
    for (const [user, taker] of Object.entries(takers)) lab.callee.onInvite(user, taker)
    const ends = Object.keys(takers).map(async (user) => {
      const outcome = await lab.caller.invite(lab.options({ user })).outcome
      return outcome.kind === 'Answered' ? (await outcome.call.bye()).kind : outcome.kind
    })
    const expected = ['Done', 'Rejected', 'NoFinalResponse', 'NoResponse', 'Rejected', 'NoFinalResponse']
    expect(await Promise.all(ends)).toEqual(expected)
    await drained(lab.caller, lab.callee)
    expect([lab.caller.gauges.transactions, lab.callee.gauges.transactions]).toEqual([0, 0])
  })

  test('may ask many at once', async () => {
    await using lab = await pair(transport)
    using _bob = lab.callee.onInvite('bob', (incoming) => {
      incoming.ring()
      void incoming.answer(ANSWER)
    })
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => lab.caller.invite(lab.options()).outcome))
    const ends = outcomes.map(async (outcome) => (outcome.kind === 'Answered' ? outcome.call.bye() : outcome))
    expect(new Set((await Promise.all(ends)).map(({ kind }) => kind))).toEqual(new Set(['Done']))
    expect([lab.caller.gauges.dialogs, lab.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('do not outlive the engine', async () => {
    const lab = await pair(transport)
    using _bob = lab.callee.onInvite('bob', (incoming) => incoming.ring())
    const { outcome } = lab.caller.invite(lab.options())
    await lab[Symbol.asyncDispose]()
    expect(await outcome).toMatchObject({ kind: 'ConnectFailed' })
    expect([lab.caller.gauges, lab.callee.gauges].map((each) => ({ ...each }))).toEqual([
      { transactions: 0, dialogs: 0, registrations: 0, timers: 0, connections: 0 },
      { transactions: 0, dialogs: 0, registrations: 0, timers: 0, connections: 0 },
    ])
  })

  test('are not written down where that is not wanted', async () => {
    await using lab = await pair(transport)
    const taken = first<IncomingCall>()
    using _bob = lab.callee.onInvite(
      'bob',
      (incoming) => {
        void incoming.answer(ANSWER)
        taken.take(incoming)
      },
      { untraced: true },
    )
    const outcome = await lab.caller.invite(lab.options()).outcome
    if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
    await outcome.call.bye()
    const { trace, counters } = await taken.promise
    expect([trace.messages, trace.truncated, counters.authenticationRounds]).toEqual([[], false, 0])
  })
})
