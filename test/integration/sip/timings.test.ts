/** The times and counts of calls (RFC 6076) with real peers: what is reported is what the trace has, message by message. */
import { expect, test } from 'vitest'
import type { Trace } from '../../../agent/sip/index.ts'
import { shows } from '../../lab/features.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { temporaryFolder } from '../../lab/process.ts'
import { sippCallee } from '../../lab/sipp.ts'
import { writeResponse, writeScenario } from '../callee-scenarios.ts'
import { account, answered, direct, engine, invitation, registered } from './agents.ts'

/** When the first message came or went whose text begins so, clock.monotonic. @throws when there is none */
function at({ messages }: Trace, direction: 'In' | 'Out', start: string, method?: string): number {
  const found = messages.find(
    (message) =>
      message.direction === direction &&
      message.text.startsWith(start) &&
      (method === undefined || message.text.includes(`${method}\r\n`)),
  )
  if (!found) throw new Error(`no ${start} in ${messages.map(({ text }) => text).join('\n')}`)
  return found.monotonic
}

test(
  'registration, request, session and disconnect, each from its first message to the one that ends it',
  shows({ Kamailio: ['call-metrics', 'authentication-rounds'] }),
  async () => {
    using folder = temporaryFolder('timings')
    await using peer = await sippCallee({ scenario: writeScenario('answers', folder.path) })
    await using lab = await kamailio({ routes: { svc: peer.target } })
    await using ours = await engine()
    const party = account(lab, 'alice')

    const { registration, milliseconds, trace: registering } = await registered(ours, party)
    const first = at(registering, 'Out', 'REGISTER')
    expect(milliseconds).toBeGreaterThanOrEqual(at(registering, 'In', 'SIP/2.0 200') - first)
    expect(registration.counters.authenticationRounds).toBe(1)
    const challenged = at(registering, 'In', 'SIP/2.0 401') - first
    expect(registration.counters.authenticationTime).toBeGreaterThanOrEqual(challenged)
    expect(registration.counters.authenticationTime).toBeLessThan(milliseconds)

    const options = { ...invitation(party), target: `sip:svc1@${lab.domain}` }
    const call = await answered(ours.invite(options))
    expect(await call.bye()).toMatchObject({ kind: 'Done' })
    const { trace } = options
    const { timings, counters } = call
    expect(timings).toMatchObject({
      ringing: at(trace, 'In', 'SIP/2.0 180'),
      answered: at(trace, 'In', 'SIP/2.0 200', 'INVITE'),
      byeAnswered: at(trace, 'In', 'SIP/2.0 200', 'BYE'),
    })
    // Ours are stamped just before they leave.
    expect(timings.inviteSent).toBeLessThanOrEqual(at(trace, 'Out', 'INVITE'))
    expect(timings.inviteSent).toBeLessThan(at(trace, 'In', 'SIP/2.0 407'))
    expect(timings.byeSent).toBeLessThanOrEqual(at(trace, 'Out', 'BYE'))
    expect(timings.byeSent).toBeGreaterThanOrEqual(timings.answered ?? Infinity)
    expect(counters.authenticationRounds).toBe(1)
    const challengedAt = (timings.inviteSent ?? 0) + (counters.authenticationTime ?? 0)
    expect(challengedAt).toBeCloseTo(at(trace, 'In', 'SIP/2.0 407'), 6)
    expect(timings.refused).toBeUndefined()
    await registration.unregister()
  },
)

test('a call that is refused has the time of that, and no other', shows({ SIPp: ['call-metrics'] }), async () => {
  using folder = temporaryFolder('timings')
  await using peer = await sippCallee({ scenario: writeResponse('INVITE', '486 Busy Here', folder.path) })
  await using ours = await engine()
  const options = invitation(direct(peer))
  const outgoing = ours.invite(options)
  expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 486 })
  const refused = at(options.trace, 'In', 'SIP/2.0 486')
  expect(outgoing.timings).toMatchObject({ refused, firstResponse: refused })
  expect(Object.keys(outgoing.timings).toSorted()).toEqual(['firstResponse', 'inviteSent', 'refused'])
})
