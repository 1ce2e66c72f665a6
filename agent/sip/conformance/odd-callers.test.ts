import { describe, expect, test } from 'vitest'
import type { Call } from '../engine.ts'
import { ANSWER, first, OFFER, TRANSPORTS } from './lab.ts'
import { established, inside, lab, outside } from './odd-lab.ts'

function branch(name: string): string {
  return `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${name}`
}

describe.each(TRANSPORTS)('inside a call over %s', (transport) => {
  test('a re-INVITE is answered by the run, and sent again until its ACK', async () => {
    await using all = await lab({ transport })
    const { peer } = all
    const offers: Array<string | undefined> = []
    const onReoffer = (sdp: string | undefined) => {
      offers.push(sdp)
      return offers.length === 1 ? 'v=0\r\ns=second\r\n' : undefined
    }
    const { invite } = await established(all, { onReoffer })
    const reinvite = [...inside(invite, 'INVITE'), `Contact: <${all.uri('moved')}>`, '', 'v=0\r\ns=hold\r\n']
    all.send(reinvite)
    const answer = await peer.response()
    expect([answer.code, answer.body]).toEqual([200, 'v=0\r\ns=second\r\n'])
    // No ACK yet: it comes again.
    expect((await peer.response()).code).toBe(200)
    all.send(inside(invite, 'ACK', { branch: 'z9hG4bKack' }))
    all.send(inside(invite, 'INVITE', { cseq: 2 }))
    let refused = await peer.response()
    while (refused.headers.cseq?.number === 1) refused = await peer.response()
    expect(refused.code).toBe(488)
    expect(offers).toEqual(['v=0\r\ns=hold\r\n', undefined])
  })

  test('a BYE that overtakes the ACK ends a call that was there', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const answered = first<Call | undefined>()
    using _bob = ours.onInvite('bob', (asked) => void asked.answer(ANSWER).then(answered.take))
    all.send([...outside('INVITE'), '', OFFER])
    let response = await peer.response()
    while (response.code !== 200) response = await peer.response()
    const tag = { To: `<sip:bob@127.0.0.1>;tag=${response.headers.toTag}` }
    all.send(outside('BYE', { ...tag, Via: branch('bye'), CSeq: '2 BYE' }))
    while (response.headers.cseq?.method !== 'BYE') response = await peer.response()
    all.send(outside('ACK', { ...tag, Via: branch('ack'), CSeq: '1 ACK' }))
    expect(response.code).toBe(200)
    const call = await answered.promise
    expect(await call?.ended).toEqual({ by: 'Remote' })
    expect([call?.sdp, ours.gauges.dialogs]).toEqual([OFFER, 0])
  })

  test('a late copy of the first ACK is not that of a re-INVITE', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const incoming = first<Call | undefined>()
    using _bob = ours.onInvite(
      'bob',
      (asked) => void asked.answer(ANSWER, { onReoffer: () => ANSWER }).then(incoming.take),
    )
    all.send([...outside('INVITE'), '', OFFER])
    let answer = await peer.response()
    while (answer.code !== 200) answer = await peer.response()
    const tag = { To: `<sip:bob@127.0.0.1>;tag=${answer.headers.toTag}` }
    const ack = (cseq: number) => all.send(outside('ACK', { ...tag, Via: branch(`ack-${cseq}`), CSeq: `${cseq} ACK` }))
    ack(1)
    await incoming.promise
    all.send([...outside('INVITE', { ...tag, Via: branch('again'), CSeq: '2 INVITE' }), '', OFFER])
    while (answer.headers.cseq?.number !== 2) answer = await peer.response()
    ack(1)
    const again = await peer.response()
    expect([again.code, again.headers.cseq?.number]).toEqual([200, 2])
    ack(2)
  })

  test('the target that a re-INVITE names is the next one', async () => {
    await using all = await lab({ transport })
    const { peer } = all
    const { invite, call: answered } = await established(all, { onReoffer: () => ANSWER })
    all.send([...inside(invite, 'INVITE'), `Contact: <${all.uri('moved')}>`])
    await peer.response()
    all.send(inside(invite, 'ACK', { branch: 'z9hG4bKack' }))
    void answered.bye()
    expect((await peer.request('BYE')).uri).toBe(all.uri('moved'))
  })

  test('a re-INVITE whose ACK never comes ends the call', async () => {
    await using all = await lab({ factor: 50, transport })
    const { peer } = all
    const { invite, call: answered } = await established(all, { onReoffer: () => ANSWER })
    all.send(inside(invite, 'INVITE'))
    expect(await answered.ended).toEqual({ by: 'Timeout' })
    peer.reply(await peer.request('BYE'), '200 OK')
  })

  test.each([
    ['INFO', 1, 200],
    ['MESSAGE', 1, 405],
    ['OPTIONS', 1, 200],
    ['DANCE', 1, 501],
  ])('%s is answered with its code', async (method, cseq, code) => {
    await using all = await lab({ transport })
    const { invite } = await established(all)
    all.send(inside(invite, method, { cseq }))
    expect((await all.peer.response()).code).toBe(code)
  })

  test('what is out of order is refused, what belongs to no dialog too', async () => {
    await using all = await lab({ transport })
    const { peer } = all
    const { invite, call: answered } = await established(all)
    all.send(inside(invite, 'OPTIONS', { cseq: 5 }))
    expect((await peer.response()).code).toBe(200)
    all.send(inside(invite, 'BYE', { cseq: 4 }))
    expect((await peer.response()).code).toBe(500)
    all.send(inside(invite, 'BYE', { cseq: 6, tag: 'stranger' }))
    expect((await peer.response()).code).toBe(481)
    all.send(inside(invite, 'BYE', { cseq: 7 }))
    expect((await peer.response()).code).toBe(200)
    expect(await answered.ended).toEqual({ by: 'Remote' })
    all.send(inside(invite, 'BYE', { cseq: 8 }))
    expect((await peer.response()).code).toBe(481)
  })
})

