import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import type { SignallingEngine } from '../engine.ts'
import { engine, listening, listeningAt, optionsTo, portOf } from './lab.ts'
import { outside } from './odd-lab.ts'

async function client(theirs: SignallingEngine): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${portOf(theirs, 'WS')}/`, ['sip'])
  await once(socket, 'open')
  return socket
}

const ask = (number: number): string =>
  `${outside('OPTIONS', {
    Via: `SIP/2.0/WS client.invalid;branch=z9hG4bK${number}`,
    'Call-ID': `ws-${number}`,
  }).join('\r\n')}\r\n\r\n`

async function received(socket: WebSocket): Promise<string> {
  const [data] = await once(socket, 'message')
  return String(data)
}

test('a frame is a message, and needs no Content-Length', async () => {
  await using theirs = await listening('WS')
  const socket = await client(theirs)
  expect(socket.protocol).toBe('sip')
  const answer = received(socket)
  socket.send(ask(1))
  expect(await answer).toMatch(
    /^SIP\/2\.0 200 OK\r\nVia: SIP\/2\.0\/WS client\.invalid;branch=z9hG4bK1;received=127\.0\.0\.1/,
  )
  const binary = received(socket)
  socket.send(Buffer.from(ask(2)))
  expect(await binary).toContain('branch=z9hG4bK2')
  socket.terminate()
})

test('keep-alives of both kinds are answered', async () => {
  await using theirs = await listening('WS')
  const socket = await client(theirs)
  const answer = received(socket)
  socket.send('\r\n\r\n')
  expect(await answer).toBe('\r\n')
  const pong = once(socket, 'pong')
  socket.ping()
  await pong
  expect(theirs.counters.parseErrors).toBe(0)
  socket.terminate()
})

test('a frame that is too long ends the connection', async () => {
  await using theirs = await listening('WS')
  const socket = await client(theirs)
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  socket.send('x'.repeat(200_000))
  expect((await closed)[0]).toBe(1009)
  expect(theirs.counters.parseErrors).toBe(1)
})

test('what is no SIP over WebSocket is told so', async () => {
  await using theirs = await listening('WS')
  const port = portOf(theirs, 'WS')
  const plain = await fetch(`http://127.0.0.1:${port}/`)
  expect(plain.status).toBe(426)
  const chat = new WebSocket(`ws://127.0.0.1:${port}/`, ['chat'])
  const [error] = await once(chat, 'error')
  expect(String(error)).toContain('400')
  const garbage = connect(port, '127.0.0.1')
  garbage.write('OPTIONS sip:bob@127.0.0.1 SIP/2.0\r\n\r\n')
  garbage.resume()
  await once(garbage, 'close')
})

test('a server is asked for its path, and one that refuses is no connection', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/sip', handleProtocols: () => 'sip' })
  await once(server, 'listening')
  const port = listeningAt(server)
  const paths: Array<string | undefined> = []
  server.on('connection', (socket, request) => {
    paths.push(request.url)
    socket.on('message', (data: Buffer) => {
      const lines = data.toString().split('\r\n')
      const copied = lines.filter((line) => /^(Via|From|To|Call-ID|CSeq):/.test(line))
      socket.send(`SIP/2.0 200 OK\r\n${copied.join('\r\n')}\r\n\r\n`)
    })
  })
  await using ours = await engine()
  const options = (path: string) => {
    const rest = optionsTo(port, 'WS')
    return { ...rest, party: { ...rest.party, nextHop: { ...rest.party.nextHop, path } } }
  }
  const asked = options('/sip')
  expect(await ours.options(asked)).toMatchObject({ kind: 'Answered', code: 200 })
  const [request] = asked.trace.messages
  expect(request?.text).toMatch(/^Via: SIP\/2\.0\/WS 127\.0\.0\.1:\d+;branch=/m)
  expect(request?.text).toMatch(/^Contact: <sip:alice-contact@127\.0\.0\.1:\d+;transport=ws>/m)
  expect(paths).toEqual(['/sip'])
  expect(await ours.options(options('/elsewhere'))).toMatchObject({
    kind: 'ConnectFailed',
    detail: expect.stringContaining('400') as string,
  })
  for (const each of server.clients) each.terminate()
  server.close()
})
