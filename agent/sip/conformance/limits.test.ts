import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import type { IncomingCall } from '../engine.ts'
import type { Limits } from '../limits.ts'
import { engine } from './lab.ts'
import { outside } from './odd-lab.ts'
import { scriptedPeer } from './scripted-peer.ts'

async function lab(limits: Partial<Limits>) {
  const clock = new ManualClock()
  const ours = await engine({ clock, limits })
  const peer = await scriptedPeer()
  let sent = 0
  return {
    ...{ clock, ours, peer },
    /** Another request each time, and the code it was answered with. */
    async ask(method: string, changes: Record<string, string> = {}): Promise<number> {
      const number = ++sent
      const via = `SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK${number}`
      peer.send(outside(method, { Via: via, 'Call-ID': `flood-${number}`, ...changes }), ours)
      for (;;) {
        const { code, headers } = await peer.response()
        if (code >= 200 && headers.via?.branch === `z9hG4bK${number}`) return code
      }
    },
    async [Symbol.asyncDispose]() {
      await ours[Symbol.asyncDispose]()
      await peer[Symbol.asyncDispose]()
    },
  }
}

test('bound to all addresses, unknown peers beyond the limit of look-ups are dropped and counted', async () => {
  await using ours = await engine({ host: '0.0.0.0', limits: { routeLookups: 0 } })
  await using peer = await scriptedPeer()
  peer.send(outside('OPTIONS'), ours)
  while (ours.counters.refused.routes === 0) await new Promise((resolve) => setImmediate(resolve))
  // Whom we know needs no look-up.
  await ours.localAddress('127.0.0.1')
  peer.send(outside('OPTIONS'), ours)
  expect((await peer.response()).code).toBe(200)
})

describe('requests beyond the limit', () => {
  test('are told 503 and forgotten, until there is room again', async () => {
    await using all = await lab({ serverTransactions: 3 })
    const codes = []
    for (let count = 0; count < 6; count++) codes.push(await all.ask('OPTIONS'))
    expect(codes).toEqual([200, 200, 200, 503, 503, 503])
    expect([all.ours.gauges.transactions, all.ours.counters.refused.transactions]).toEqual([3, 3])
    await all.clock.advance(32_000)
    expect(await all.ask('OPTIONS')).toBe(200)
  })

  test('of bytes are refused as well', async () => {
    await using all = await lab({ serverBytes: 20_000 })
    const codes = []
    for (let count = 0; count < 4; count++) codes.push(await all.ask('OPTIONS', { Subject: 'x'.repeat(9_000) }))
    expect(codes).toEqual([200, 200, 200, 503])
    await all.clock.advance(32_000)
    expect(await all.ask('OPTIONS')).toBe(200)
  })

  test('that would be calls are not answered again and again', async () => {
    await using all = await lab({ serverTransactions: 1 })
    expect(await all.ask('INVITE')).toBe(404)
    expect(await all.ask('INVITE')).toBe(503)
    await all.clock.advance(32_000)
    const { messages } = all.ours.counters
    // Timer G sends the one below the limit ten times more; it is the last of what a forged source gets.
    expect([messages.get('Out INVITE 4xx'), messages.get('Out INVITE 5xx')]).toEqual([11, 1])
    expect(all.ours.gauges.transactions).toBe(0)
  })

  test('still cancel and hang up the calls that are there', async () => {
    await using all = await lab({ serverTransactions: 2 })
    const answered = Promise.withResolvers<unknown>()
    using _bob = all.ours.onInvite('bob', (incoming) => void incoming.answer('v=0\r\n').then(answered.resolve))
    using _carol = all.ours.onInvite('carol', (incoming) => incoming.ring())
    const via = 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKcarol'
    const invite = outside('INVITE', { Via: via, 'Call-ID': 'carol' }, 'INVITE sip:carol@127.0.0.1 SIP/2.0')
    all.peer.send(invite, all.ours)
    expect((await all.peer.response()).code).toBe(180)
    all.peer.send(outside('INVITE', { 'Call-ID': 'bob' }), all.ours)
    const { code, headers } = await all.peer.response()
    expect(code).toBe(200)
    const dialog = { To: headers.get('to') ?? '', 'Call-ID': 'bob' }
    all.peer.send(outside('ACK', { ...dialog, CSeq: '1 ACK' }), all.ours)
    await answered.promise

    expect(await all.ask('OPTIONS')).toBe(503)
    expect(await all.ask('BYE', { ...dialog, CSeq: '2 BYE' })).toBe(200)
    expect(await all.ask('BYE', { 'Call-ID': 'bob', To: '<sip:bob@127.0.0.1>;tag=guess', CSeq: '3 BYE' })).toBe(503)
    const cancel = outside('CANCEL', { Via: via, 'Call-ID': 'carol' }, 'CANCEL sip:carol@127.0.0.1 SIP/2.0')
    all.peer.send(cancel, all.ours)
    const codes = [(await all.peer.response()).code, (await all.peer.response()).code]
    expect(new Set(codes)).toEqual(new Set([200, 487]))
  })

  test('for calls that nobody has ended are told 503', async () => {
    await using all = await lab({ dialogs: 1 })
    const taken: IncomingCall[] = []
    using _bob = all.ours.onInvite('bob', (incoming) => {
      if (taken.push(incoming) > 1) incoming.reject(480)
    })
    all.peer.send(outside('INVITE', { 'Call-ID': 'first' }), all.ours)
    expect(await all.ask('INVITE')).toBe(503)
    expect(await all.ask('OPTIONS')).toBe(200)
    expect([taken.length, all.ours.counters.refused.dialogs]).toEqual([1, 1])
    taken[0]?.reject(486)
    expect(await all.ask('INVITE')).toBe(480)
  })
})
