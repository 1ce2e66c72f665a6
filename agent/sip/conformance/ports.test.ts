import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { ANSWER, engine, inviteOptions, listening, listeningAt, optionsTo, portOf, TRANSPORTS } from './lab.ts'

/** As many free TCP ports behind each other. */
async function freeRange(count: number): Promise<{ from: number; to: number }> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const port = listeningAt(server)
    server.close()
    await once(server, 'close')
    if (port + count < 65_536) return { from: port, to: port + count - 1 }
  }
}

test('ports are taken from the range, and a range in use is said to be', async () => {
  const portRange = await freeRange(2)
  const within = ({ UDP, TCP }: { UDP: number; TCP: number }) =>
    [UDP, TCP].every((port) => port >= portRange.from && port <= portRange.to)
  await using first = await engine({ portRange })
  await using second = await engine({ portRange })
  expect([within(first.ports), within(second.ports)]).toEqual([true, true])
  expect(second.ports.UDP).not.toBe(first.ports.UDP)
  await expect(engine({ portRange })).rejects.toMatchObject({
    code: 'EADDRINUSE',
    message: `all ports from ${portRange.from} to ${portRange.to} are in use`,
  })
})

test('TLS is not listened on without a certificate, and without being asked', async () => {
  await expect(engine({ ports: { TLS: 0 } })).rejects.toThrow(/certificate/)
  await using ours = await engine()
  expect(Object.keys(ours.ports)).toEqual(['TCP', 'UDP'])
})

describe.each(TRANSPORTS)('over IPv6 by %s', (transport) => {
  test('calls are answered and hung up', async () => {
    await using caller = await engine({ host: '::1' })
    await using callee = await listening(transport, { host: '::1' })
    using _bob = callee.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
    const { party } = optionsTo(portOf(callee, transport), transport, { host: '::1' })
    const options = inviteOptions(0, transport, { party, target: 'sip:bob@[::1]' })
    const outcome = await caller.invite(options).outcome
    if (outcome.kind !== 'Answered') throw new Error(JSON.stringify(outcome))
    expect(options.trace.messages[0]?.text).toMatch(
      new RegExp(`^Via: SIP/2\\.0/${transport} \\[::1\\]:\\d+;branch=`, 'm'),
    )
    expect(await outcome.call.bye()).toEqual({ kind: 'Done', code: 200 })
  })

  test('bound to all addresses of both families, a peer of IPv4 is shown as one', async () => {
    await using caller = await engine()
    await using callee = await listening(transport, { host: '::' })
    const remote = Promise.withResolvers<string>()
    using _bob = callee.onInvite('bob', (incoming) => {
      remote.resolve(incoming.remote.host)
      void incoming.answer(ANSWER)
    })
    const options = inviteOptions(portOf(callee, transport), transport)
    const outcome = await caller.invite(options).outcome
    if (outcome.kind !== 'Answered') throw new Error(JSON.stringify(outcome))
    expect(await remote.promise).toBe('127.0.0.1')
    expect(options.trace.messages.map(({ text }) => text).join('')).not.toContain('ffff')
    expect(await outcome.call.bye()).toEqual({ kind: 'Done', code: 200 })
  })
})

describe.each(['TLS', 'WS', 'WSS'] as const)('a peer of %s', (transport) => {
  test('that does not shake hands is closed', async () => {
    const clock = new ManualClock()
    await using theirs = await listening(transport, { clock })
    const socket = connect(portOf(theirs, transport), '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'connect')
    if (transport === 'WS') socket.write('GET / HTTP/1.1\r\nHost: ')
    // By its answer our side has seen the connection.
    await using ours = await engine()
    await ours.options(optionsTo(theirs.ports.TCP, 'TCP'))
    const closed = once(socket, 'close')
    await clock.advance(10_000)
    await closed
    expect(theirs.counters.refused.handshakes).toBe(1)
  })

  test('beyond the limit is not let in', async () => {
    await using theirs = await listening(transport, { limits: { connections: 1 } })
    const port = portOf(theirs, transport)
    const first = connect(port, '127.0.0.1')
    await once(first, 'connect')
    const second = connect(port, '127.0.0.1')
    second.on('error', () => {})
    second.resume()
    await once(second, 'close')
    expect(theirs.counters.refused.connections).toBe(1)
    first.destroy()
  })
})
