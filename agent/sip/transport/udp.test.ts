import { expect, test } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { bindUdp } from './udp.ts'

test('a peer has one flow, and another one when our address towards it is another', async () => {
  let ours = '127.0.0.1'
  await using udp = await bindUdp({
    ...{ clock: systemClock, host: '127.0.0.1', port: 0 },
    ...{ receive: () => {}, sent: () => {}, localHost: () => ours },
  })
  const first = udp.flow('192.0.2.1', 5060)
  expect(udp.flow('192.0.2.1', 5060)).toBe(first)
  expect([udp.flow('192.0.2.1', 5061).remote.port, udp.flow('192.0.2.2', 5060).remote.host]).toEqual([
    5061,
    '192.0.2.2',
  ])
  expect(udp.flow('192.0.2.1', 5060)).toBe(first)
  ours = '127.0.0.2'
  expect(udp.flow('192.0.2.1', 5060).sentBy).toBe(`127.0.0.2:${udp.port}`)
  expect(udp.flow('192.0.2.2', 5060).sentBy).toBe(`127.0.0.2:${udp.port}`)
})

test('over a socket that is closed nothing is sent, and who asks is told', async () => {
  const sent: string[] = []
  const udp = await bindUdp({
    ...{ clock: systemClock, host: '127.0.0.1', port: 0 },
    ...{ receive: () => {}, sent: (text) => sent.push(text), localHost: () => '127.0.0.1' },
  })
  const flow = udp.flow('127.0.0.1', udp.port)
  await udp[Symbol.asyncDispose]()
  const failures: string[] = []
  flow.send('late', (detail) => failures.push(detail))
  expect([flow.open, sent, failures]).toEqual([false, [], ['the socket is closed']])
})
