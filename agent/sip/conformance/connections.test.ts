import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { ManualClock } from '../../../lib/manual-clock.ts'
import type { SignallingEngine } from '../engine.ts'
import { Trace } from '../trace/trace.ts'
import { ANSWER, engine, inviteOptions, listening, optionsTo, passes, portOf } from './lab.ts'
import { outside } from './odd-lab.ts'

async function caller(ours: SignallingEngine): Promise<Socket> {
  const socket = connect(ours.ports.TCP, '127.0.0.1')
  // The end may be a reset.
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

function closed(socket: Socket): Promise<void> {
  // Nobody sees the end who does not read.
  socket.resume()
  return new Promise((resolve) => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
}

const ask = (number: number): string =>
  [
    ...outside('OPTIONS', { Via: `SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK${number}`, 'Call-ID': `tcp-${number}` }),
    'Content-Length: 0\r\n\r\n',
  ].join('\r\n')

async function answered(socket: Socket, number: number): Promise<void> {
  socket.write(ask(number))
  const [chunk] = await once(socket, 'data')
  expect(String(chunk)).toContain('SIP/2.0 200')
}

test('a peer that does not read is cut off', async () => {
  await using ours = await engine({ limits: { unsentBytes: 100_000 } })
  const socket = await caller(ours)
  let number = 0
  // The buffers of the kernel are full first.
  while (!socket.destroyed && ours.counters.refused.unread === 0) {
    for (let count = 0; count < 500; count++) socket.write(ask(++number))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(ours.counters.refused.unread).toBe(1)
  socket.destroy()
})

test('a peer that asks whether we are there, and does not read, is cut off', async () => {
  await using ours = await listening('WS', { limits: { unsentBytes: 100_000 } })
  const plain = await caller(ours)
  const web = new WebSocket(`ws://127.0.0.1:${portOf(ours, 'WS')}/`, ['sip'])
  await once(web, 'open')
  web.pause()
  while (ours.counters.refused.unread === 0) {
    if (!plain.destroyed) plain.write('\r\n\r\n'.repeat(10_000))
    await new Promise((resolve) => setImmediate(resolve))
  }
  // Of these the library lets only so many wait.
  while (web.readyState === WebSocket.OPEN) {
    for (let count = 0; count < 1_000; count++) web.ping('x'.repeat(100))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await (await fetch(`http://127.0.0.1:${portOf(ours, 'WS')}/`)).text()).toBe('')
  plain.destroy()
  web.terminate()
})

test('beyond the limit nobody is let in, until somebody has left', async () => {
  await using ours = await engine({ limits: { connections: 2 } })
  const first = await caller(ours)
  const second = await caller(ours)
  await answered(second, 1)
  const third = await caller(ours)
  await closed(third)
  expect(ours.counters.refused.connections).toBe(1)
  first.destroy()
  await closed(first)
  // By the answer our side has seen the end of the first.
  await answered(second, 2)
  const fourth = await caller(ours)
  await answered(fourth, 3)
  second.destroy()
  fourth.destroy()
})

test('a connection of no use is closed, one that is used is not', async () => {
  const clock = new ManualClock()
  await using ours = await engine({ clock, limits: { idle: 60_000 } })
  const [idle, busy] = [await caller(ours), await caller(ours)]
  await answered(idle, 1)
  await clock.advance(40_000)
  await answered(busy, 2)
  await clock.advance(20_000)
  await closed(idle)
  await answered(busy, 3)
  expect(busy.destroyed).toBe(false)
  busy.destroy()
})

test('a call and a registration keep their connection, as long as they last', async () => {
  const clock = new ManualClock()
  const limits = { idle: 60_000 }
  await using ours = await engine({ clock, limits })
  await using theirs = await engine({ clock, limits: { idle: 600_000 } })
  using _bob = theirs.onInvite('bob', (incoming) => void incoming.answer(ANSWER))
  using _registrar = theirs.onRequest('REGISTER', (request) => request.respond(200))
  const options = optionsTo(theirs.ports.TCP, 'TCP')
  const used = async (): Promise<string> => {
    const trace = new Trace()
    await ours.options({ ...options, trace })
    return trace.messages[0]?.local ?? ''
  }
  const registered = await ours.register({ ...options, expires: 3_600 })
  if (registered.kind !== 'Registered') throw new Error(registered.kind)
  const outcome = await ours.invite(inviteOptions(theirs.ports.TCP, 'TCP')).outcome
  if (outcome.kind !== 'Answered') throw new Error(outcome.kind)
  const first = await used()
  await passes(clock, 200_000)
  expect(await used()).toBe(first)
  await outcome.call.bye()
  await passes(clock, 200_000)
  expect(await used()).toBe(first)
  await registered.registration.unregister()
  await passes(clock, 200_000)
  expect(await used()).not.toBe(first)
})
