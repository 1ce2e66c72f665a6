/** Relays of a real coturn: gathered, carrying media both ways, given back; and what it refuses by name. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { IceAgent, type IceOptions, type TurnServer } from '../../agent/media/ice/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { type Coturn, coturn } from '../lab/coturn.ts'
import { shows } from '../lab/features.ts'
import { until } from '../lab/process.ts'

async function agentOn(options: Partial<IceOptions>) {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const heard: string[] = []
  const agent = new IceAgent({
    ...{ clock: systemClock, random: systemRandom, mode: 'Full', controlling: false, stun: [], turn: [] },
    ...{ candidates: 'Relay', address: '127.0.0.1', port: socket.address().port },
    send: (datagram, host, port) => socket.send(datagram, port, host),
    received: (datagram) => heard.push(datagram.toString()),
    ...options,
  })
  socket.on('message', (datagram, from) => agent.receive(datagram, from.address, from.port))
  return {
    ...{ agent, heard, port: socket.address().port },
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]()
      socket.close()
      await once(socket, 'close')
    },
  }
}

function serverOf({ host, port, username, password }: Coturn, transport: TurnServer['transport'] = 'udp'): TurnServer {
  return { host, port, username, password, transport }
}

describe.each(['udp', 'tcp'] as const)('TURN over %s', (transport) => {
  const relayed = shows({ coturn: ['turn'] })

  test('two agents with relays alone: media goes both ways, and coturn has the relays back', relayed, async () => {
    await using server = await coturn()
    const turn = [serverOf(server, transport)]
    {
      await using offerer = await agentOn({ controlling: true, turn })
      await using answerer = await agentOn({ turn })
      const gathered = await Promise.all([offerer.agent.gather(), answerer.agent.gather()])
      expect(gathered.map(({ problems }) => problems)).toEqual([[], []])
      for (const { candidates } of [offerer.agent.local, answerer.agent.local]) {
        expect(candidates).toMatchObject([{ type: 'relay', address: '127.0.0.1', related: { address: '127.0.0.1' } }])
        expect(candidates[0]?.port).toBeGreaterThanOrEqual(server.relayPorts.first)
        expect(candidates[0]?.port).toBeLessThanOrEqual(server.relayPorts.last)
      }
      const outcomes = await Promise.all([
        offerer.agent.connect(answerer.agent.local, 20_000),
        answerer.agent.connect(offerer.agent.local, 20_000),
      ])
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.kind !== 'Connected') throw new Error(`${outcome.reason}: ${outcome.detail}`)
        expect([outcome.pair.local.type, outcome.pair.remote.type]).toEqual(['relay', 'relay'])
        for (let packet = 0; packet < 20; packet++) outcome.pair.send(Buffer.from(`packet ${packet} of ${index}`))
      }
      await until(() => offerer.heard.length >= 20 && answerer.heard.length >= 20, { what: 'all packets came' })
      const sent = (index: number) => Array.from({ length: 20 }, (_, packet) => `packet ${packet} of ${index}`)
      expect([offerer.heard, answerer.heard]).toEqual([sent(1), sent(0)])
    }
    await until(() => server.log().split('lifetime=0').length > 2, { what: 'coturn has both relays back' })
  })

  test('a wrong password is told with what the server said', async () => {
    await using server = await coturn()
    await using one = await agentOn({ turn: [{ ...serverOf(server, transport), password: 'wrong' }] })
    const { problems } = await one.agent.gather()
    expect(problems).toEqual([`turn:127.0.0.1:${server.port}: refused with 401 Unauthorized`])
    expect(one.agent.local.candidates).toEqual([])
  })
})

test('a server that is not there costs its candidate, and is told of', async () => {
  await using server = await coturn()
  const { port } = server
  const turn = [serverOf(server)]
  await server[Symbol.asyncDispose]()
  await using one = await agentOn({ turn, stun: [{ host: '127.0.0.1', port }], candidates: 'All' })
  const { problems, gatheringTime } = await one.agent.gather()
  expect(problems).toEqual([`stun:127.0.0.1:${port}: no answer`, `turn:127.0.0.1:${port}: no answer`])
  expect(gatheringTime).toBeGreaterThan(3_000)
  expect(one.agent.local.candidates).toMatchObject([{ type: 'host', port: one.port }])
})

test('coturn as a STUN server: nothing is between us, so that there is no other candidate', async () => {
  await using server = await coturn()
  await using one = await agentOn({ stun: [{ host: 'localhost', port: server.port }], candidates: 'All' })
  expect((await one.agent.gather()).problems).toEqual([])
  expect(one.agent.local.candidates.map(({ type }) => type)).toEqual(['host'])
})
