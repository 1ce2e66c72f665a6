import { describe, expect, test } from 'vitest'
import { connect, pair, sdp } from './call-lab.ts'
import { ANSWER, OFFER, titles, TRANSPORTS } from './lab.ts'
import { established, inside, lab } from './odd-lab.ts'

describe.each(TRANSPORTS)('a session over %s', (transport) => {
  test('has a new offer by re-INVITE, from either side', async () => {
    await using all = await pair(transport)
    const offers: Array<string | undefined> = []
    const handlers = (session: number) => ({
      onReoffer(offer: string | undefined) {
        offers.push(offer)
        return sdp(session, 1 + offers.length)
      },
    })
    const { ours, theirs, trace } = await connect(all, {
      caller: { offer: sdp(1, 1), ...handlers(1) },
      callee: handlers(2),
      answer: sdp(2, 1),
    })
    expect(await ours.reinvite(sdp(1, 2))).toEqual({ kind: 'Answered', code: 200, sdp: sdp(2, 2) })
    expect([ours.sdp, theirs.sdp]).toEqual([sdp(2, 2), sdp(1, 2)])
    expect(await theirs.reinvite(sdp(2, 3))).toMatchObject({ kind: 'Answered', sdp: sdp(1, 3) })
    expect([ours.sdp, theirs.sdp]).toEqual([sdp(2, 3), sdp(1, 3)])
    expect(offers).toEqual([sdp(1, 2), sdp(2, 3)])
    expect(await theirs.bye()).toEqual({ kind: 'Done', code: 200 })
    const reinvites = ['> INVITE', '< 200 INVITE', '> ACK', '< INVITE', '> 200 INVITE', '< ACK']
    expect(titles(trace).slice(3, 9)).toEqual(reinvites)
    expect([all.caller.gauges.dialogs, all.callee.gauges.dialogs]).toEqual([0, 0])
  })

  test('has one by UPDATE as well, which needs no ACK', async () => {
    await using all = await pair(transport)
    const { ours, theirs, trace } = await connect(all, {
      caller: { offer: sdp(1, 1), onReoffer: () => sdp(1, 3) },
      callee: { onReoffer: () => sdp(2, 2) },
      answer: sdp(2, 1),
    })
    expect(await ours.update(sdp(1, 2))).toEqual({ kind: 'Answered', code: 200, sdp: sdp(2, 2) })
    expect(await theirs.update(sdp(2, 3))).toEqual({ kind: 'Answered', code: 200, sdp: sdp(1, 3) })
    expect(await theirs.update()).toEqual({ kind: 'Answered', code: 200, sdp: sdp(1, 3) })
    expect([ours.sdp, theirs.sdp]).toEqual([sdp(2, 3), sdp(1, 3)])
    const updates = ['> UPDATE', '< 200 UPDATE', '< UPDATE', '> 200 UPDATE', '< UPDATE', '> 200 UPDATE']
    expect(titles(trace).slice(3)).toEqual(updates)
  })

  test('is held and resumed by either side', async () => {
    await using all = await pair(transport)
    const heard: string[] = []
    const handlers = (session: number) => ({
      onReoffer(offer = '') {
        heard.push(/a=(\w+)/.exec(offer)?.[1] ?? '')
        return sdp(session, 1, offer.includes('sendonly') ? 'recvonly' : 'sendrecv')
      },
    })
    const { ours, theirs } = await connect(all, {
      caller: { offer: sdp(1, 1), ...handlers(1) },
      callee: handlers(2),
      answer: sdp(2, 1),
    })
    expect(await ours.hold()).toMatchObject({ kind: 'Answered', sdp: sdp(2, 2, 'recvonly') })
    expect(theirs.sdp).toBe(sdp(1, 2, 'sendonly'))
    expect(await ours.resume()).toMatchObject({ kind: 'Answered', sdp: sdp(2, 3) })
    expect(theirs.sdp).toBe(sdp(1, 3))
    expect(await theirs.hold()).toMatchObject({ kind: 'Answered', sdp: sdp(1, 4, 'recvonly') })
    expect(ours.sdp).toBe(sdp(2, 4, 'sendonly'))
    expect(heard).toEqual(['sendonly', 'sendrecv', 'sendonly'])
  })

  test('has its offer from the other side when the re-INVITE has none', async () => {
    await using all = await pair(transport)
    const { ours, theirs } = await connect(all, {
      caller: { offer: sdp(1, 1), onReoffer: () => sdp(1, 2) },
      callee: { onReoffer: (offer) => (offer === undefined ? sdp(2, 2) : undefined) },
      answer: sdp(2, 1),
    })
    expect(await ours.reinvite()).toEqual({ kind: 'Answered', code: 200, sdp: sdp(2, 2) })
    // The answer is in the ACK, which a request after it follows.
    expect(await ours.options()).toMatchObject({ kind: 'Answered' })
    expect([ours.sdp, theirs.sdp]).toEqual([sdp(2, 2), sdp(1, 2)])
  })

  test('begins with a late offer, which the ACK answers', async () => {
    await using all = await pair(transport)
    const { ours, theirs } = await connect(all, {
      caller: { offer: undefined, onOffer: (offer) => (offer === OFFER ? ANSWER : undefined) },
      answer: OFFER,
    })
    expect([ours.sdp, theirs.sdp]).toEqual([OFFER, ANSWER])
    expect(await theirs.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('does not begin when a late offer is refused', async () => {
    await using all = await pair(transport)
    using _bob = all.callee.onInvite('bob', (incoming) => void incoming.answer(OFFER))
    const options = all.options({ offer: undefined, onOffer: () => undefined })
    expect(await all.caller.invite(options).outcome).toEqual({ kind: 'Aborted' })
    expect(titles(options.trace)).toEqual(['> INVITE', '< 200 INVITE', '> ACK', '> BYE', '< 200 BYE'])
  })

  test('stays as it was when an offer is refused', async () => {
    await using all = await pair(transport)
    const { ours, theirs } = await connect(all, { callee: { onReoffer: () => undefined } })
    expect(await ours.reinvite(sdp(1, 2))).toMatchObject({ kind: 'Rejected', code: 488 })
    expect(await ours.update(sdp(1, 2))).toMatchObject({ kind: 'Rejected', code: 488 })
    expect(await theirs.reinvite(sdp(2, 2))).toMatchObject({ kind: 'Rejected', code: 488 })
    expect([ours.sdp, theirs.sdp]).toEqual([ANSWER, OFFER])
    expect(await ours.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('may be offered anew by both at once', async () => {
    await using all = await pair(transport, 20)
    const { ours, theirs } = await connect(all, {
      caller: { offer: sdp(1, 1), onReoffer: () => sdp(1, 9) },
      callee: { onReoffer: () => sdp(2, 9) },
      answer: sdp(2, 1),
    })
    const [one, other] = await Promise.all([ours.reinvite(sdp(1, 2)), theirs.reinvite(sdp(2, 2))])
    expect([one.kind, other.kind]).toEqual(['Answered', 'Answered'])
    expect(await ours.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('sends what it is asked for one after the other', async () => {
    await using all = await pair(transport)
    const { ours, trace } = await connect(all, { callee: { onReoffer: () => ANSWER } })
    await Promise.all([ours.reinvite(OFFER), ours.update(), ours.reinvite(OFFER)])
    const sent = titles(trace).filter((title) => title.startsWith('>'))
    expect(sent.slice(2)).toEqual(['> INVITE', '> ACK', '> UPDATE', '> INVITE', '> ACK'])
  })

  test('of a call that is over is not talked about any more', async () => {
    await using all = await pair(transport)
    const { ours } = await connect(all)
    await ours.bye()
    expect(await ours.reinvite(OFFER)).toMatchObject({ kind: 'Rejected', code: 481 })
    expect(await ours.hold()).toMatchObject({ kind: 'Rejected', code: 481 })
  })
})

describe('when the peer is odd', () => {
  test('a re-INVITE that is told 491 twice is sent a third time, after 2.1 to 4 s each', async () => {
    await using all = await lab({ factor: 20 })
    const { peer } = all
    const { call, options } = await established(all)
    const outcome = call.reinvite(sdp(1, 2))
    for (let round = 0; round < 2; round++) {
      peer.reply(await peer.request('INVITE'), '491 Request Pending')
      await peer.request('ACK')
    }
    peer.reply(await peer.request('INVITE'), '200 OK', { body: sdp(2, 2) })
    expect((await peer.request('ACK')).headers.cseq?.number).toBe(4)
    expect(await outcome).toMatchObject({ kind: 'Answered', sdp: sdp(2, 2) })
    const sent = options.trace.messages.filter(
      ({ text, direction, retransmission }) => direction === 'Out' && !retransmission && text.startsWith('INVITE'),
    )
    const times = sent.slice(1).map(({ monotonic }) => monotonic)
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    expect(waits.every((wait) => wait >= 2_100)).toBe(true)
  })

  test('one that is always told 491 is given up', async () => {
    await using all = await lab({ factor: 50 })
    const { peer } = all
    const { call } = await established(all)
    const outcome = call.reinvite(sdp(1, 2))
    for (let round = 0; round < 5; round++) {
      peer.reply(await peer.request('INVITE'), '491 Request Pending')
      await peer.request('ACK')
    }
    expect(await outcome).toMatchObject({ kind: 'Rejected', code: 491 })
  })

  test.each(['481 Call/Transaction Does Not Exist', '408 Request Timeout'])('%s ends the call', async (status) => {
    await using all = await lab()
    const { peer } = all
    const { call } = await established(all)
    const outcome = call.update(sdp(1, 2))
    peer.reply(await peer.request('UPDATE'), status)
    expect(await outcome).toMatchObject({ kind: 'Rejected', code: Number(status.slice(0, 3)) })
    expect(await call.ended).toEqual({ by: 'Timeout' })
    peer.reply(await peer.request('BYE'), '481 Call/Transaction Does Not Exist')
  })

  test('silence to a re-INVITE ends the call, and so does one that only rings', async () => {
    await using all = await lab({ factor: 50 })
    const { peer } = all
    const silent = await established(all)
    expect(await silent.call.reinvite(OFFER)).toEqual({ kind: 'NoResponse' })
    expect(await silent.call.ended).toEqual({ by: 'Timeout' })
    peer.reply(await peer.request('BYE'), '200 OK')
    const ringing = await established(all)
    const outcome = ringing.call.reinvite(OFFER)
    peer.reply(await peer.request('INVITE'), '180 Ringing')
    expect(await outcome).toEqual({ kind: 'NoFinalResponse', code: 180 })
    expect((await peer.request('CANCEL')).headers.cseq?.number).toBe(2)
    expect(await ringing.call.ended).toEqual({ by: 'Timeout' })
  })

  test('a re-INVITE that is challenged is sent again with credentials, its ACK too', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const { options } = await established(all)
    const party = { ...options.party, credentials: { username: 'alice', password: 'secret' } }
    const { call } = await established(all, { party })
    const outcome = call.reinvite(OFFER)
    const challenge = 'WWW-Authenticate: Digest realm="ring", nonce="n1", qop="auth"'
    peer.reply(await peer.request('INVITE'), '401 Unauthorized', { headers: [challenge] })
    const again = await peer.request('INVITE')
    peer.reply(again, '200 OK', { body: ANSWER })
    let ack = await peer.request('ACK')
    while (ack.headers.get('authorization') === undefined) ack = await peer.request('ACK')
    expect(ack.headers.get('authorization')).toBe(again.headers.get('authorization'))
    expect(await outcome).toMatchObject({ kind: 'Answered' })
    expect(ours.gauges.dialogs).toBe(2)
  })

  test('a 2xx to a re-INVITE that comes again is acknowledged again, and its Contact is the new target', async () => {
    await using all = await lab()
    const { peer } = all
    const { call } = await established(all)
    const outcome = call.reinvite(OFFER)
    const invite = await peer.request('INVITE')
    peer.reply(invite, '200 OK', { tag: 'moved', body: ANSWER })
    const ack = await peer.request('ACK')
    peer.reply(invite, '200 OK', { tag: 'moved', body: ANSWER })
    const again = await peer.request('ACK')
    expect([again.headers.branch, again.uri]).toEqual([ack.headers.branch, `sip:moved@127.0.0.1:${peer.port}`])
    expect(await outcome).toMatchObject({ kind: 'Answered' })
    void call.bye()
    expect((await peer.request('BYE')).uri).toBe(`sip:moved@127.0.0.1:${peer.port}`)
  })

  test('its re-INVITE and its UPDATE with an offer are told 491 while ours waits', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const { call, invite } = await established(all, { onReoffer: () => ANSWER })
    const outcome = call.reinvite(sdp(1, 2))
    const waiting = await peer.request('INVITE')
    peer.send([...inside(invite, 'INVITE', { cseq: 1 }), '', OFFER], ours)
    expect((await peer.response()).code).toBe(491)
    peer.send(inside(invite, 'ACK', { cseq: 1, branch: 'z9hG4bKINVITE1' }), ours)
    peer.send([...inside(invite, 'UPDATE', { cseq: 2 }), '', OFFER], ours)
    expect((await peer.response()).code).toBe(491)
    // Without an offer there is nothing to collide.
    peer.send(inside(invite, 'UPDATE', { cseq: 3 }), ours)
    expect((await peer.response()).code).toBe(200)
    peer.reply(waiting, '200 OK', { body: ANSWER })
    expect(await outcome).toMatchObject({ kind: 'Answered' })
  })

  test('a re-INVITE before the ACK of the last one is told when to come again', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const { invite } = await established(all, { onReoffer: () => ANSWER })
    peer.send([...inside(invite, 'INVITE', { cseq: 1 }), '', OFFER], ours)
    expect((await peer.response()).code).toBe(200)
    peer.send([...inside(invite, 'INVITE', { cseq: 2 }), '', OFFER], ours)
    let refused = await peer.response()
    while (refused.code === 200) refused = await peer.response()
    expect(refused.code).toBe(500)
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(10)
  })

  test('500 with Retry-After is waited for', async () => {
    await using all = await lab({ factor: 20 })
    const { peer } = all
    const { call } = await established(all)
    const outcome = call.update(OFFER)
    peer.reply(await peer.request('UPDATE'), '500 Busy with another one', { headers: ['Retry-After: 2'] })
    peer.reply(await peer.request('UPDATE'), '200 OK', { body: ANSWER })
    expect(await outcome).toMatchObject({ kind: 'Answered' })
  })

  test('an unchanged description is agreed to without asking anybody, a changed one is not', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const { invite } = await established(all, { offer: sdp(1, 1) })
    peer.send([...inside(invite, 'UPDATE', { cseq: 1 }), '', ANSWER], ours)
    const same = await peer.response()
    expect([same.code, same.body]).toEqual([200, sdp(1, 1)])
    peer.send([...inside(invite, 'UPDATE', { cseq: 2 }), '', sdp(2, 7)], ours)
    expect((await peer.response()).code).toBe(488)
  })

  test('a handler that throws refuses', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const onReoffer = () => {
      throw new Error('broken')
    }
    const { invite } = await established(all, { onReoffer })
    peer.send([...inside(invite, 'UPDATE', { cseq: 1 }), '', sdp(2, 7)], ours)
    expect((await peer.response()).code).toBe(488)
  })
})
