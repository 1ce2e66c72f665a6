/** Registrations that live at a real registrar: refreshed, several of one user, and what SIPp's registrar wants otherwise. */
import { expect, test } from 'vitest'
import { fasterClock } from '../../../agent/sip/conformance/lab.ts'
import { shows } from '../../lab/features.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { until } from '../../lab/process.ts'
import { sippCallee, sippCaller } from '../../lab/sipp.ts'
import * as agents from './agents.ts'

test('a registration is refreshed before it expires', shows({ Kamailio: ['refresh', 'register'] }), async () => {
  await using lab = await kamailio()
  await using ours = await agents.engine({ clock: fasterClock(40) })
  const { registration, trace } = await agents.registered(ours, agents.account(lab, 'alice'))
  const refreshes = () => agents.titles(trace).filter((title) => title === '< 200 REGISTER').length - 1
  await until(() => refreshes() >= 2, { what: 'it is refreshed twice' })
  // One nonce serves them all: a challenge came only once.
  expect(registration.counters.authenticationRounds).toBe(1)
  expect(await lab.registrations()).toMatchObject([{ aor: 'alice', contact: registration.contact }])
  expect(await registration.unregister()).toEqual({ kind: 'Unregistered' })
  expect(await lab.registrations()).toEqual([])
})

test(
  'two of a user are registered: both ring, one answers, the other is cancelled, and each removes only its own',
  shows({ Kamailio: ['many-bindings', 'forking', 'cancelled', 'unregister'] }),
  async () => {
    await using lab = await kamailio()
    await using alice = await agents.engine()
    await using desk = await agents.engine()
    await using mobile = await agents.engine()
    const party = agents.account(lab, 'bob')
    const [first, second] = [await agents.registered(desk, party), await agents.registered(mobile, party)]
    expect(await lab.registrations()).toHaveLength(2)

    const [atDesk, atMobile] = [agents.nextCall(desk, 'bob-contact'), agents.nextCall(mobile, 'bob-contact')]
    const options = agents.invitation(agents.account(lab, 'alice'), 'bob')
    const outgoing = alice.invite(options)
    const [ringing, other] = [await atDesk, await atMobile]
    ringing.ring()
    other.ring()
    const cancelled = Promise.withResolvers<void>()
    other.cancelled.addEventListener('abort', () => cancelled.resolve())
    const answer = ringing.answer(agents.answerTo(ringing.sdp))
    const call = await agents.answered(outgoing)
    await cancelled.promise
    expect(agents.titles(other.trace)).toContain('< CANCEL')
    expect((await call.bye()).kind).toBe('Done')
    await (
      await answer
    )?.ended

    await first.registration.unregister()
    expect((await lab.registrations()).map(({ contact }) => contact)).toEqual([second.registration.contact])
    await second.registration.unregister()
    expect(await lab.registrations()).toEqual([])
  },
)

test('423: it registers for as long as the registrar wants', shows({ SIPp: ['interval-too-brief'] }), async () => {
  await using registrar = await sippCallee({ scenario: 'interval-too-brief' })
  await using ours = await agents.engine()
  const { registration } = await agents.registered(ours, agents.direct(registrar), 60)
  expect(registration.expires).toBe(120)
  await until(() => registrar.counts().successful === 1, { what: 'SIPp got 120 s' })
})

test('a call to a registration that is gone is 404', shows({ Kamailio: ['unregister'] }), async () => {
  await using lab = await kamailio()
  await using ours = await agents.engine()
  const { registration } = await agents.registered(ours, agents.account(lab, 'bob'))
  await registration.unregister()
  await using caller = await sippCaller({ target: `127.0.0.1:${lab.port}`, scenario: 'call', service: 'bob' })
  expect(await caller.finished).toMatchObject({ failed: 1 })
  const options = agents.invitation(agents.account(lab, 'alice'), 'bob')
  expect(await ours.invite(options).outcome).toMatchObject({ kind: 'Rejected', code: 404 })
  expect(options.trace.messages.at(-1)?.text).toMatch(/^ACK /)
})
