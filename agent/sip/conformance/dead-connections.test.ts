import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { engine, inviteOptions, listening, listeningAt, optionsTo, portOf } from './lab.ts'

/** Carries connections to a port, until it is told to swallow what is said over those that are there: a firewall that forgot them. */
async function firewall(port: number) {
  const pairs = new Set<[Socket, Socket]>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) socket.on('error', () => {})
    pairs.add([near, far])
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: listeningAt(server),
    connections: () => pairs.size,
    /** The near side closed the first one. */
    ended: () => Promise.all([...pairs].map(([near]) => once(near, 'end'))),
    forget() {
      for (const [near, far] of pairs) {
        near.unpipe(far)
        near.resume()
        far.unpipe(near)
        far.resume()
      }
    },
    /** From now on what is said over those that are there is answered with a reset. */
    refuse() {
      for (const [near] of pairs) near.once('data', () => near.resetAndDestroy())
    },
    [Symbol.dispose]() {
      server.close()
      for (const pair of pairs) for (const socket of pair) socket.destroy()
    },
  }
}

describe.each(['TCP', 'TLS', 'WS', 'WSS'] as const)('over %s', (transport) => {
  test.each(['OPTIONS', 'INVITE'] as const)(
    'after %s without an answer the next one has a new connection',
    async (method) => {
      await using theirs = await listening(transport)
      using _bob = theirs.onInvite('bob', (incoming) => incoming.reject(486))
      using between = await firewall(portOf(theirs, transport))
      await using ours = await engine()
      const send = (timeout: number) =>
        method === 'OPTIONS'
          ? ours.options(optionsTo(between.port, transport, { timeout }))
          : ours.invite(inviteOptions(between.port, transport, { timeout })).outcome
      const expected = method === 'OPTIONS' ? { kind: 'Answered' } : { kind: 'Rejected', code: 486 }
      expect(await send(20_000)).toMatchObject(expected)
      between.forget()
      expect(await send(100)).toMatchObject({ kind: 'NoResponse' })
      expect(await send(20_000)).toMatchObject(expected)
      expect(await send(20_000)).toMatchObject(expected)
      expect(between.connections()).toBe(2)
    },
  )

  test('a connection that others have answers over is not taken for dead', async () => {
    await using theirs = await listening(transport)
    using _bob = theirs.onInvite('bob', (incoming) => incoming.ignore())
    using between = await firewall(portOf(theirs, transport))
    await using ours = await engine()
    const silent = ours.invite(inviteOptions(between.port, transport, { timeout: 300 })).outcome
    expect(await ours.options(optionsTo(between.port, transport))).toMatchObject({ kind: 'Answered' })
    expect(await silent).toEqual({ kind: 'NoResponse' })
    expect(await ours.options(optionsTo(between.port, transport))).toMatchObject({ kind: 'Answered' })
    expect(between.connections()).toBe(1)
  })

  test('a connection without answers is closed soon', async () => {
    const clock = new ManualClock()
    await using theirs = await listening(transport)
    using between = await firewall(portOf(theirs, transport))
    await using ours = await engine({ clock })
    await ours.options(optionsTo(between.port, transport))
    between.forget()
    await clock.advance(1)
    const nothing = ours.options(optionsTo(between.port, transport, { timeout: 100 }))
    await clock.advance(200)
    expect(await nothing).toMatchObject({ kind: 'NoResponse' })
    const ended = between.ended()
    await clock.advance(32_000)
    await ended
  })

  test('a request over a connection that had ended unnoticed is sent again over a new one', async () => {
    await using theirs = await listening(transport)
    using between = await firewall(portOf(theirs, transport))
    await using ours = await engine()
    expect(await ours.options(optionsTo(between.port, transport))).toMatchObject({ kind: 'Answered' })
    between.refuse()
    expect(await ours.options(optionsTo(between.port, transport))).toMatchObject({ kind: 'Answered' })
    expect(between.connections()).toBe(2)
  })
})
