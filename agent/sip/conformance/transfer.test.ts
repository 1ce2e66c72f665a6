import { describe, expect, test } from 'vitest'
import type { Call, IncomingCall, Referral } from '../engine.ts'
import { connect, pair } from './call-lab.ts'
import { ANSWER, first, inviteOptions, titles, TRANSPORTS } from './lab.ts'
import { established, inside, lab, outside } from './odd-lab.ts'

interface Told {
  code: number
  reason: string
  terminated: boolean
}

describe.each(TRANSPORTS)('a transfer over %s', (transport) => {
  test('is accepted, and every step of it is told', async () => {
    await using all = await pair(transport)
    const asked = first<Referral>()
    const { ours, theirs, trace } = await connect(all, { callee: { onRefer: asked.take } })
    const told: Told[] = []
    const last = first<void>()
    const refer = ours.refer('sip:carol@example.com', {
      onProgress(each) {
        told.push(each)
        if (each.terminated) last.take()
      },
    })
    const referral = await asked.promise
    expect(referral).toMatchObject({ target: 'sip:carol@example.com', replaces: undefined, referredBy: undefined })
    referral.accept()
    expect(await refer).toEqual({ kind: 'Done', code: 202 })
    referral.report(180)
    referral.report(200, 'Fine')
    referral.report(500)
    await last.promise
    expect(told).toEqual([
      { code: 100, reason: 'Trying', terminated: false },
      { code: 180, reason: 'Ringing', terminated: false },
      { code: 200, reason: 'Fine', terminated: true },
    ])
    const notify = trace.messages.find(({ text }) => text.startsWith('NOTIFY'))?.text ?? ''
    expect(notify).toMatch(/^Event: refer;id=2\r$/m)
    expect(notify).toMatch(/^Subscription-State: active;expires=\d+\r$/m)
    expect(notify).toMatch(/^Content-Type: message\/sipfrag;version=2.0\r$/m)
    expect(await theirs.bye()).toEqual({ kind: 'Done', code: 200 })
    expect([all.caller.gauges.dialogs, all.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('goes on after the call that asked for it is over', async () => {
    await using all = await pair(transport)
    const asked = first<Referral>()
    const { ours } = await connect(all, { callee: { onRefer: asked.take } })
    const last = first<Told>()
    const refer = ours.refer('sip:carol@example.com', { onProgress: (each) => each.terminated && last.take(each) })
    const referral = await asked.promise
    referral.accept()
    await refer
    expect(await ours.bye()).toEqual({ kind: 'Done', code: 200 })
    referral.report(486)
    expect(await last.promise).toEqual({ code: 486, reason: 'Busy Here', terminated: true })
    // The answer to the last NOTIFY ends the dialog of the other side too.
    while (all.callee.gauges.dialogs > 0) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(all.caller.gauges.dialogs).toBe(0)
  })

  test('needs no NOTIFY when nobody wants one', async () => {
    await using all = await pair(transport)
    const { ours, trace } = await connect(all, { callee: { onRefer: (referral) => referral.accept() } })
    expect(await ours.refer('sip:carol@example.com', { subscribe: false })).toEqual({ kind: 'Done', code: 202 })
    expect(await ours.bye()).toEqual({ kind: 'Done', code: 200 })
    expect(titles(trace).slice(3)).toEqual(['> REFER', '< 202 REFER', '> BYE', '< 200 BYE'])
  })

  test('is declined, by itself when nobody takes it', async () => {
    await using all = await pair(transport)
    const { ours, theirs } = await connect(all, { callee: { onRefer: (referral) => referral.decline(486) } })
    expect(await ours.refer('sip:carol@example.com')).toMatchObject({ kind: 'Rejected', code: 486 })
    expect(await theirs.refer('sip:carol@example.com')).toMatchObject({ kind: 'Rejected', code: 603 })
    await ours.bye()
    expect([all.caller.gauges.dialogs, all.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('with Replaces takes the place of a call', async () => {
    await using all = await pair(transport)
    const asked = first<Referral>()
    // Alice talks with Bob, and asks Carol; then Bob is to take her place with Carol.
    const bob = await connect(all, { callee: { onRefer: asked.take } })
    const carol = await connect(all)
    const refer = bob.ours.refer(all.options().target, { replaces: carol.ours.replacement })
    const referral = await asked.promise
    expect(referral.replaces).toEqual(carol.ours.replacement)
    const replacing = first<IncomingCall>()
    const accepted = first<Call | undefined>()
    using _carol = all.callee.onInvite('bob', (incoming) => {
      replacing.take(incoming)
      void incoming.answer(ANSWER).then(accepted.take)
    })
    referral.accept()
    await refer
    const { replaces } = referral
    const outcome = await all.caller.invite(all.options({ ...(replaces && { replaces }) })).outcome
    expect(outcome.kind).toBe('Answered')
    expect((await replacing.promise).replaces).toEqual(carol.ours.replacement)
    expect(await carol.ours.ended).toMatchObject({ by: 'Remote' })
    expect(await carol.theirs.ended).toEqual({ by: 'Local' })
    expect((await accepted.promise)?.callId).not.toBe(carol.ours.callId)
  })

  test('with Replaces of a call that is none of ours is refused', async () => {
    await using all = await pair(transport)
    using _bob = all.callee.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
    const replaces = { callId: 'none', toTag: 'of', fromTag: 'ours' }
    const { outcome } = all.caller.invite(all.options({ replaces }))
    expect(await outcome).toMatchObject({ kind: 'Rejected', code: 481 })
  })

  test('that is to replace an early dialog alone leaves a confirmed one', async () => {
    await using all = await pair(transport)
    const { ours } = await connect(all)
    using _bob = all.callee.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
    const { outcome } = all.caller.invite(all.options({ replaces: { ...ours.replacement, earlyOnly: true } }))
    expect(await outcome).toMatchObject({ kind: 'Rejected', code: 486 })
    expect(await ours.bye()).toEqual({ kind: 'Done', code: 200 })
  })
})

describe('when the peer is odd', () => {
  const branch = (name: string) => `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${name}`
  const notify = (state: string, event = 'refer') => [`Event: ${event}`, `Subscription-State: ${state}`]

  test('NOTIFYs may come before the 202 and without id; what belongs to no REFER is refused', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const { call, invite } = await established(all)
    const told: Told[] = []
    const refer = call.refer('sip:carol@example.com', { onProgress: (each) => told.push(each) })
    const request = await peer.request('REFER')
    expect(request.headers.get('refer-to')).toBe('<sip:carol@example.com>')
    expect(request.headers.list('contact')).toHaveLength(1)
    const fragment = ['Content-Type: message/sipfrag', '', 'SIP/2.0 183 Session Progress\r\n']
    peer.send([...inside(invite, 'NOTIFY', { cseq: 1 }), ...notify('active'), ...fragment], ours)
    expect((await peer.response()).code).toBe(200)
    peer.reply(request, '202 Accepted')
    expect(await refer).toEqual({ kind: 'Done', code: 202 })
    expect(told).toEqual([{ code: 183, reason: 'Session Progress', terminated: false }])
    peer.send([...inside(invite, 'NOTIFY', { cseq: 2 }), ...notify('active', 'refer;id=77')], ours)
    expect((await peer.response()).code).toBe(481)
    peer.send([...inside(invite, 'NOTIFY', { cseq: 3 }), ...notify('active', 'presence')], ours)
    expect((await peer.response()).code).toBe(489)
    peer.send([...inside(invite, 'NOTIFY', { cseq: 4 }), ...notify('terminated;reason=giveup')], ours)
    expect((await peer.response()).code).toBe(200)
    peer.send([...inside(invite, 'NOTIFY', { cseq: 5 }), ...notify('active')], ours)
    expect((await peer.response()).code).toBe(481)
  })

  test('a referral that is never reported ends by itself, and so does one of ours', async () => {
    await using all = await lab({ factor: 50 })
    const { ours, peer } = all
    const { call, invite } = await established(all, { onRefer: (referral) => referral.accept() })
    peer.send([...inside(invite, 'REFER', { cseq: 1 }), 'Refer-To: <sip:carol@example.com>'], ours)
    expect((await peer.response()).code).toBe(202)
    peer.reply(await peer.request('NOTIFY'), '200 OK')
    const refer = call.refer('sip:carol@example.com')
    peer.reply(await peer.request('REFER'), '202 Accepted')
    await refer
    void call.bye()
    peer.reply(await peer.request('BYE'), '200 OK')
    const last = await peer.request('NOTIFY')
    expect(last.headers.get('subscription-state')).toBe('terminated;reason=timeout')
    peer.reply(last, '200 OK')
    while (ours.gauges.dialogs > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await call.ended).toEqual({ by: 'Local' })
  })

  test.each([
    ['none', []],
    ['two', ['Refer-To: <sip:a@example.com>', 'Refer-To: <sip:b@example.com>']],
    ['a broken Replaces', ['Refer-To: <sip:a@example.com?Replaces=1%3Bto-tag%3D2>']],
  ])('a REFER with %s is told 400', async (_, fields) => {
    await using all = await lab()
    const { invite } = await established(all, { onRefer: (referral) => referral.accept() })
    all.peer.send([...inside(invite, 'REFER', { cseq: 1 }), ...fields], all.ours)
    expect((await all.peer.response()).code).toBe(400)
  })

  test.each(['603 Decline', '202 Accepted'])(
    'a REFER that is told %s after the call was over leaves nothing',
    async (status) => {
      await using all = await lab({ factor: 50 })
      const { ours, peer } = all
      const { call, invite } = await established(all)
      const refer = call.refer('sip:carol@example.com')
      const request = await peer.request('REFER')
      peer.send(inside(invite, 'BYE'), ours)
      expect(await call.ended).toMatchObject({ by: 'Remote' })
      peer.reply(request, status, { headers: ['Refer-Sub: false'] })
      await refer
      expect(ours.gauges.dialogs).toBe(0)
    },
  )

  test('what a Refer-To says of headers begins none of ours', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const asked = first<Referral>()
    const { invite } = await established(all, { onRefer: asked.take })
    const injecting = 'Refer-To: <sip:a@example.com?Replaces=1%0d%0aX-Evil:%201%3Bto-tag%3D2%3Bfrom-tag%3D3>'
    peer.send([...inside(invite, 'REFER', { cseq: 1 }), injecting], ours)
    expect((await peer.response()).code).toBe(400)
  })

  test('a last NOTIFY while both hang up does not take the dialog from under the BYEs', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const { call, invite } = await established(all)
    const refer = call.refer('sip:carol@example.com')
    peer.reply(await peer.request('REFER'), '202 Accepted')
    await refer
    const hangUp = call.bye()
    const bye = await peer.request('BYE')
    peer.send([...inside(invite, 'NOTIFY', { cseq: 1 }), ...notify('terminated;reason=noresource')], ours)
    expect((await peer.response()).code).toBe(200)
    peer.send(inside(invite, 'BYE', { cseq: 2 }), ours)
    expect((await peer.response()).code).toBe(200)
    peer.reply(bye, '481 Call/Transaction Does Not Exist')
    expect(await hangUp).toEqual({ kind: 'Done', code: 481 })
    expect(ours.gauges.dialogs).toBe(0)
  })

  test('a referrer who knows the subscription no more is told nothing more', async () => {
    await using all = await lab({ factor: 50 })
    const { ours, peer } = all
    const asked = first<Referral>()
    const { call, invite } = await established(all, { onRefer: asked.take })
    peer.send([...inside(invite, 'REFER', { cseq: 1 }), 'Refer-To: <sip:carol@example.com>'], ours)
    const referral = await asked.promise
    referral.accept()
    peer.reply(await peer.request('NOTIFY'), '481 Subscription Does Not Exist')
    const hangUp = call.bye()
    peer.reply(await peer.request('BYE'), '200 OK')
    await hangUp
    expect(ours.gauges.dialogs).toBe(0)
  })

  test('a handler that throws declines with 500', async () => {
    await using all = await lab()
    const onRefer = () => {
      throw new Error('broken')
    }
    const { invite } = await established(all, { onRefer })
    all.peer.send([...inside(invite, 'REFER', { cseq: 1 }), 'Refer-To: <sip:a@example.com>'], all.ours)
    expect((await all.peer.response()).code).toBe(500)
  })

  test('an INVITE that replaces our ringing one ends it with CANCEL', async () => {
    await using all = await lab()
    const { ours, peer } = all
    using _alice = ours.onInvite('alice-contact', (incoming) => void incoming.answer(ANSWER))
    const outgoing = ours.invite(inviteOptions(peer.port, 'UDP', { reliable: 'Supported' }))
    const invite = await peer.request('INVITE')
    peer.reply(invite, '180 Ringing', { headers: ['Require: 100rel', 'RSeq: 1'] })
    peer.reply(await peer.request('PRACK'), '200 OK')
    const { callId, fromTag = '' } = invite.headers
    const lines = outside('INVITE', { Replaces: `${callId};to-tag=${fromTag};from-tag=peer;early-only` })
    const [, ...fields] = lines
    peer.send([`INVITE sip:alice-contact@127.0.0.1 SIP/2.0`, ...fields], ours)
    expect((await peer.response()).code).toBe(200)
    const cancel = await peer.request('CANCEL')
    expect(cancel.headers.callId).toBe(callId)
    peer.reply(cancel, '200 OK')
    peer.reply(invite, '487 Request Terminated')
    expect(await outgoing.outcome).toEqual({ kind: 'Aborted' })
  })

  test('a call that is being hung up, or that waits for our answer, cannot be replaced', async () => {
    await using all = await lab()
    const { ours, peer } = all
    using _bob = ours.onInvite('bob', (incoming) => incoming.ring())
    const { call, invite } = await established(all)
    void call.bye()
    await peer.request('BYE')
    const { callId, fromTag = '' } = invite.headers
    peer.send(outside('INVITE', { Replaces: `${callId};to-tag=${fromTag};from-tag=peer` }), ours)
    expect((await peer.response()).code).toBe(603)
    peer.send(outside('INVITE', { 'Call-ID': 'ringing', Via: branch('ringing') }), ours)
    let ringing = await peer.response()
    while (ringing.code !== 180) ringing = await peer.response()
    const waiting = `ringing;to-tag=${ringing.headers.toTag};from-tag=peer`
    peer.send(outside('INVITE', { 'Call-ID': 'third', Via: branch('third'), Replaces: waiting }), ours)
    let refused = await peer.response()
    while (refused.headers.callId !== 'third') refused = await peer.response()
    expect(refused.code).toBe(481)
  })

  test.each([
    ['400', ['Replaces: 1;to-tag=2', 'Replaces: 1;to-tag=2;from-tag=3']],
    ['400', ['Replaces: nonsense']],
    ['481', ['Replaces: 1;to-tag=2;from-tag=3']],
  ])('%s answers %j', async (code, fields) => {
    await using all = await lab()
    using _bob = all.ours.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
    all.peer.send([...outside('INVITE'), ...fields], all.ours)
    expect(String((await all.peer.response()).code)).toBe(code)
  })
})