describe.each(TRANSPORTS)('as a callee over %s', (transport) => {
  test('an answer without ACK is given up and hung up', async () => {
    await using all = await lab({ factor: 50, transport })
    const { ours, peer } = all
    const answered = first<unknown>()
    using _bob = ours.onInvite('bob', (incoming) => void incoming.answer(ANSWER).then(answered.take))
    all.send([...outside('INVITE'), `Contact: <${all.uri('peer')}>`])
    expect((await peer.response()).code).toBe(200)
    expect((await peer.response()).code).toBe(200)
    const bye = await peer.request('BYE')
    expect(bye.headers.fromTag).not.toBe('')
    expect(await answered.promise).toBeUndefined()
  })

  test('a late offer is answered in the ACK', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const answered = first<Call | undefined>()
    const offer = first<string | undefined>()
    using _bob = ours.onInvite('bob', (incoming) => {
      offer.take(incoming.sdp)
      void incoming.answer(ANSWER).then(answered.take)
    })
    all.send(outside('INVITE'))
    const response = await peer.response()
    expect(await offer.promise).toBeUndefined()
    const to = response.headers.get('to') ?? ''
    all.send([...outside('ACK', { To: to }), '', 'v=0\r\ns=late\r\n'])
    expect((await answered.promise)?.sdp).toBe('v=0\r\ns=late\r\n')
  })

  test('a caller may give up an early dialog with BYE', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    const cancelled = first<void>()
    using _bob = ours.onInvite('bob', (incoming) => {
      incoming.ring()
      incoming.cancelled.addEventListener('abort', () => cancelled.take())
    })
    all.send(outside('INVITE'))
    const ringing = await peer.response()
    all.send(outside('BYE', { To: ringing.headers.get('to') ?? '', CSeq: '2 BYE' }))
    const codes = [(await peer.response()).code, (await peer.response()).code]
    expect(codes).toEqual([200, 487])
    await cancelled.promise
    expect(ours.gauges.dialogs).toBe(0)
  })

  test.each([
    ['505', outside('OPTIONS', {}, 'OPTIONS sip:bob@127.0.0.1 SIP/3.0')],
    ['501', outside('DANCE')],
    ['405', outside('MESSAGE')],
    ['481', outside('INFO')],
    ['481', outside('NOTIFY')],
    ['603', outside('REFER')],
    ['416', outside('OPTIONS', {}, 'OPTIONS mailto:bob@127.0.0.1 SIP/2.0')],
    ['420', outside('INVITE', { Require: 'precondition' })],
    ['415', [...outside('INVITE', { 'Content-Type': 'text/plain' }), '', 'hello']],
    ['404', outside('INVITE')],
    ['481', outside('CANCEL')],
    ['481', outside('BYE', { To: '<sip:bob@127.0.0.1>;tag=nobody' })],
    ['200', outside('OPTIONS')],
  ])('%s answers %j', async (code, lines) => {
    await using all = await lab({ transport })
    all.send(lines)
    const response = await all.peer.response()
    expect(String(response.code)).toBe(code)
    expect(response.headers.toTag).toBeDefined()
  })

  test('refusals say what would be taken', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    using _message = ours.onRequest('REGISTER', (request) => request.respond(200))
    all.send(outside('MESSAGE'))
    expect((await peer.response()).headers.get('allow')).toBe(
      'INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, REGISTER',
    )
    all.send(outside('INVITE', { Require: '100rel, precondition, gruu', 'Call-ID': 'next' }))
    expect((await peer.response()).headers.get('unsupported')).toBe('precondition, gruu')
  })
})

describe('as a callee over UDP', () => {
  const transport = 'UDP'

  test('a datagram that is shorter than its Content-Length is refused', async () => {
    await using all = await lab({ transport })
    all.send(outside('OPTIONS', { 'Content-Length': '100' }))
    expect((await all.peer.response()).code).toBe(400)
  })

  test('copies of a request are absorbed, one by another way is merged', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    let handled = 0
    using _register = ours.onRequest('REGISTER', (request) => {
      handled++
      request.respond(200)
    })
    const via = 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKother'
    for (const lines of [outside('REGISTER'), outside('REGISTER'), outside('REGISTER', { Via: via })]) {
      all.send(lines)
    }
    const codes = [(await peer.response()).code, (await peer.response()).code, (await peer.response()).code]
    expect([codes, handled]).toEqual([[200, 200, 482], 1])
  })

  test('garbage costs a counter and nothing else', async () => {
    await using all = await lab({ transport })
    const { ours, peer } = all
    for (const garbage of ['hello', 'INVITE', '\0\0\0\0\0\0', 'SIP/2.0 200 OK']) all.send([garbage])
    // A keep-alive is none of it.
    all.send([''])
    all.send(outside('OPTIONS'))
    expect((await peer.response()).code).toBe(200)
    expect(ours.counters.parseErrors).toBe(4)
    expect(ours.counters.messages.get('In OPTIONS request')).toBe(1)
    expect(ours.counters.messages.get('Out OPTIONS 2xx')).toBe(1)
  })
})
