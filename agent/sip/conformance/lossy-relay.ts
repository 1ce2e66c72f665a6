/** A relay between two UDP peers that loses datagrams by a seeded choice and keeps count: the ground truth of retransmissions. It stands in the place of each for the other. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Random } from '../../../lib/random.ts'

export interface LossyRelay extends AsyncDisposable {
  /** What the left peer takes for the right one. */
  readonly port: number
  /** Datagrams that came more than once from a side, byte for byte: what it sent again, lost or not. */
  readonly again: { left: number; right: number }
  readonly lost: number
}

interface Side {
  socket: Socket
  peer: number
  seen: Set<string>
}

/** @param loss share of datagrams lost, each way */
export async function lossyRelay(
  left: number,
  right: number,
  options: { random: Random; loss: number },
): Promise<LossyRelay> {
  const { random, loss } = options
  const again = { left: 0, right: 0 }
  let lost = 0
  const side = async (peer: number): Promise<Side> => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return { socket, peer, seen: new Set() }
  }
  const sides = { left: await side(left), right: await side(right) }
  /** Ports in headers are changed to those of the relay, so that requests inside a dialog come through it as well. */
  const disguise = (text: string): string =>
    text
      .replaceAll(`:${left}`, `:${sides.right.socket.address().port}`)
      .replaceAll(`:${sides.left.socket.address().port}`, `:${right}`)
  const reveal = (text: string): string =>
    text
      .replaceAll(`:${right}`, `:${sides.left.socket.address().port}`)
      .replaceAll(`:${sides.right.socket.address().port}`, `:${left}`)

  function forward(from: 'left' | 'right', to: Side, translate: (text: string) => string): void {
    const { socket, seen } = sides[from]
    socket.on('message', (bytes) => {
      const text = bytes.toString()
      if (seen.has(text)) again[from]++
      seen.add(text)
      if (random() < loss) lost++
      else to.socket.send(translate(text), to.peer, '127.0.0.1')
    })
  }
  forward('left', sides.right, disguise)
  forward('right', sides.left, reveal)

  return {
    port: sides.left.socket.address().port,
    again,
    get lost() {
      return lost
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of Object.values(sides)) {
        const closed = once(socket, 'close')
        socket.close()
        await closed
      }
    },
  }
}
