/** Several servers behind one name (RFC 3263 4.3): who is asked after one that fails, and what becomes of who was asked before. */
import { describe, expect, test } from 'vitest'
import type { InviteOptions, RequestOptions, Transport } from '../engine.ts'
import { Trace } from '../trace/trace.ts'
import { ANSWER, drained, engine, fasterClock, inviteOptions } from './lab.ts'
import { nameServer } from './name-server.ts'
import { call } from './odd-lab.ts'
import { scriptedPeer } from './scripted-peer.ts'

/** Two servers of `ring.test` over UDP, and an engine that knows them by name alone. */
async function lab(factor = 1) {
  const names = await nameServer()
  const ours = await engine({ clock: fasterClock(factor), nameServers: [names.address] })
  const [one, two] = [await scriptedPeer(), await scriptedPeer()]
  names.servers('ring.test', 'udp', [one.port, two.port])
  return {
    ...{ names, ours, one, two },
    async [Symbol.asyncDispose]() {
      for (const each of [ours, one, two, names]) await each[Symbol.asyncDispose]()
    },
  }
}

const NEXT_HOP = { host: 'ring.test', transport: 'UDP' } as const

function calling(changes: Partial<InviteOptions> = {}): InviteOptions {
  const options = inviteOptions(0, 'UDP', { target: 'sip:bob@ring.test', ...changes })
  return { ...options, party: { ...options.party, nextHop: NEXT_HOP } }
}

function asking(timeout = 20_000): RequestOptions & { target: string } {
  const { party } = calling()
  return { party, callId: 'failover', timeout, trace: new Trace(), target: 'sip:ring.test' }
}

const at = (port: number, transport: Transport = 'UDP') => ({ host: '127.0.0.1', port, transport })

