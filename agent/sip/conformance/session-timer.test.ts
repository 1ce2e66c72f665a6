import { describe, expect, test } from 'vitest'
import type { Trace } from '../trace/trace.ts'
import { connect, pair, sdp } from './call-lab.ts'
import { ANSWER, first, inviteOptions, OFFER, titles, TRANSPORTS } from './lab.ts'
import { call, established, inside, lab, outside } from './odd-lab.ts'

/** Resolves when there was an UPDATE. */
async function refreshed(trace: Trace) {
  while (!sentOnce(trace).some(({ text }) => text.startsWith('UPDATE')))
    await new Promise((resolve) => setTimeout(resolve, 5))
}

/** The messages of a call, those left out that a busy machine made come again. */
function sentOnce(trace: Trace) {
  return trace.messages.filter(({ retransmission }) => !retransmission)
}

describe.concurrent.each(TRANSPORTS)('a session timer over %s', (transport) => {
  test.each([
    ['the caller', 'Local', { expires: 90 }],
    ['the callee', 'Remote', { expires: 90 }],
  ] as const)('is asked for by the caller and refreshed by %s, by UPDATE', async (_, refresher, timer) => {
    await using all = await pair(transport, 20)
    const { ours, theirs, trace } = await connect(all, { caller: { sessionTimer: { ...timer, refresher } } })
    const [invite, answer] = sentOnce(trace)
    const role = refresher === 'Local' ? 'uac' : 'uas'
    expect(invite?.text).toMatch(new RegExp(`^Session-Expires: 90;refresher=${role}\\r$`, 'm'))
    expect(answer?.text).toMatch(new RegExp(`^Session-Expires: 90;refresher=${role}\\r$`, 'm'))
    expect(/^Require: timer\r$/m.test(answer?.text ?? '')).toBe(role === 'uac')
    await refreshed(trace)
    const [update] = trace.messages.filter(({ text }) => text.startsWith('UPDATE'))
    expect(update?.direction).toBe(refresher === 'Local' ? 'Out' : 'In')
    // Who sends it is the UAC of it, and goes on to refresh.
    expect(update?.text).toMatch(/^Session-Expires: 90;refresher=uac\r$/m)
    expect(await ours.bye()).toEqual({ kind: 'Done', code: 200 })
    expect(await theirs.ended).toEqual({ by: 'Remote' })
  })

  test.each([
    ['itself', 'Local', 'uas', 'In'],
    ['the caller', 'Remote', 'uac', 'Out'],
  ] as const)('is asked for by the callee and refreshed by %s', async (_, refresher, role, direction) => {
    await using all = await pair(transport, 20)
    const { trace, theirs } = await connect(all, { callee: { sessionTimer: { expires: 120, refresher } } })
    const [invite, answer] = sentOnce(trace)
    expect(invite?.text).not.toContain('Session-Expires')
    expect(answer?.text).toMatch(new RegExp(`^Session-Expires: 120;refresher=${role}\\r$`, 'm'))
    await refreshed(trace)
    expect(trace.messages.find(({ text }) => text.startsWith('UPDATE'))?.direction).toBe(direction)
    expect(await theirs.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('that is too short is asked for again, as long as it has to be', async () => {
    await using all = await pair(transport)
    const { trace } = await connect(all, { caller: { sessionTimer: { expires: 30 } } })
    expect(titles(trace).slice(0, 5)).toEqual(['> INVITE', '< 422 INVITE', '> ACK', '> INVITE', '< 200 INVITE'])
    const [, refusal, , longer] = sentOnce(trace)
    expect(refusal?.text).toMatch(/^Min-SE: 90\r$/m)
    expect(longer?.text).toMatch(/^Session-Expires: 90\r\nMin-SE: 90\r$/m)
  })

  test('is not there when nobody asks for it', async () => {
    await using all = await pair(transport)
    const { trace } = await connect(all)
    expect(trace.messages.map(({ text }) => text).join('')).not.toContain('Session-Expires')
    expect(trace.messages[0]?.text).toMatch(/^Supported: .*\btimer\b/m)
  })
})

describe.concurrent('when the peer is odd', () => {
  const timer = (value: string) => ({ headers: [`Session-Expires: ${value}`], body: ANSWER })

  test('a session that the peer does not refresh is hung up a third before it would expire', async () => {
    await using all = await lab({ factor: 20 })
    const { ours, peer } = all
    const options = inviteOptions(peer.port, 'UDP', { sessionTimer: { expires: 90 } })
    const outgoing = ours.invite(options)
    peer.reply(await peer.request('INVITE'), '200 OK', timer('90;refresher=uas'))
    const ours1 = call(await outgoing.outcome)
    expect(await ours1.ended).toEqual({ by: 'Timeout' })
    peer.reply(await peer.request('BYE'), '200 OK')
    const { answered = 0, byeSent = 0 } = ours1.timings
    expect(byeSent - answered).toBeGreaterThanOrEqual(60_000)
  })

  test('a peer without UPDATE is refreshed by re-INVITEs that change nothing', async () => {
    await using all = await lab({ factor: 20 })
    const { ours, peer } = all
    const offer = sdp(1, 1)
    const outgoing = ours.invite(inviteOptions(peer.port, 'UDP', { offer, sessionTimer: { expires: 90 } }))
    const seen = new Set<string>()
    /** A busy machine lets an INVITE be sent again before it is answered. */
    const newInvite = async () => {
      let invite = await peer.request('INVITE')
      while (seen.has(invite.headers.branch)) invite = await peer.request('INVITE')
      seen.add(invite.headers.branch)
      return invite
    }
    peer.reply(await newInvite(), '200 OK', timer('90;refresher=uac'))
    const answered = call(await outgoing.outcome)
    for (let round = 0; round < 2; round++) {
      const refresh = await newInvite()
      expect([refresh.body, refresh.headers.get('session-expires')]).toEqual([offer, '90;refresher=uac'])
      peer.reply(refresh, '200 OK', timer('90;refresher=uac'))
    }
    // One without Session-Expires ends the timer.
    peer.reply(await newInvite(), '200 OK', { body: ANSWER })
    void answered.bye()
    peer.reply(await peer.request('BYE'), '200 OK')
  })

  test('an UPDATE that the peer refuses after all is followed by a re-INVITE, a 422 by a longer timer', async () => {
    await using all = await lab({ factor: 20 })
    const { ours, peer } = all
    const outgoing = ours.invite(inviteOptions(peer.port, 'UDP', { sessionTimer: { expires: 90 } }))
    const { headers, body } = timer('90;refresher=uac')
    peer.reply(await peer.request('INVITE'), '200 OK', { headers: [...headers, 'Allow: INVITE, UPDATE'], body })
    await outgoing.outcome
    peer.reply(await peer.request('UPDATE'), '405 Method Not Allowed')
    peer.reply(await peer.request('INVITE'), '422 Session Interval Too Small', { headers: ['Min-SE: 1800'] })
    const longer = await peer.request('INVITE')
    expect(longer.headers.get('session-expires')).toBe('1800;refresher=uac')
    expect(longer.headers.get('min-se')).toBe('1800')
    peer.reply(longer, '200 OK', timer('1800;refresher=uac'))
  })

  test('a refresh that fails for a while is tried again', async () => {
    await using all = await lab({ factor: 20 })
    const { ours, peer } = all
    const outgoing = ours.invite(inviteOptions(peer.port, 'UDP', { sessionTimer: { expires: 90 } }))
    peer.reply(await peer.request('INVITE'), '200 OK', timer('90;refresher=uac'))
    const answered = call(await outgoing.outcome)
    peer.reply(await peer.request('INVITE'), '503 Service Unavailable')
    peer.reply(await peer.request('INVITE'), '200 OK', timer('90;refresher=uac'))
    void answered.bye()
    peer.reply(await peer.request('BYE'), '200 OK')
    expect(await answered.ended).toEqual({ by: 'Local' })
  })

  test('a 422 that asks for more each time is not obeyed without end', async () => {
    await using all = await lab()
    const { ours, peer } = all
    const outgoing = ours.invite(inviteOptions(peer.port, 'UDP', { sessionTimer: { expires: 90 } }))
    for (let round = 1; round <= 4; round++) {
      const headers = [`Min-SE: ${round * 100}`]
      peer.reply(await peer.request('INVITE'), '422 Session Interval Too Small', { headers })
    }
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 422 })
  })

  test('a caller without session timers is refreshed by us when a proxy wants one', async () => {
    await using all = await lab({ factor: 20 })
    const { ours, peer } = all
    using _bob = ours.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
    const fields = [`Contact: <sip:peer@127.0.0.1:${peer.port}>`, 'Session-Expires: 90']
    peer.send([...outside('INVITE'), ...fields, '', OFFER], ours)
    const response = await peer.response()
    expect([response.code, response.headers.get('session-expires')]).toEqual([200, '90;refresher=uas'])
    expect(response.headers.list('require')).toEqual([])
    peer.send(outside('ACK', { To: response.headers.get('to') ?? '' }), ours)
    const refresh = await peer.request('INVITE')
    expect(refresh.headers.get('session-expires')).toBe('90;refresher=uac')
    peer.reply(refresh, '200 OK', { body: ANSWER })
  })

  test('a timer may be begun inside the call', async () => {
    await using all = await lab({ factor: 20 })
    const { ours, peer } = all
    const { invite, call: answered } = await established(all, { onReoffer: () => ANSWER })
    const fields = ['Supported: timer', 'Session-Expires: 90;refresher=uac']
    const update = [...inside(invite, 'UPDATE', { cseq: 1 }), ...fields]
    peer.send(update, ours)
    const response = await peer.response()
    expect(response.headers.get('session-expires')).toBe('90;refresher=uac')
    const ended = first<unknown>()
    void answered.ended.then(ended.take)
    expect(await ended.promise).toEqual({ by: 'Timeout' })
  })

  test('an interval inside the call that is too short is refused', async () => {
    await using all = await lab()
    const { invite } = await established(all)
    const fields = ['Supported: timer', 'Session-Expires: 20']
    all.peer.send([...inside(invite, 'UPDATE', { cseq: 1 }), ...fields], all.ours)
    const response = await all.peer.response()
    expect([response.code, response.headers.get('min-se')]).toEqual([422, '90'])
  })
})
