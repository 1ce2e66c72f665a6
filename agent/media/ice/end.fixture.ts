/** An ICE agent on a socket of its own, for tests; what it is connected to is theirs. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { systemClock } from '../../../lib/clock.ts'
import { systemRandom } from '../../../lib/random.ts'
import { IceAgent, type IceOptions } from './index.ts'

export interface End extends AsyncDisposable {
  agent: IceAgent
  socket: Socket
  port: number
  /** What came and is no STUN, with the port it came from. */
  heard: Array<[text: string, port: number]>
  lost: number
}

/** An agent on a socket of its own on loopback. */
export async function end(options: Partial<IceOptions> = {}, host = '127.0.0.1'): Promise<End> {
  const socket = createSocket(host === '127.0.0.1' ? 'udp4' : 'udp6')
  socket.bind(0, host)
  await once(socket, 'listening')
  const { port } = socket.address()
  const heard: End['heard'] = []
  const agent = new IceAgent({
    ...{
      clock: systemClock,
      random: systemRandom,
      mode: 'Full',
      controlling: false,
      stun: [],
      turn: [],
      candidates: 'All',
    },
    ...{ address: host, port },
    send: (datagram, to, toPort) => socket.send(datagram, toPort, to),
    received: (datagram, _from, fromPort) => heard.push([datagram.toString(), fromPort]),
    lost: () => void result.lost++,
    ...options,
  })
  socket.on('message', (datagram, from) => {
    if ((datagram[0] ?? 0) < 4) agent.receive(datagram, from.address, from.port)
    else heard.push([datagram.toString(), from.port])
  })
  const result: End = {
    ...{ agent, socket, port, heard, lost: 0 },
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]()
      socket.close()
      await once(socket, 'close')
    },
  }
  return result
}
