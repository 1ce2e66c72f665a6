import { describe, expect, test } from 'vitest'
import type { EarlyCall, IncomingCall } from '../engine.ts'
import type { Request, Response } from '../message/message.ts'
import { connect, pair, sdp } from './call-lab.ts'
import { aborted, ANSWER, first, inviteOptions, OFFER, titles, TRANSPORTS } from './lab.ts'
import { call, lab, outside } from './odd-lab.ts'

describe.each(TRANSPORTS)('provisional responses with PRACK over %s', (transport) => {
  test('carry the answer, and the 200 that waits for their PRACK has none', async () => {
    await using all = await pair(transport)
    const heard: Array<[number, string | undefined]> = []
    const { ours, theirs, incoming } = await connect(all, {
      caller: { reliable: 'Supported', onProvisional: (each) => heard.push([each.code, each.sdp]) },
      before: (each) => each.ring(183, { sdp: ANSWER }),
      answer: 'v=0\r\ns=not to be said again\r\n',
    })
    expect([ours.sdp, theirs.sdp]).toEqual([ANSWER, OFFER])
    expect(heard).toEqual([[183, ANSWER]])
    expect(titles(incoming.trace)).toEqual([
      '< INVITE',
      '> 183 INVITE',
      '< PRACK',
      '> 200 PRACK',
      '> 200 INVITE',
      '< ACK',
    ])
    const [, early, prack, , answer] = incoming.trace.messages
    expect(early?.text).toMatch(/^Require: 100rel\r$/m)
    const rseq = /^RSeq: (\d+)\r$/m.exec(early?.text ?? '')?.[1]
    expect(prack?.text).toMatch(new RegExp(`^RAck: ${rseq} 1 INVITE\\r$`, 'm'))
    expect(answer?.text).toMatch(/^Content-Length: 0\r$/m)
    expect(await ours.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('are sent one after the other, each with the next RSeq, when the caller requires them', async () => {
    await using all = await pair(transport)
    const { incoming } = await connect(all, {
      caller: { reliable: 'Required' },
      before(each) {
        each.ring(183)
        each.ring()
        each.ring(182)
      },
    })
    // Without a description nothing holds the 200 back, and what waits behind the first has nothing new to say.
    expect(titles(incoming.trace).slice(0, 3)).toEqual(['< INVITE', '> 183 INVITE', '> 200 INVITE'])
  })

  test('follow each other in order', async () => {
    await using all = await pair(transport)
    const heard: number[] = []
    const ringing = first<IncomingCall>()
    using _bob = all.callee.onInvite('bob', (incoming) => {
      for (const code of [183, 180, 182]) incoming.ring(code)
      ringing.take(incoming)
    })
    const third = first<void>()
    const options = all.options({
      reliable: 'Required',
      onProvisional({ code }) {
        heard.push(code)
        if (heard.length === 3) third.take()
      },
    })
    const outgoing = all.caller.invite(options)
    await third.promise
    expect(heard).toEqual([183, 180, 182])
    const incoming = await ringing.promise
    const numbers = incoming.trace.messages.flatMap(({ text }) => /^RSeq: (\d+)/m.exec(text)?.[1] ?? [])
    const [base = 0] = numbers.map(Number)
    expect([...new Set(numbers.map(Number))]).toEqual([base, base + 1, base + 2])
    outgoing.cancel()
    expect(await outgoing.outcome).toEqual({ kind: 'Aborted' })
  })

  test('carry the offer that an INVITE lacked, and PRACK has the answer', async () => {
    await using all = await pair(transport)
    const { offer: _, ...options } = all.options({ reliable: 'Supported', onOffer: () => ANSWER })
    const ringing = first<IncomingCall>()
    const answered = first<string | undefined>()
    using _bob = all.callee.onInvite('bob', (incoming) => {
      incoming.ring(183, { sdp: OFFER })
      ringing.take(incoming)
      void incoming.answer(OFFER).then((each) => answered.take(each?.sdp))
    })
    const ours = call(await all.caller.invite(options).outcome)
    expect(ours.sdp).toBe(OFFER)
    expect(await answered.promise).toBe(ANSWER)
    const { trace } = await ringing.promise
    const bodies = trace.messages.map(({ text }) => /^v=0[\s\S]*/m.exec(text)?.[0] ?? '')
    expect(bodies.filter((body) => body !== '')).toEqual([OFFER, ANSWER])
  })

  test('that the callee must have and the caller does not know end in 421', async () => {
    await using all = await pair(transport)
    using _bob = all.callee.onInvite('bob', (incoming) => incoming.ring(183, { reliable: true }))
    const options = all.options()
    expect(await all.caller.invite(options).outcome).toMatchObject({ kind: 'Rejected', code: 421 })
    expect(options.trace.messages[1]?.text).toMatch(/^Require: 100rel\r$/m)
  })
})

/** What our engine is sent by a peer that wants PRACK. */
function reliable(rseq: number): { headers: string[] } {
  return { headers: ['Require: 100rel', `RSeq: ${rseq}`] }
}

describe('as a caller', () => {
  test('what comes again or out of order has no PRACK', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const heard: number[] = []
    const outgoing = ours.invite(
      inviteOptions(peer.port, 'UDP', { reliable: 'Supported', onProvisional: ({ code }) => heard.push(code) }),
    )
    const invite = await peer.request('INVITE')
    expect(invite.headers.list('supported')).toContain('100rel')
    peer.reply(invite, '183 Session Progress', reliable(7))
    const acknowledged: Request[] = [await peer.request('PRACK')]
    peer.reply(invite, '183 Session Progress', reliable(7))
    peer.reply(invite, '181 Call Is Being Forwarded', reliable(9))
    peer.reply(invite, '180 Ringing', reliable(8))
    acknowledged.push(await peer.request('PRACK'))
    for (const prack of acknowledged) peer.reply(prack, '200 OK')
    expect(acknowledged.map(({ headers }) => headers.get('rack'))).toEqual(['7 1 INVITE', '8 1 INVITE'])
    expect(acknowledged.map(({ headers }) => headers.cseq?.number)).toEqual([2, 3])
    expect(heard).toEqual([183, 180])
    peer.reply(invite, '200 OK', { body: ANSWER })
    expect(call(await outgoing.outcome).sdp).toBe(ANSWER)
  })

  test('every branch of a forked INVITE has its PRACK and its early media, and the first answer wins', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const media: string[] = []
    const outgoing = ours.invite(
      inviteOptions(peer.port, 'UDP', {
        reliable: 'Supported',
        onProvisional: ({ sdp: body = '' }) => media.push(body),
      }),
    )
    const invite = await peer.request('INVITE')
    for (const tag of ['one', 'two']) {
      peer.reply(invite, '183 Session Progress', {
        ...reliable(tag === 'one' ? 1 : 500),
        tag,
        body: `${ANSWER}i=${tag}\r\n`,
      })
      const prack = await peer.request('PRACK')
      expect([prack.headers.toTag, prack.uri]).toEqual([tag, `sip:${tag}@127.0.0.1:${peer.port}`])
      expect(prack.headers.get('rack')).toBe(tag === 'one' ? '1 1 INVITE' : '500 1 INVITE')
      peer.reply(prack, '200 OK')
    }
    expect(media.map((body) => /i=(\w+)/.exec(body)?.[1])).toEqual(['one', 'two'])
    peer.reply(invite, '200 OK', { tag: 'two' })
    const ack = await peer.request('ACK')
    expect([ack.headers.toTag, ack.headers.cseq?.number]).toEqual(['two', 1])
    const answered = call(await outgoing.outcome)
    expect(answered.sdp).toContain('i=two')
    expect(ours.gauges.dialogs).toBe(1)
    // The other branch answers as well, too late.
    peer.reply(invite, '200 OK', { tag: 'one' })
    expect((await peer.request('ACK')).headers.toTag).toBe('one')
    const bye = await peer.request('BYE')
    // Its numbers go on where its PRACK was.
    expect([bye.headers.toTag, bye.headers.cseq?.number]).toEqual(['one', 2])
    peer.reply(bye, '200 OK')
    void answered.bye()
    expect((await peer.request('BYE')).headers.cseq?.number).toBe(3)
  })

  test('a callee that does not know what is required says so', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const outgoing = ours.invite(inviteOptions(peer.port, 'UDP', { reliable: 'Required' }))
    const invite = await peer.request('INVITE')
    expect(invite.headers.list('require')).toEqual(['100rel'])
    peer.reply(invite, '420 Bad Extension', { headers: ['Unsupported: 100rel'] })
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 420 })
  })

  test('a PRACK that is challenged is sent again with credentials', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const options = inviteOptions(peer.port, 'UDP', { reliable: 'Supported' })
    const credentials = { username: 'alice', password: 'secret' }
    ours.invite({ ...options, party: { ...options.party, credentials } })
    peer.reply(await peer.request('INVITE'), '180 Ringing', reliable(1))
    const challenge = 'Proxy-Authenticate: Digest realm="ring", nonce="n1", qop="auth"'
    peer.reply(await peer.request('PRACK'), '407 Proxy Authentication Required', { headers: [challenge] })
    const again = await peer.request('PRACK')
    expect(again.headers.cseq?.number).toBe(3)
    expect(again.headers.get('proxy-authorization')).toMatch(/nc=00000001/)
  })

  test('UPDATE goes both ways in an early dialog', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const early = first<EarlyCall | undefined>()
    const offers: Array<string | undefined> = []
    ours.invite(
      inviteOptions(peer.port, 'UDP', {
        ...{ offer: sdp(1, 1), reliable: 'Supported' },
        onProvisional: (each) => early.take(each.early),
        onReoffer: (offer) => {
          offers.push(offer)
          return sdp(1, 1, 'recvonly')
        },
      }),
    )
    const invite = await peer.request('INVITE')
    peer.reply(invite, '183 Session Progress', { ...reliable(1), body: sdp(2, 1) })
    peer.reply(await peer.request('PRACK'), '200 OK')
    const update = (await early.promise)?.update(sdp(1, 1, 'sendonly'))
    const sent = await peer.request('UPDATE')
    expect([sent.headers.toTag, sent.headers.cseq?.number]).toEqual(['peer', 3])
    expect(sent.body).toBe(sdp(1, 2, 'sendonly'))
    peer.reply(sent, '200 OK', { body: sdp(2, 2, 'recvonly') })
    expect(await update).toEqual({ kind: 'Answered', code: 200, sdp: sdp(2, 2, 'recvonly') })
    const to = `${invite.headers.get('to')};tag=peer`
    const lines = outside('UPDATE', {
      From: to,
      To: invite.headers.get('from') ?? '',
      'Call-ID': invite.headers.callId,
    })
    peer.send([...lines, '', sdp(2, 3, 'sendonly')], ours)
    const response = await peer.response()
    // The version of our description rises with each that differs.
    expect([response.code, response.body]).toEqual([200, sdp(1, 3, 'recvonly')])
    expect(offers).toEqual([sdp(2, 3, 'sendonly')])
  })
})

