/** Calls that end otherwise than by a BYE after an answer: refused, cancelled, redirected, forked; and what both sides tell about them. */
import { describe, expect, test } from 'vitest'
import { renderLadder } from '../../../agent/sip/index.ts'
import { shows } from '../../lab/features.ts'
import { kamailio } from '../../lab/kamailio.ts'
import { freePort } from '../../lab/ports.ts'
import { until } from '../../lab/process.ts'
import { sippCallee } from '../../lab/sipp.ts'
import { sipsak } from '../../lab/sipsak.ts'
import * as agents from './agents.ts'
import { answer, fromSipp, toSipp } from './sipp.ts'

describe('Kamailio', () => {
  test.each(['UDP', 'TCP'] as const)(
    'over %s: nobody at home is 404, a dead target 408, both acknowledged',
    shows({ Kamailio: ['invite-client', 'authentication-rounds'] }),
    async (transport) => {
      await using lab = await kamailio({ frTimer: 1, routes: { svc: `127.0.0.1:${await freePort()}` } })
      await using ours = await agents.engine()
      for (const [user, code] of [
        ['nobody', 404],
        ['svc', 408],
      ] as const) {
        const options = agents.invitation(agents.account(lab, 'alice', { transport }), user)
        const outgoing = ours.invite(options)
        expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code })
        expect(outgoing.counters.authenticationRounds).toBe(1)
        expect(options.trace.messages.at(-1)?.text).toMatch(/^ACK /)
      }
    },
  )

  test(
    'forks to two over UDP and TCP: both ring, one call stands, nothing is left of the other',
    shows({ Kamailio: ['forking'], SIPp: ['forking'] }),
    async () => {
      await using one = await sippCallee({ scenario: 'slow' })
      await using two = await sippCallee({ scenario: 'slow', transport: 'tcp' })
      await using lab = await kamailio({ frTimer: 1, everyone: [one.target, `${two.target};transport=tcp`] })
      await using ours = await agents.engine()
      const options = agents.invitation(agents.account(lab, 'alice'), 'everyone')
      const call = await agents.answered(ours.invite(options))
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
      const ringing = options.trace.messages.filter(({ text }) => text.startsWith('SIP/2.0 180'))
      expect(new Set(ringing.map(({ text }) => /^To: .*;tag=(.*)\r$/m.exec(text)?.[1])).size).toBe(2)
      await until(() => ours.gauges.dialogs === 0, { what: 'no dialog is left' })
      const counts = () => [one.counts(), two.counts()]
      await until(() => counts().some(({ successful }) => successful === 1), { what: 'one was hung up' })
      await until(() => counts().every(({ current }) => current === 0), { what: 'neither has a call' })
    },
  )

  test('the trace as a ladder, without a secret', shows({ Kamailio: ['ladder', 'redaction'] }), async () => {
    await using peer = await sippCallee({ scenario: 'callee', tolerant: true })
    await using lab = await kamailio({ routes: { svc: peer.target } })
    await using ours = await agents.engine()
    const options = agents.invitation(agents.account(lab, 'alice'), 'svc1')
    const call = await agents.answered(ours.invite(options))
    await call.bye()
    const ladder = renderLadder(options.trace)
    for (const word of ['INVITE', '407', 'ACK', '180', '200', 'BYE']) expect(ladder).toContain(word)
    expect(agents.textOf(options.trace)).toMatch(/^Proxy-Authorization: Digest .*response="\[redacted\]"/m)
    expect(agents.textOf(options.trace)).not.toContain('pw-alice')
  })
})