describe('an INVITE', () => {
  test('goes to the next server when the first says nothing, and is the same call', async () => {
    await using all = await lab(20)
    const outgoing = all.ours.invite(calling())
    const [first, second] = [await all.one.request('INVITE'), await all.two.request('INVITE')]
    for (const part of ['from', 'to', 'call-id', 'cseq']) expect(second.headers.get(part)).toBe(first.headers.get(part))
    expect(second.headers.via?.branch).not.toBe(first.headers.via?.branch)
    all.two.reply(second, '200 OK', { body: ANSWER })
    await all.two.request('ACK')
    const answered = call(await outgoing.outcome)
    expect(answered.remote).toEqual(at(all.two.port))
    expect(outgoing.remote).toEqual(at(all.two.port))
    expect(outgoing.attempts).toEqual([{ remote: at(all.one.port), why: { kind: 'NoResponse' } }])
    void answered.bye()
    all.two.reply(await all.two.request('BYE'), '200 OK')
  })

  test('asks the server first that has answered before', async () => {
    await using all = await lab()
    const { party, ...options } = calling()
    const outgoing = all.ours.invite({
      ...options,
      party: { ...party, nextHop: { ...NEXT_HOP, prefer: at(all.two.port) } },
    })
    all.two.reply(await all.two.request('INVITE'), '486 Busy Here')
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 486 })
    expect([outgoing.remote, outgoing.attempts]).toEqual([at(all.two.port), []])
  })

  test('that the first server answers after all is acknowledged and hung up there', async () => {
    await using all = await lab(20)
    const outgoing = all.ours.invite(calling())
    const [first, second] = [await all.one.request('INVITE'), await all.two.request('INVITE')]
    all.one.reply(first, '200 OK', { body: ANSWER })
    await all.one.request('ACK')
    all.one.reply(await all.one.request('BYE'), '200 OK')
    all.two.reply(second, '200 OK', { body: ANSWER })
    expect(call(await outgoing.outcome).remote).toEqual(at(all.two.port))
  })

  test('that rings at the first server after all is cancelled there', async () => {
    await using all = await lab(20)
    const rung: number[] = []
    const outgoing = all.ours.invite(calling({ onProvisional: ({ code }) => rung.push(code) }))
    const [first, second] = [await all.one.request('INVITE'), await all.two.request('INVITE')]
    all.one.reply(first, '180 Ringing')
    const cancel = await all.one.request('CANCEL')
    all.one.reply(cancel, '200 OK')
    all.one.reply(first, '487 Request Terminated')
    await all.one.request('ACK')
    all.two.reply(second, '486 Busy Here')
    expect(await outgoing.outcome).toEqual({ kind: 'Rejected', code: 486, reason: 'Busy Here' })
    expect(rung).toEqual([])
    await drained(all.ours)
  })

  test('stays with a server that has said anything at all', async () => {
    await using all = await lab(20)
    const outgoing = all.ours.invite(calling({ timeout: 30_000 }))
    all.one.reply(await all.one.request('INVITE'), '100 Trying')
    const cancel = await all.one.request('CANCEL')
    all.one.reply(cancel, '200 OK')
    expect(await outgoing.outcome).toEqual({ kind: 'NoFinalResponse', code: 100 })
    expect(outgoing.attempts).toEqual([])
  })

  test('goes on after a 503, and the next one leaves that server alone for as long as it said', async () => {
    await using all = await lab()
    const outgoing = all.ours.invite(calling())
    all.one.reply(await all.one.request('INVITE'), '503 Service Unavailable', { headers: ['Retry-After: 60'] })
    await all.one.request('ACK')
    all.two.reply(await all.two.request('INVITE'), '486 Busy Here')
    expect(await outgoing.outcome).toMatchObject({ code: 486 })
    const why = { kind: 'Rejected', code: 503, reason: 'Service Unavailable' }
    expect(outgoing.attempts).toEqual([{ remote: at(all.one.port), why }])
    const another = all.ours.invite(calling())
    all.two.reply(await all.two.request('INVITE'), '486 Busy Here')
    expect(await another.outcome).toMatchObject({ code: 486 })
    expect(another.attempts).toEqual([])
  })

  test.each(['486 Busy Here', '500 Server Internal Error', '603 Decline'])('ends with a %s', async (status) => {
    await using all = await lab()
    const outgoing = all.ours.invite(calling())
    all.one.reply(await all.one.request('INVITE'), status)
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: Number(status.slice(0, 3)) })
    expect(outgoing.attempts).toEqual([])
  })

  test('answers the challenge of each server', async () => {
    await using all = await lab()
    const options = calling()
    const credentials = { username: 'alice', password: 'secret' }
    const outgoing = all.ours.invite({ ...options, party: { ...options.party, credentials } })
    const challenge = (nonce: string) => ({ headers: [`WWW-Authenticate: Digest realm="ring", nonce="${nonce}"`] })
    all.one.reply(await all.one.request('INVITE'), '401 Unauthorized', challenge('one'))
    all.one.reply(await all.one.request('INVITE'), '503 Service Unavailable')
    all.two.reply(await all.two.request('INVITE'), '401 Unauthorized', challenge('two'))
    const last = await all.two.request('INVITE')
    expect(last.headers.get('authorization')).toMatch(/nonce="two"/)
    all.two.reply(last, '404 Not Found')
    expect(await outgoing.outcome).toMatchObject({ kind: 'Rejected', code: 404 })
  })

  test('says of the last server why it failed, when all of them do', async () => {
    await using all = await lab(20)
    const outgoing = all.ours.invite(calling())
    all.one.reply(await all.one.request('INVITE'), '503 Service Unavailable')
    expect(await outgoing.outcome).toEqual({ kind: 'NoResponse' })
    expect(outgoing.remote).toEqual(at(all.two.port))
    expect(outgoing.attempts).toHaveLength(1)
  })

  test('passes over what refuses the connection', async () => {
    await using all = await lab()
    await using callee = await engine()
    using _bob = callee.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
    const closed = await engine()
    const dead = closed.ports.TCP
    await closed[Symbol.asyncDispose]()
    all.names.servers('tcp.test', 'tcp', [dead, callee.ports.TCP])
    const options = calling()
    const nextHop = { host: 'tcp.test', transport: 'TCP' } as const
    const outgoing = all.ours.invite({ ...options, target: 'sip:bob@tcp.test', party: { ...options.party, nextHop } })
    const answered = call(await outgoing.outcome)
    expect(answered.remote).toEqual(at(callee.ports.TCP, 'TCP'))
    expect(outgoing.attempts).toMatchObject([{ remote: at(dead, 'TCP'), why: { kind: 'ConnectFailed' } }])
    expect(await answered.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('may be given up while the next server is asked', async () => {
    await using all = await lab()
    const stop = new AbortController()
    const outgoing = all.ours.invite(calling({ signal: stop.signal }))
    all.one.reply(await all.one.request('INVITE'), '503 Service Unavailable')
    const invite = await all.two.request('INVITE')
    all.two.reply(invite, '180 Ringing')
    stop.abort()
    all.two.reply(await all.two.request('CANCEL'), '200 OK')
    all.two.reply(invite, '487 Request Terminated')
    expect(await outgoing.outcome).toEqual({ kind: 'Aborted' })
  })
})

describe('other requests', () => {
  test('go to the next server as well', async () => {
    await using all = await lab(20)
    const outcome = all.ours.options(asking())
    const [first, second] = [await all.one.request('OPTIONS'), await all.two.request('OPTIONS')]
    expect(second.headers.via?.branch).not.toBe(first.headers.via?.branch)
    all.two.reply(second, '200 OK')
    expect(await outcome).toMatchObject({
      ...{ kind: 'Answered', code: 200, remote: at(all.two.port) },
      attempts: [{ remote: at(all.one.port), why: { kind: 'NoResponse' } }],
    })
  })

  test('stay within their time, whoever is silent', async () => {
    await using all = await lab(20)
    expect(await all.ours.options(asking(4_000))).toMatchObject({ kind: 'NoResponse', attempts: [{}] })
  })

  test('of a registration stay with the server that has it, until that fails', async () => {
    await using all = await lab(20)
    const granted = { headers: ['Expires: 8'] }
    const registering = all.ours.register({ ...asking(), expires: 8 })
    all.one.reply(await all.one.request('REGISTER'), '503 Service Unavailable')
    all.two.reply(await all.two.request('REGISTER'), '200 OK', granted)
    const outcome = await registering
    if (outcome.kind !== 'Registered') throw new Error(outcome.kind)
    expect(outcome).toMatchObject({ remote: at(all.two.port), attempts: [{ remote: at(all.one.port) }] })
    all.two.reply(await all.two.request('REGISTER'), '200 OK', granted)
    all.two.reply(await all.two.request('REGISTER'), '503 Service Unavailable')
    all.one.reply(await all.one.request('REGISTER'), '200 OK', granted)
    const gone = outcome.registration.unregister()
    all.one.reply(await all.one.request('REGISTER'), '200 OK')
    expect(await gone).toEqual({ kind: 'Unregistered' })
  })

  test('inside a call find a route by its name, and prefer the server that has the call', async () => {
    await using all = await lab()
    const outgoing = all.ours.invite(calling())
    all.one.reply(await all.one.request('INVITE'), '503 Service Unavailable')
    const route = { body: ANSWER, headers: ['Record-Route: <sip:ring.test;transport=udp;lr>'] }
    all.two.reply(await all.two.request('INVITE'), '200 OK', route)
    expect((await all.two.request('ACK')).headers.get('route')).toBe('<sip:ring.test;transport=udp;lr>')
    const done = call(await outgoing.outcome).bye()
    all.two.reply(await all.two.request('BYE'), '200 OK')
    expect(await done).toEqual({ kind: 'Done', code: 200 })
  })
})
