import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { parseMessage } from '../message/message.ts'
import { ANSWER, engine, first, inviteOptions } from './lab.ts'
import { call } from './odd-lab.ts'

/** Answers every request with 200 over the connection it came by, and resets the first one when something comes after the ACK. */
async function forgetful() {
  const sockets: Socket[] = []
  const confirmed = first<void>()
  let refusing = false
  const server = createServer((socket) => {
    const oldest = sockets.push(socket) === 1
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      const parsed = parseMessage(bytes)
      if (parsed.kind === 'Malformed' || parsed.message.kind === 'Response') return
      const { method, headers } = parsed.message
      if (oldest && refusing) return socket.resetAndDestroy()
      if (method === 'ACK') {
        refusing = true
        return confirmed.take()
      }
      const fields = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headers.get(name.toLowerCase())}`)
      const to = `To: ${headers.get('to')}${headers.toTag === undefined ? ';tag=peer' : ''}`
      const contact = `Contact: <sip:peer@127.0.0.1:${port};transport=tcp>`
      const body = method === 'INVITE' ? ANSWER : ''
      const length = `Content-Length: ${body.length}`
      socket.write(['SIP/2.0 200 OK', ...fields, to, contact, length, '', body].join('\r\n'))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    port,
    confirmed: confirmed.promise,
    connections: () => sockets.length,
    [Symbol.dispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('the BYE of a call whose connection had ended unnoticed is sent again over a new one', async () => {
  using peer = await forgetful()
  await using ours = await engine()
  const answered = call(await ours.invite(inviteOptions(peer.port, 'TCP')).outcome)
  await peer.confirmed
  expect(await answered.bye()).toEqual({ kind: 'Done', code: 200 })
  expect(peer.connections()).toBe(2)
})
