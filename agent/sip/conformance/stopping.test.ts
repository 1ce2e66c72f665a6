import { setImmediate as turnOfLoop } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import type { IncomingCall, Referral } from '../engine.ts'
import { createLog } from '../../../lib/log.ts'
import { Trace } from '../trace/trace.ts'
import { ANSWER, engine, first, inviteOptions, listening, party, portOf, TRANSPORTS } from './lab.ts'

/** A clock whose timers are counted while they run. */
function counting(): { clock: Clock; running: () => number } {
  let running = 0
  const timer: Clock['timer'] = (milliseconds, callback) => {
    running++
    let over = false
    const end = (): boolean => {
      const was = over
      over = true
      if (!was) running--
      return !was
    }
    const inner = systemClock.timer(milliseconds, () => end() && callback())
    return {
      [Symbol.dispose]() {
        inner[Symbol.dispose]()
        end()
      },
    }
  }
  return { clock: { ...systemClock, timer }, running: () => running }
}

describe.each(TRANSPORTS)('an engine that is stopped over %s', (transport) => {
  test('tells everybody who waits, and leaves no timer', async () => {
    const { clock, running } = counting()
    await using theirs = await listening(transport)
    using _silent = theirs.onInvite('silent', (incoming) => incoming.ignore())
    using _ringing = theirs.onInvite('ringing', (incoming) => incoming.ring())
    const offered = first<IncomingCall>()
    const referred = first<Referral>()
    using _bob = theirs.onInvite('bob', (incoming) => {
      void incoming.answer(ANSWER, { onReoffer: () => ANSWER }).then((call) => call?.refer('sip:carol@example.com'))
      offered.take(incoming)
    })
    theirs.onRequest('REGISTER', (request) => request.respond(200, undefined, [['Flow-Timer', '120']]))
    const ours = await engine({ clock })
    const port = portOf(theirs, transport)
    const [silent, ringing] = [first<void>(), first<void>()]
    const waiting = [
      ours.invite(inviteOptions(port, transport, { user: 'silent' })).outcome.finally(silent.take),
      ours.invite(inviteOptions(port, transport, { user: 'ringing', onProvisional: () => ringing.take() })).outcome,
    ]
    await ringing.promise
    const outcome = await ours.invite(inviteOptions(port, transport, { onRefer: referred.take })).outcome
    if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
    const options = { party: party(port, transport), callId: 'r', timeout: 20_000, trace: new Trace(), expires: 300 }
    const registered = await ours.register({ ...options, outbound: {} })
    if (registered.kind !== 'Registered') throw new Error(registered.kind)
    const referral = await referred.promise
    const { lost } = registered.registration
    const pending = [outcome.call.ended, outcome.call.reinvite(ANSWER), outcome.call.refer('sip:dave@example.com')]
    await ours[Symbol.asyncDispose]()
    expect(await lost).toEqual({ kind: 'Aborted' })
    await Promise.all([...waiting, ...pending, outcome.call.bye(), registered.registration.unregister()])
    referral.accept()
    for (let turn = 0; turn < 20; turn++) await turnOfLoop()
    expect(running()).toBe(0)
    expect(ours.gauges).toEqual({ transactions: 0, dialogs: 0, registrations: 0, timers: 0, connections: 0 })
  })

  test('does not refresh what it has registered', async () => {
    const { clock, running } = counting()
    await using theirs = await listening(transport)
    theirs.onRequest('REGISTER', (request) => request.respond(200))
    const ours = await engine({ clock })
    const options = { callId: 'r', timeout: 20_000, trace: new Trace(), expires: 300, outbound: {} }
    await ours.register({ ...options, party: party(portOf(theirs, transport), transport) })
    await ours[Symbol.asyncDispose]()
    for (let turn = 0; turn < 20; turn++) await turnOfLoop()
    expect(running()).toBe(0)
  })
})

test('a handler that throws ends nothing but its own message, and the log has it', async () => {
  const lines: string[] = []
  const log = createLog({ name: 'test', level: 'error', destination: { write: (line) => void lines.push(line) } })
  await using theirs = await engine()
  using _bob = theirs.onInvite('bob', (incoming) => {
    incoming.ring()
    void incoming.answer(ANSWER)
  })
  await using ours = await engine({ log })
  const throwing = () => {
    throw new Error('wrong handler')
  }
  const port = portOf(theirs, 'UDP')
  const outcome = await ours.invite(inviteOptions(port, 'UDP', { onProvisional: throwing })).outcome
  expect(outcome.kind).toBe('Answered')
  expect(lines.join('')).toContain('wrong handler')
})
