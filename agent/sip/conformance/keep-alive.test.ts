import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { ManualClock } from '../../../lib/manual-clock.ts'
import { Trace } from '../trace/trace.ts'
import { engine, listeningAt, party, passes } from './lab.ts'

/** A registrar over TCP that grants everything and answers a keep-alive as long as it is told to. */
async function registrar() {
  const sockets: Socket[] = []
  const state = { answers: true, pings: 0 }
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const text = String(chunk)
      if (text === '\r\n\r\n') {
        state.pings++
        if (state.answers) socket.write('\r\n')
      } else {
        const copied = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq|Contact):/.test(line))
        socket.write(`SIP/2.0 200 OK\r\n${copied.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`)
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    ...{ sockets, state, port: listeningAt(server) },
    [Symbol.dispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function registered() {
  const clock = new ManualClock()
  const peer = await registrar()
  const ours = await engine({ clock })
  const outcome = await ours.register({
    party: party(peer.port, 'TCP'),
    ...{
      callId: 'keep-alive',
      timeout: 20_000,
      expires: 3_600,
      trace: new Trace(),
    },
  })
  if (outcome.kind !== 'Registered') throw new Error(outcome.kind)
  return {
    ...{ clock, peer, ours },
    async [Symbol.asyncDispose]() {
      await ours[Symbol.asyncDispose]()
      peer[Symbol.dispose]()
    },
  }
}

test('a registration keeps its connection alive, and one that is dead is closed within 10 s', async () => {
  await using lab = await registered()
  const { clock, peer } = lab
  await passes(clock, 300_000)
  const [socket] = peer.sockets
  if (!socket) throw new Error('no connection')
  expect([peer.state.pings, socket.readableEnded]).toEqual([3, false])
  peer.state.answers = false
  const ended = once(socket, 'close')
  await passes(clock, 140_000)
  await ended
  expect(peer.state.pings).toBeGreaterThan(3)
})

test('a peer that never answers a keep-alive keeps its connection', async () => {
  await using lab = await registered()
  const { clock, peer } = lab
  peer.state.answers = false
  await passes(clock, 300_000)
  expect([peer.state.pings, peer.sockets[0]?.readableEnded]).toEqual([3, false])
})

test('the keep-alive of a peer is answered, between its messages', async () => {
  await using theirs = await engine()
  const socket = connect(theirs.ports.TCP, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('\r\n\r\n')
  const [pong] = await once(socket, 'data')
  expect(String(pong)).toBe('\r\n')
  expect(theirs.counters.parseErrors).toBe(0)
  socket.destroy()
})
