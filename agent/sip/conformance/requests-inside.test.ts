import { describe, expect, test } from 'vitest'
import type { Call, IncomingCall } from '../engine.ts'
import { connect, pair } from './call-lab.ts'
import { aborted, ANSWER, first, inviteOptions, OFFER, titles, TRANSPORTS } from './lab.ts'
import { established, inside, lab, outside } from './odd-lab.ts'

describe.each(TRANSPORTS)('inside a call over %s', (transport) => {
  test('INFO goes both ways', async () => {
    await using all = await pair(transport)
    const heard: unknown[] = []
    const onInfo = (info: unknown) => void heard.push(info)
    const { ours, theirs } = await connect(all, { caller: { onInfo }, callee: { onInfo } })
    const contentType = 'application/dtmf-relay'
    expect(await ours.info(contentType, 'Signal=5\r\nDuration=160\r\n')).toEqual({ kind: 'Done', code: 200 })
    expect(await theirs.info('text/plain', 'hello')).toEqual({ kind: 'Done', code: 200 })
    expect(heard).toEqual([
      { contentType, body: 'Signal=5\r\nDuration=160\r\n' },
      { contentType: 'text/plain', body: 'hello' },
    ])
  })

  test('INFO that nobody takes is refused', async () => {
    await using all = await pair(transport)
    const { ours } = await connect(all)
    expect(await ours.info('text/plain', 'hello')).toMatchObject({ kind: 'Rejected', code: 415 })
    expect(await ours.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('OPTIONS says what is supported, inside a call as outside', async () => {
    await using all = await pair(transport)
    const { ours, theirs } = await connect(all)
    const outside = await all.caller.options({ ...all.options(), callId: 'options' })
    const answers = [await ours.options(), await theirs.options(), outside]
    for (const answer of answers) {
      expect(answer).toMatchObject({
        kind: 'Answered',
        code: 200,
        allow: ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY'],
        supported: ['replaces', '100rel', 'timer', 'norefersub'],
        accept: ['application/sdp'],
      })
    }
  })

  test('BYE says why', async () => {
    await using all = await pair(transport)
    const { ours, theirs } = await connect(all)
    await ours.bye({ protocol: 'Q.850', cause: 16, text: 'Terminated' })
    expect(await theirs.ended).toEqual({
      by: 'Remote',
      reason: 'Terminated',
      cause: { protocol: 'Q.850', code: 16 },
    })
  })

  test('both may hang up at once', async () => {
    await using all = await pair(transport)
    const { ours, theirs } = await connect(all)
    const ends = await Promise.all([ours.bye(), theirs.bye()])
    // 481 is what the one hears whose BYE comes when the other has forgotten the call.
    expect(ends.map(({ kind }) => kind)).toEqual(['Done', 'Done'])
    expect([all.caller.gauges.dialogs, all.callee.gauges.dialogs]).toEqual([0, 0])
  })
})

describe.each(TRANSPORTS)('an INVITE over %s', (transport) => {
  test('is cancelled for a reason, with or without a signal', async () => {
    await using all = await pair(transport)
    const ringing = first<IncomingCall>()
    using _bob = all.callee.onInvite('bob', (incoming) => {
      incoming.ring()
      ringing.take(incoming)
    })
    const heard = first<void>()
    const { signal: _, ...options } = all.options({ onProvisional: () => heard.take() })
    const outgoing = all.caller.invite(options)
    await heard.promise
    outgoing.cancel({ protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' })
    expect(await outgoing.outcome).toEqual({ kind: 'Aborted' })
    const incoming = await ringing.promise
    await aborted(incoming.cancelled)
    expect(incoming.cancelReason).toEqual({ protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' })
  })

  test('that is cancelled at once is not even sent', async () => {
    await using all = await pair(transport)
    const options = all.options({
      party: { ...all.options().party, nextHop: { host: 'localhost', port: 9, transport } },
    })
    const outgoing = all.caller.invite(options)
    outgoing.cancel()
    expect(await outgoing.outcome).toEqual({ kind: 'Aborted' })
    expect(titles(options.trace)).toEqual([])
  })

  test('is refused with what else is to be said', async () => {
    await using all = await pair(transport)
    const contact = ['Contact', '<sip:elsewhere@example.com>'] as const
    using _bob = all.callee.onInvite('bob', (incoming) => incoming.reject(302, undefined, [contact]))
    const options = all.options()
    expect(await all.caller.invite(options).outcome).toMatchObject({ kind: 'Rejected', code: 302 })
    expect(options.trace.messages[1]?.text).toMatch(/^Contact: <sip:elsewhere@example.com>\r$/m)
  })

  test('has early media without PRACK when the caller has none', async () => {
    await using all = await pair(transport)
    const media = first<string | undefined>()
    const { ours } = await connect(all, {
      caller: { onProvisional: ({ sdp }) => media.take(sdp) },
      before: (incoming) => incoming.ring(183, { sdp: ANSWER }),
    })
    expect([await media.promise, ours.sdp]).toEqual([ANSWER, ANSWER])
  })
})

describe('when the peer is odd', () => {
  test('a CANCEL after the answer changes nothing', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const answered = first<Call | undefined>()
    using _bob = ours.onInvite('bob', (incoming) => void incoming.answer(ANSWER).then(answered.take))
    peer.send([...outside('INVITE'), '', OFFER], ours)
    const response = await peer.response()
    const via = `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKINVITE`
    peer.send(outside('CANCEL', { Via: via }), ours)
    let cancelled = await peer.response()
    while (cancelled.headers.cseq?.method !== 'CANCEL') cancelled = await peer.response()
    expect(cancelled.code).toBe(200)
    const ack = outside('ACK', { To: response.headers.get('to') ?? '', Via: 'SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKack' })
    peer.send(ack, ours)
    expect((await answered.promise)?.sdp).toBe(OFFER)
  })

  test('an INVITE that is cancelled before any response is ended when one comes, with its reason', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const outgoing = ours.invite(inviteOptions(peer.port, 'UDP'))
    const invite = await peer.request('INVITE')
    outgoing.cancel('never mind')
    expect(await outgoing.outcome).toEqual({ kind: 'Aborted' })
    peer.reply(invite, '100 Trying')
    expect((await peer.request('CANCEL')).headers.get('reason')).toBe('SIP;text="never mind"')
  })

  test('a 407 to the BYE of a callee is answered with the credentials of the call', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const credentials = { username: 'bob', password: 'secret' }
    const answered = first<Call | undefined>()
    using _bob = ours.onInvite('bob', (each) => void each.answer(ANSWER, { credentials }).then(answered.take))
    peer.send([...outside('INVITE'), `Contact: <sip:peer@127.0.0.1:${peer.port}>`, '', OFFER], ours)
    const response = await peer.response()
    peer.send(outside('ACK', { To: response.headers.get('to') ?? '' }), ours)
    const bye = (await answered.promise)?.bye()
    const challenge = 'Proxy-Authenticate: Digest realm="ring", nonce="n1", qop="auth"'
    peer.reply(await peer.request('BYE'), '407 Proxy Authentication Required', { headers: [challenge] })
    const again = await peer.request('BYE')
    expect(again.headers.get('proxy-authorization')).toMatch(/username="bob".*nc=00000001/)
    peer.reply(again, '200 OK')
    expect(await bye).toEqual({ kind: 'Done', code: 200 })
  })

  test('INFO for a package is refused with 469, one without a body is taken', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const { invite } = await established(all)
    peer.send([...inside(invite, 'INFO', { cseq: 1 }), 'Info-Package: foo', '', 'body'], ours)
    expect((await peer.response()).code).toBe(469)
    peer.send(inside(invite, 'INFO', { cseq: 2 }), ours)
    expect((await peer.response()).code).toBe(200)
  })

  test('an INFO that is told 481 ends the call', async () => {
    await using all = await lab()
    const { call } = await established(all)
    const info = call.info('text/plain', 'hello')
    all.peer.reply(await all.peer.request('INFO'), '481 Call/Transaction Does Not Exist')
    expect(await info).toMatchObject({ kind: 'Rejected', code: 481 })
    expect(await call.ended).toEqual({ by: 'Timeout' })
  })

  test('a Reason without a text is told as it was written', async () => {
    await using all = await lab()
    const { call, invite } = await established(all)
    all.peer.send([...inside(invite, 'BYE'), 'Reason: Q.850;cause=38, SIP;cause=500'], all.ours)
    expect(await call.ended).toEqual({
      by: 'Remote',
      reason: 'Q.850;cause=38, SIP;cause=500',
      cause: { protocol: 'Q.850', code: 38 },
    })
  })

  test('the route set stays as the INVITE made it, whatever a re-INVITE records', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const { call, invite } = await established(all, { onReoffer: () => ANSWER })
    const fields = ['Record-Route: <sip:127.0.0.1:9;lr>', `Contact: <sip:moved@127.0.0.1:${peer.port}>`]
    peer.send([...inside(invite, 'UPDATE', { cseq: 1 }), ...fields], ours)
    expect((await peer.response()).code).toBe(200)
    void call.bye()
    const bye = await peer.request('BYE')
    expect([bye.headers.all('route'), bye.uri]).toEqual([[], `sip:moved@127.0.0.1:${peer.port}`])
  })
})
