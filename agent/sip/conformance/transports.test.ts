import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ANSWER, engine, fasterClock, inviteOptions, listeningAt, optionsTo, titles } from './lab.ts'

async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = listeningAt(server)
  server.close()
  return port
}

test('a port in use is an error that names it', async () => {
  await using holder = await engine()
  for (const transport of ['UDP', 'TCP'] as const) {
    const port = holder.ports[transport]
    await expect(engine({ ports: { [transport]: port } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      address: '127.0.0.1',
      port,
    })
  }
})

test('both transports may have one port, and nothing is kept when the second is taken', async () => {
  await using first = await engine({ ports: { TCP: 0 } })
  const port = first.ports.TCP
  await expect(engine({ ports: { UDP: port, TCP: port } })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await first[Symbol.asyncDispose]()
  await using second = await engine({ ports: { UDP: port, TCP: port } })
  expect(second.ports).toEqual({ UDP: port, TCP: port })
})

test('bound to all addresses, the one that reaches the peer is named', async () => {
  await using caller = await engine({ host: '0.0.0.0' })
  await using callee = await engine({ host: '0.0.0.0' })
  expect(await caller.localAddress('127.0.0.1')).toBe('127.0.0.1')
  expect(await caller.localAddress('localhost')).toBe('127.0.0.1')
  using _bob = callee.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
  const options = inviteOptions(callee.ports.UDP, 'UDP')
  const outcome = await caller.invite(options).outcome
  if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
  const text = options.trace.messages.map((message) => message.text).join('')
  expect(text).not.toContain('0.0.0.0')
  expect(text).toContain(`Contact: <sip:bob@127.0.0.1:${callee.ports.UDP}>`)
  expect(await outcome.call.bye()).toMatchObject({ kind: 'Done' })
})

test('IPv6 works as well', async () => {
  await using caller = await engine({ host: '::1' })
  await using callee = await engine({ host: '::1' })
  for (const transport of ['UDP', 'TCP'] as const) {
    const options = optionsTo(callee.ports[transport], transport, { host: '::1' })
    const outcome = await caller.options({ ...options, target: `sip:[::1]:${callee.ports[transport]}` })
    expect(outcome).toMatchObject({ kind: 'Answered', remote: { host: '::1' } })
    expect(options.trace.messages[0]?.text).toContain(`[::1]:${caller.ports[transport]};branch=`)
  }
})

describe('a peer that is not there', () => {
  test('is NoResponse over UDP, by the deadline or by timer F', async () => {
    const quiet = createSocket('udp4')
    quiet.bind(0, '127.0.0.1')
    await once(quiet, 'listening')
    await using slow = await engine()
    await using fast = await engine({ clock: fasterClock(50) })
    const { port } = quiet.address()
    expect(await slow.options({ ...optionsTo(port, 'UDP'), timeout: 100 })).toMatchObject({ kind: 'NoResponse' })
    expect(await fast.options({ ...optionsTo(port, 'UDP'), timeout: 100_000 })).toMatchObject({ kind: 'NoResponse' })
    expect(await fast.invite(inviteOptions(port, 'UDP', { timeout: 100_000 })).outcome).toEqual({ kind: 'NoResponse' })
    quiet.close()
  })

  test('is ConnectFailed over TCP', async () => {
    await using ours = await engine()
    const port = await deadPort()
    const expected = { kind: 'ConnectFailed', detail: expect.stringContaining('ECONNREFUSED') }
    expect(await ours.options(optionsTo(port, 'TCP'))).toMatchObject(expected)
    expect(await ours.invite(inviteOptions(port, 'TCP')).outcome).toEqual(expected)
    expect(ours.gauges.transactions).toBe(0)
  })

  test('is ConnectFailed when it takes the connection and drops it', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy())).listen(0, '127.0.0.1')
    await once(server, 'listening')
    await using ours = await engine()
    expect(await ours.options(optionsTo(listeningAt(server), 'TCP'))).toMatchObject({ kind: 'ConnectFailed' })
    server.close()
  })

  test('is DnsFailed when its name has no address', async () => {
    await using ours = await engine()
    expect(await ours.options(optionsTo(5060, 'UDP', { host: 'nobody.invalid' }))).toMatchObject({ kind: 'DnsFailed' })
  })
})

describe('TCP', () => {
  test('one connection carries all requests to a peer', async () => {
    await using ours = await engine()
    await using theirs = await engine()
    const locals = new Set<string>()
    for (let count = 0; count < 5; count++) {
      const options = optionsTo(theirs.ports.TCP, 'TCP')
      await ours.options(options)
      for (const { local } of options.trace.messages) locals.add(local)
    }
    expect(locals.size).toBe(1)
  })

  test('messages may come in pieces and several at once', async () => {
    await using ours = await engine()
    const socket = connect(ours.ports.TCP, '127.0.0.1')
    await once(socket, 'connect')
    const ask = (number: number) =>
      `OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK${number}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: pieces-${number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 4\r\n\r\nbody`
    const stream = `\r\n\r\n${ask(1)}${ask(2)}\r\n${ask(3)}`
    for (let at = 0; at < stream.length; at += 97) {
      socket.write(stream.slice(at, at + 97))
      await new Promise((resolve) => setImmediate(resolve))
    }
    let received = ''
    for await (const chunk of socket) {
      received += String(chunk)
      if (received.split('SIP/2.0 200 OK').length > 3) break
    }
    expect(received.match(/branch=z9hG4bK\d/g)).toEqual(['branch=z9hG4bK1', 'branch=z9hG4bK2', 'branch=z9hG4bK3'])
    socket.destroy()
  })

  test('a stream without end of header is closed', async () => {
    await using ours = await engine()
    const socket = connect(ours.ports.TCP, '127.0.0.1')
    // Closed with unread bytes it may be a reset.
    socket.on('error', () => {})
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write('x'.repeat(70_000))
    await closed
    expect(ours.counters.parseErrors).toBe(1)
  })

  test('the next request after the peer was restarted makes a new connection', async () => {
    await using ours = await engine()
    const first = await engine()
    const port = first.ports.TCP
    expect(await ours.options(optionsTo(port, 'TCP'))).toMatchObject({ kind: 'Answered' })
    await first[Symbol.asyncDispose]()
    await using second = await engine({ ports: { TCP: port } })
    // One round trip elsewhere: by then our side has seen the end of the old connection.
    await ours.options(optionsTo(second.ports.UDP, 'UDP'))
    const options = optionsTo(port, 'TCP')
    expect(await ours.options(options)).toMatchObject({ kind: 'Answered' })
    expect(titles(options.trace)).toEqual(['> OPTIONS', '< 200 OPTIONS'])
  })
})
