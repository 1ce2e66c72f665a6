/** A callee that is elsewhere (RFC 3261 8.1.3.4, 21.3): who is called instead, how often, and what is kept. */
import { describe, expect, test } from 'vitest'
import type { InviteOptions } from '../engine.ts'
import { ANSWER, inviteOptions, titles } from './lab.ts'
import { call, lab, type Lab } from './odd-lab.ts'
import { scriptedPeer } from './scripted-peer.ts'

const MOVED = '302 Moved Temporarily'

function invite({ ours, peer }: Lab, changes: Partial<InviteOptions> = {}) {
  const options = inviteOptions(peer.port, 'UDP', { followRedirects: 5, ...changes })
  return { options, outgoing: ours.invite(options) }
}

const contacts = (...values: string[]) => ({ headers: [`Contact: ${values.join(', ')}`] })

describe('a 3xx', () => {
  test('is a rejection when it is not to be followed', async () => {
    await using all = await lab()
    const { outgoing } = invite(all, { followRedirects: 0 })
    all.peer.reply(await all.peer.request('INVITE'), MOVED)
    expect(await outgoing.outcome).toEqual({ kind: 'Rejected', code: 302, reason: 'Moved Temporarily' })
  })

  test('leads to its Contact, in the same call', async () => {
    await using all = await lab()
    await using other = await scriptedPeer()
    const { outgoing, options } = invite(all)
    const first = await all.peer.request('INVITE')
    all.peer.reply(first, MOVED, contacts(`<sip:carol@127.0.0.1:${other.port}?Subject=gift>`))
    await all.peer.request('ACK')
    const second = await other.request('INVITE')
    expect(second.uri).toBe(`sip:carol@127.0.0.1:${other.port}`)
    for (const part of ['from', 'to', 'call-id']) expect(second.headers.get(part)).toBe(first.headers.get(part))
    expect(second.headers.cseq?.number).toBe(2)
    other.reply(second, '200 OK', { body: ANSWER })
    const answered = call(await outgoing.outcome)
    expect(answered.remote.port).toBe(other.port)
    const why = { kind: 'Rejected', code: 302, reason: 'Moved Temporarily' }
    expect(outgoing.attempts).toEqual([{ remote: { host: '127.0.0.1', port: all.peer.port, transport: 'UDP' }, why }])
    const [sent] = [titles(options.trace).filter((each) => each.startsWith('>'))]
    expect(sent).toEqual(['> INVITE', '> ACK', '> INVITE', '> ACK'])
    void answered.bye()
    other.reply(await other.request('BYE'), '200 OK')
  })

  test('with several is followed by their q, until one answers', async () => {
    await using all = await lab()
    const { peer } = all
    const { outgoing } = invite(all)
    const to = (user: string, q?: string) => `<sip:${user}@127.0.0.1:${peer.port}>${q === undefined ? '' : `;q=${q}`}`
    peer.reply(await peer.request('INVITE'), '300 Multiple Choices', contacts(to('c', '0.1'), to('b', '0.7'), to('a')))
    const asked: string[] = []
    for (const status of ['404 Not Found', '480 Temporarily Unavailable', '486 Busy Here']) {
      const request = await peer.request('INVITE')
      asked.push(request.uri)
      peer.reply(request, status)
    }
    expect(asked.map((each) => each.slice(4, 5))).toEqual(['a', 'b', 'c'])
    expect(await outgoing.outcome).toEqual({ kind: 'Rejected', code: 486, reason: 'Busy Here' })
    const codes = outgoing.attempts.map(({ why }) => (why.kind === 'Rejected' ? why.code : why.kind))
    expect(codes).toEqual([300, 404, 480])
  })

  test('is not followed after a 6xx: nobody else will do', async () => {
    await using all = await lab()
    const { peer } = all
    const { outgoing } = invite(all)
    const to = (user: string) => `<sip:${user}@127.0.0.1:${peer.port}>`
    peer.reply(await peer.request('INVITE'), '300 Multiple Choices', contacts(to('a'), to('b')))
    peer.reply(await peer.request('INVITE'), '600 Busy Everywhere')
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 600 })
  })

  test('in a circle is followed once', async () => {
    await using all = await lab()
    const { peer } = all
    const { outgoing } = invite(all)
    const first = await peer.request('INVITE')
    peer.reply(first, MOVED, contacts(`<sip:carol@127.0.0.1:${peer.port}>`))
    const second = await peer.request('INVITE')
    peer.reply(second, MOVED, contacts(`<${first.uri}>`, `<${second.uri};user=phone>`))
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 302 })
    expect(outgoing.attempts).toHaveLength(1)
  })

  test.each([1, 3])('is followed %i times at most', async (followRedirects) => {
    await using all = await lab()
    const { peer } = all
    const { outgoing } = invite(all, { followRedirects })
    for (let round = 0; round <= followRedirects; round++) {
      peer.reply(await peer.request('INVITE'), MOVED, contacts(`<sip:u${round}@127.0.0.1:${peer.port}>`))
    }
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 302 })
    expect(outgoing.attempts).toHaveLength(followRedirects)
  })

  test('305 asks the same user by the proxy that it names', async () => {
    await using all = await lab()
    await using proxy = await scriptedPeer()
    const { outgoing } = invite(all)
    const first = await all.peer.request('INVITE')
    all.peer.reply(first, '305 Use Proxy', contacts(`<sip:127.0.0.1:${proxy.port}>`))
    const second = await proxy.request('INVITE')
    expect(second.uri).toBe(first.uri)
    expect(second.headers.get('route')).toBe(`<sip:127.0.0.1:${proxy.port};lr>`)
    proxy.reply(second, '486 Busy Here')
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 486 })
  })

  test('without a Contact that can be called is a rejection', async () => {
    await using all = await lab()
    const { outgoing } = invite(all)
    all.peer.reply(await all.peer.request('INVITE'), MOVED, contacts('<tel:+15551234>', '<mailto:bob@ring.test>', '?'))
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 302 })
  })

  test('keeps the credentials of a realm, and answers a new challenge', async () => {
    await using all = await lab()
    await using other = await scriptedPeer()
    const { party } = inviteOptions(all.peer.port, 'UDP')
    const { outgoing } = invite(all, { party: { ...party, credentials: { username: 'alice', password: 'secret' } } })
    const challenge = (nonce: string) => ({ headers: [`WWW-Authenticate: Digest realm="ring", nonce="${nonce}"`] })
    all.peer.reply(await all.peer.request('INVITE'), '401 Unauthorized', challenge('one'))
    all.peer.reply(await all.peer.request('INVITE'), MOVED, contacts(`<sip:carol@127.0.0.1:${other.port}>`))
    const second = await other.request('INVITE')
    expect(second.headers.get('authorization')).toMatch(/nonce="one"/)
    other.reply(second, '401 Unauthorized', challenge('two'))
    const third = await other.request('INVITE')
    expect(third.headers.get('authorization')).toMatch(/nonce="two"/)
    other.reply(third, '404 Not Found')
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 404 })
    expect(outgoing.counters.authenticationRounds).toBe(2)
  })
})