describe('as a callee', () => {
  const invite = (...more: string[]): string[] => [...outside('INVITE'), 'Supported: 100rel', ...more]

  function inside(response: Response, method: string, cseq: number, fields: Record<string, string> = {}): string[] {
    return outside(method, { To: response.headers.get('to') ?? '', CSeq: `${cseq} ${method}`, ...fields })
  }

  test('a 183 without PRACK is sent again and again, then the INVITE is refused with 504', async () => {
    await using all = await lab({ factor: 50 })
    const { ours, peer } = all
    const incoming = first<IncomingCall>()
    using _bob = ours.onInvite('bob', (each) => {
      each.ring(183, { sdp: ANSWER })
      incoming.take(each)
    })
    peer.send([...invite(), '', OFFER], ours)
    const codes: number[] = []
    for (let code = 0; code !== 504;) {
      ;({ code } = await peer.response())
      codes.push(code)
    }
    // After 0.5, 1.5, 3.5, 7.5, 15.5 and, when the machine is not busy, 31.5 s.
    expect(codes.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => 183))
    const { cancelled, trace } = await incoming.promise
    expect(cancelled.aborted).toBe(true)
    expect(trace.messages.filter(({ retransmission }) => retransmission)).toHaveLength(codes.length - 2)
  })

  test('a PRACK that names nothing of ours is refused with 481, one with an offer is answered', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const stopped = first<IncomingCall>()
    using _bob = ours.onInvite('bob', (each) => {
      each.ring(183, { sdp: sdp(1, 1), onReoffer: () => sdp(1, 2, 'recvonly') })
      stopped.take(each)
    })
    peer.send([...invite(), '', sdp(2, 1)], ours)
    const early = await peer.response()
    const rseq = Number(early.headers.get('rseq'))
    peer.send(inside(early, 'PRACK', 2, { RAck: `${rseq + 1} 1 INVITE` }), ours)
    const answers = new Map<number, Response>()
    const take = async (cseq: number): Promise<Response> => {
      while (!answers.has(cseq)) {
        const response = await peer.response()
        answers.set(response.headers.cseq?.number ?? 0, response)
      }
      return answers.get(cseq) ?? early
    }
    expect((await take(2)).code).toBe(481)
    const via = 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKsecond'
    const prack = inside(early, 'PRACK', 3, { RAck: `${rseq} 1 INVITE`, Via: via })
    peer.send([...prack, '', sdp(2, 2, 'sendonly')], ours)
    const answer = await take(3)
    expect([answer.code, answer.body]).toEqual([200, sdp(1, 2, 'recvonly')])
    const incoming = await stopped.promise
    incoming.reject(480)
  })

  test('one that sends UPDATE early has its answer', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const ringing = first<IncomingCall>()
    using _bob = ours.onInvite('bob', (each) => {
      each.ring(183, { sdp: sdp(1, 1) })
      ringing.take(each)
    })
    peer.send([...invite(`Contact: <sip:peer@127.0.0.1:${peer.port}>`), '', sdp(2, 1)], ours)
    const early = await peer.response()
    const incoming = await ringing.promise
    peer.send(inside(early, 'PRACK', 2, { RAck: `${early.headers.get('rseq')} 1 INVITE` }), ours)
    const update = incoming.update(sdp(1, 1, 'sendonly'))
    const sent = await peer.request('UPDATE')
    expect([sent.headers.fromTag, sent.body]).toEqual([early.headers.toTag, sdp(1, 2, 'sendonly')])
    peer.reply(sent, '200 OK', { body: sdp(2, 2, 'recvonly') })
    expect(await update).toMatchObject({ kind: 'Answered', sdp: sdp(2, 2, 'recvonly') })
    incoming.reject(480)
    await aborted(AbortSignal.abort())
  })

  test('an UPDATE with an offer before the answer to the first is told when to come again', async () => {
    await using all = await lab()
    const { ours, peer } = all
    using _bob = ours.onInvite('bob', (each) => each.ring())
    peer.send([...invite(), '', sdp(2, 1)], ours)
    const early = await peer.response()
    peer.send([...inside(early, 'UPDATE', 2), '', sdp(2, 2)], ours)
    const refused = await peer.response()
    expect(refused.code).toBe(500)
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(10)
  })

  test('without a reliable response there is nothing to update', async () => {
    await using all = await lab()
    const ringing = first<IncomingCall>()
    using _bob = all.ours.onInvite('bob', (each) => ringing.take(each))
    all.peer.send(outside('INVITE'), all.ours)
    expect(await (await ringing.promise).update(OFFER)).toMatchObject({ kind: 'Rejected', code: 481 })
  })
})
