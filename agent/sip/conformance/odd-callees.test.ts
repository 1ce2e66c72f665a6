import { describe, expect, test } from 'vitest'
import type { Call } from '../engine.ts'
import { ANSWER, first, inviteOptions, parameterOf, TRANSPORTS } from './lab.ts'
import { call, established, lab } from './odd-lab.ts'

describe.each(TRANSPORTS)('as a caller over %s', (transport) => {
  test('a forked INVITE gives one call, the other branches are acknowledged and hung up', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const outgoing = ours.invite(all.options())
    const invite = await peer.request('INVITE')
    for (const tag of ['one', 'two']) peer.reply(invite, '200 OK', { tag, body: `${ANSWER}i=${tag}\r\n` })
    const { promise, take } = first<Call>()
    void outgoing.outcome.then((outcome) => take(call(outcome)))
    expect((await promise).sdp).toContain('i=one')
    const acks = [await peer.request('ACK'), await peer.request('ACK')]
    expect(acks.map(({ headers }) => headers.toTag)).toEqual(['one', 'two'])
    const bye = await peer.request('BYE')
    expect(bye.headers.toTag).toBe('two')
    expect(bye.uri).toBe(all.uri('two'))
    peer.reply(bye, '200 OK')
    const hangUp = (await promise).bye()
    peer.reply(await peer.request('BYE'), '200 OK')
    expect(await hangUp).toEqual({ kind: 'Done', code: 200 })
  })

  test('a 2xx that comes again is acknowledged again, with the same ACK', async () => {
    await using all = await lab({ transport })
    const { invite, ack, options } = await established(all)
    all.peer.reply(invite, '200 OK', { body: ANSWER })
    const again = await all.peer.request('ACK')
    expect(again.headers.via?.branch).toBe(ack.headers.via?.branch)
    const flags = options.trace.messages.map(({ retransmission }) => retransmission)
    expect(flags).toEqual([false, false, false, true, true])
  })

  test('a copy of a provisional response that was overtaken is told once, and counted', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const told: number[] = []
    const outgoing = ours.invite(all.options({ onProvisional: ({ code }) => void told.push(code) }))
    const invite = await peer.request('INVITE')
    for (const status of [
      '100 Trying',
      '180 Ringing',
      '183 Session Progress',
      '180 Ringing',
      '100 Trying',
      '181 Forwarded',
    ])
      peer.reply(invite, status)
    peer.reply(invite, '200 OK', { body: ANSWER })
    expect((await outgoing.outcome).kind).toBe('Answered')
    expect(told).toEqual([100, 180, 183, 181])
    expect(outgoing.counters.retransmissionsReceived).toBe(2)
  })

  test('a challenge is answered with the next CSeq in the same call, and BYE carries credentials at once', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const credentials = { username: 'alice', password: 'secret' }
    const options = all.options()
    const outgoing = ours.invite({ ...options, party: { ...options.party, credentials } })
    const invite = await peer.request('INVITE')
    const challenge = 'Proxy-Authenticate: Digest realm="ring", nonce="n1", qop="auth", algorithm=SHA-256'
    peer.reply(invite, '407 Proxy Authentication Required', { headers: [challenge] })
    const ack = await peer.request('ACK')
    expect(ack.headers.via?.branch).toBe(invite.headers.via?.branch)
    const second = await peer.request('INVITE')
    expect(second.headers.callId).toBe(invite.headers.callId)
    expect(second.headers.fromTag).toBe(invite.headers.fromTag)
    expect([invite.headers.cseq?.number, second.headers.cseq?.number]).toEqual([1, 2])
    expect(second.headers.get('proxy-authorization')).toMatch(/algorithm=SHA-256.*nc=00000001/)
    peer.reply(second, '200 OK', { body: ANSWER })
    const acknowledgement = await peer.request('ACK')
    expect(acknowledgement.headers.get('proxy-authorization')).toBe(second.headers.get('proxy-authorization'))
    expect(acknowledgement.headers.cseq?.number).toBe(2)
    const answered = call(await outgoing.outcome)
    expect(answered.counters.authenticationRounds).toBe(1)
    void answered.bye()
    expect((await peer.request('BYE')).headers.get('proxy-authorization')).toMatch(/nc=00000002/)
  })

  test('a Contact that would begin a header field of ours is not followed', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const outgoing = ours.invite(all.options({ followRedirects: 1 }))
    const contact = `Contact: <${all.uri('carol')};a\rX-Evil: 1>`
    peer.reply(await peer.request('INVITE'), '302 Moved Temporarily', { headers: [contact] })
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 302 })
  })

  test('credentials that are refused end it', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const options = all.options()
    const credentials = { username: 'alice', password: 'wrong' }
    const outgoing = ours.invite({ ...options, party: { ...options.party, credentials } })
    for (const nonce of ['n1', 'n2']) {
      const headers = [`WWW-Authenticate: Digest realm="ring", nonce="${nonce}", qop="auth"`]
      peer.reply(await peer.request('INVITE'), '401 Unauthorized', { headers })
    }
    expect(await outgoing.outcome).toEqual({ kind: 'AuthenticationFailed', code: 401, reason: 'Unauthorized' })
  })

  test('requests inside the dialog follow the recorded route and the Contact', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const outgoing = ours.invite(inviteOptions(1, transport, { party: all.options().party }))
    const invite = await peer.request('INVITE')
    const routes = ['<sip:10.255.0.1;lr>', `<sip:127.0.0.1:${peer.port}${parameterOf(transport)};lr>`]
    peer.reply(invite, '200 OK', { headers: [`Record-Route: ${routes.join(', ')}`], body: ANSWER })
    const ack = await peer.request('ACK')
    expect(ack.headers.all('route')).toEqual(routes.toReversed())
    expect(ack.uri).toBe(all.uri('peer'))
    void call(await outgoing.outcome).bye()
    expect((await peer.request('BYE')).headers.all('route')).toEqual(routes.toReversed())
  })

  test('a first route of the old, strict kind becomes the Request-URI, and the target the last Route (12.2.1.1)', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const outgoing = ours.invite(all.options())
    const invite = await peer.request('INVITE')
    const routes = ['<sip:10.255.0.1;lr>', `<${all.uri('strict')}>`]
    peer.reply(invite, '200 OK', { headers: routes.map((route) => `Record-Route: ${route}`), body: ANSWER })
    await peer.request('ACK')
    void call(await outgoing.outcome).bye()
    const bye = await peer.request('BYE')
    expect(bye.uri).toBe(all.uri('strict'))
    expect(bye.headers.all('route')).toEqual(['<sip:10.255.0.1;lr>', `<${all.uri('peer')}>`])
  })

  test('an outbound proxy is the first Route', async () => {
    await using all = await lab({ transport })
    const { party, ...options } = all.options()
    all.ours.invite({ ...options, target: 'sip:bob@example.com', party: { ...party, outboundProxy: true } })
    const invite = await all.peer.request('INVITE')
    expect(invite.uri).toBe('sip:bob@example.com')
    expect(invite.headers.all('route')).toEqual([`<sip:127.0.0.1:${all.peer.port}${parameterOf(transport)};lr>`])
  })

  test('a deadline before any response sends no CANCEL until one comes', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const outgoing = ours.invite(all.options({ timeout: 500 }))
    const invite = await peer.request('INVITE')
    expect(await outgoing.outcome).toEqual({ kind: 'NoResponse' })
    peer.reply(invite, '180 Ringing')
    const cancel = await peer.request('CANCEL')
    expect(cancel.headers.via?.branch).toBe(invite.headers.via?.branch)
    expect(cancel.headers.cseq).toEqual({ number: 1, method: 'CANCEL' })
    expect([cancel.uri, cancel.headers.toTag]).toEqual([invite.uri, undefined])
    peer.reply(cancel, '200 OK')
    peer.reply(invite, '487 Request Terminated')
    await peer.request('ACK')
  })

  test('an answer after the deadline is acknowledged and hung up', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const outgoing = ours.invite(all.options({ timeout: 500 }))
    const invite = await peer.request('INVITE')
    expect(await outgoing.outcome).toEqual({ kind: 'NoResponse' })
    peer.reply(invite, '200 OK', { body: ANSWER })
    await peer.request('ACK')
    peer.reply(await peer.request('BYE'), '200 OK')
    expect(outgoing.timings.answered).toBeUndefined()
  })

  test('a CANCEL that nothing follows is not waited for without end', async () => {
    await using all = await lab({ factor: 10, transport })
    const { ours, peer } = all
    const outgoing = ours.invite(all.options({ timeout: 5_000 }))
    peer.reply(await peer.request('INVITE'), '183 Session Progress')
    await peer.request('CANCEL')
    expect(await outgoing.outcome).toEqual({ kind: 'NoFinalResponse', code: 183 })
  })

  test('early media’s description stands in for one that the 200 lacks', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const early = first<string | undefined>()
    const outgoing = ours.invite(all.options({ onProvisional: ({ sdp }) => early.take(sdp) }))
    const invite = await peer.request('INVITE')
    peer.reply(invite, '183 Session Progress', { body: ANSWER })
    expect(await early.promise).toBe(ANSWER)
    peer.reply(invite, '200 OK')
    expect(call(await outgoing.outcome).sdp).toBe(ANSWER)
  })

  test('a BYE that is refused says so', async () => {
    await using all = await lab({ transport })
    const { call: answered } = await established(all)
    const bye = answered.bye()
    all.peer.reply(await all.peer.request('BYE'), '500 Broken')
    expect(await bye).toEqual({ kind: 'Rejected', code: 500, reason: 'Broken' })
    expect(all.ours.gauges.dialogs).toBe(0)
  })
})
