/** What STUN and TURN servers may answer, without what real ones do. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { end } from './end.fixture.ts'

/** A server that answers requests of a type. @param head type and length of its answer, hex */
async function answering(type: number, head: string, attributes = '') {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  socket.on('message', (request, from) => {
    if (request.readUInt16BE(0) !== type) return
    const parts = [Buffer.from(head, 'hex'), request.subarray(4, 20), Buffer.from(attributes, 'hex')]
    socket.send(Buffer.concat(parts), from.port, from.address)
  })
  return {
    port: socket.address().port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void socket.close(() => resolve())),
  }
}

describe('a server that answers with success', () => {
  test('and sees us elsewhere: that is a candidate, too', async () => {
    // XOR-MAPPED-ADDRESS 192.0.2.7:4000 (RFC 8489 14.2).
    await using server = await answering(0x0001, '0101000c', '0020000800012eb2e112a645')
    await using one = await end({ stun: [{ host: '127.0.0.1', port: server.port }] })
    expect((await one.agent.gather()).problems).toEqual([])
    expect(one.agent.local.candidates).toMatchObject([
      { type: 'srflx', address: '192.0.2.7', port: 4000, related: { address: '127.0.0.1', port: one.port } },
      { type: 'host' },
    ])
  })

  test('of STUN and without an address is named, and costs its candidate alone', async () => {
    await using server = await answering(0x0001, '01010000')
    await using one = await end({ stun: [{ host: '127.0.0.1', port: server.port }] })
    const { problems } = await one.agent.gather()
    expect(problems).toEqual([`stun:127.0.0.1:${server.port}: it answered without our address`])
    expect(one.agent.local.candidates).toMatchObject([{ type: 'host' }])
  })

  test('of TURN and without addresses is named, and leaves no socket', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((kind) => kind === 'UDPWrap').length
    await using server = await answering(0x0003, '01030000')
    const turn = { host: '127.0.0.1', port: server.port, transport: 'udp', username: 'a', password: 'b' } as const
    await using one = await end({ turn: [turn] })
    // Those of tests before are gone a turn after they were closed.
    await new Promise((resolve) => setTimeout(resolve, 50))
    const before = sockets()
    const { problems } = await one.agent.gather()
    expect(problems).toEqual([`turn:127.0.0.1:${server.port}: it answered without our addresses`])
    await expect.poll(sockets).toBe(before)
  })
})

test('what a server refuses with is told in a few plain words', async () => {
  const phrase = `No${'\u001b[2J'} ${'more '.repeat(40)}`
  const length = Buffer.alloc(2)
  length.writeUInt16BE(4 + phrase.length)
  // ERROR-CODE 403 (RFC 8489 14.8).
  const attribute = Buffer.concat([
    Buffer.from('0009', 'hex'),
    length,
    Buffer.from('00000403', 'hex'),
    Buffer.from(phrase),
  ])
  const padded = Buffer.concat([attribute, Buffer.alloc(-attribute.length & 3)])
  const head = Buffer.from('01130000', 'hex')
  head.writeUInt16BE(padded.length, 2)
  await using server = await answering(0x0003, head.toString('hex'), padded.toString('hex'))
  const turn = { host: '127.0.0.1', port: server.port, transport: 'udp', username: 'a', password: 'b' } as const
  await using one = await end({ turn: [turn] })
  const [problem] = (await one.agent.gather()).problems
  expect(problem).toMatch(/: refused with 403 No\[2J more more /)
  expect(problem?.length).toBeLessThan(200)
})