describe('SIPp', () => {
  test('486 with its Reason is acknowledged', shows({ SIPp: ['invite-client'] }), () =>
    toSipp('busy', { keys: { header: 'Reason: Q.850;cause=17;text="User busy"' } }, async ({ outgoing, trace }) => {
      expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 486, reason: 'Busy Here' })
      expect(agents.titles(trace)).toEqual(['> INVITE', '< 486 INVITE', '> ACK'])
    }),
  )

  test('CANCEL while it rings, with a Reason', shows({ SIPp: ['cancel', 'reason'] }), () =>
    toSipp('rings', {}, async ({ outgoing, trace, peer }) => {
      await until(() => outgoing.timings.ringing !== undefined, { what: 'it rings' })
      outgoing.cancel('changed my mind')
      expect((await outgoing.outcome).kind).toBe('Aborted')
      const after = agents.titles(trace).slice(2).toSorted()
      expect(after).toEqual(['< 200 CANCEL', '< 487 INVITE', '> ACK', '> CANCEL'])
      await until(() => peer.log().includes('changed my mind'), { what: 'SIPp logged the Reason' })
    }),
  )

  test('a 200 that crosses our CANCEL is acknowledged and hung up', shows({ SIPp: ['cancel-crossing'] }), () =>
    toSipp('crosses-cancel', {}, async ({ outgoing, trace, ours }) => {
      await until(() => outgoing.timings.ringing !== undefined, { what: 'it rings' })
      outgoing.cancel()
      expect((await outgoing.outcome).kind).toBe('Aborted')
      await until(() => ours.gauges.dialogs === 0, { what: 'it is hung up' })
      await until(() => agents.titles(trace).includes('< 200 BYE'), { what: 'the BYE is answered' })
      expect(agents.titles(trace)).toContain('> ACK')
    }),
  )

  test('3xx is followed as often as allowed, and not when it is not', shows({ SIPp: ['redirection'] }), async () => {
    await using target = await sippCallee({ scenario: 'callee' })
    const keys = { header: `Contact: <sip:moved@${target.target}>` }
    await toSipp('redirects', { keys, invite: { followRedirects: 1 } }, async ({ outgoing }) => {
      const call = await agents.answered(outgoing)
      expect(call.remote.port).toBe(target.port)
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    })
    await toSipp('redirects', { keys }, async ({ outgoing }) => {
      expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 302 })
    })
    await using second = await sippCallee({ scenario: 'redirects', keys })
    const elsewhere = { header: `Contact: <sip:moved@${second.target}>` }
    await toSipp('redirects', { keys: elsewhere, invite: { followRedirects: 1 } }, async ({ outgoing }) => {
      expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 302 })
      expect(outgoing.remote?.port).toBe(second.port)
    })
  })

  test('we redirect it', shows({ SIPp: ['redirecting'] }), () =>
    fromSipp('redirected', {}, async ({ incoming }) => {
      incoming.reject(302, 'Moved Temporarily', [['Contact', '<sip:carol@lab.test>']])
      await until(() => agents.titles(incoming.trace).includes('< ACK'), { what: 'it is acknowledged' })
      expect(agents.textOf(incoming.trace)).toContain('Contact: <sip:carol@lab.test>')
    }),
  )

  test('two answers of a forked INVITE: the second is hung up', shows({ SIPp: ['forking', 'forked-answers'] }), () =>
    toSipp('forks', {}, async ({ outgoing, ours, trace }) => {
      const call = await agents.answered(outgoing)
      await until(() => agents.titles(trace).includes('< 200 BYE'), { what: 'the second is hung up' })
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
      expect(ours.gauges.dialogs).toBe(0)
    }),
  )

  test('a callee that moves within the call gets the BYE at its new place', shows({ SIPp: ['target-refresh'] }), () =>
    toSipp('moves', { invite: { onReoffer: agents.answerTo } }, async ({ outgoing, trace }) => {
      const call = await agents.answered(outgoing)
      await until(() => agents.titles(trace).filter((title) => title === '< ACK').length === 1, {
        what: 'it has moved',
      })
      expect(await call.bye()).toEqual({ kind: 'Done', code: 200 })
    }),
  )

  test('where a request came from is in our answers', shows({ SIPp: ['received'] }), () =>
    fromSipp('caller', { keys: { header: 'Subject: lab' } }, async ({ incoming }) => {
      const call = await answer(incoming)
      expect(await call.ended).toMatchObject({ by: 'Remote' })
    }),
  )

  test('the delays that RFC 6076 names', shows({ SIPp: ['call-metrics'] }), () =>
    toSipp('slow', {}, async ({ outgoing }) => {
      const call = await agents.answered(outgoing)
      await call.bye()
      const { inviteSent = 0, ringing = 0, answered = 0, byeSent = 0, byeAnswered = 0 } = call.timings
      // What SIPp waits, by a clock of its own that may be some milliseconds early, is the least; how much more it is depends on the machine.
      expect(ringing - inviteSent).toBeGreaterThan(180)
      expect(answered - ringing).toBeGreaterThan(80)
      expect(byeAnswered - byeSent).toBeGreaterThan(130)
      expect(byeSent).toBeGreaterThanOrEqual(answered)
    }),
  )
})

describe('sipsak', () => {
  test('OPTIONS is answered with what we can do', shows({ sipsak: ['options-received'] }), async () => {
    await using ours = await agents.engine()
    const { code, output } = await sipsak(`sip:anybody@127.0.0.1:${ours.ports.UDP}`, ['-vvv'])
    expect(code).toBe(0)
    expect(output).toMatch(/^SIP\/2.0 200 OK/m)
    expect(output).toMatch(/^Allow: .*INVITE/m)
    expect(output).toMatch(/^Accept: .*application\/sdp/m)
  })
})
