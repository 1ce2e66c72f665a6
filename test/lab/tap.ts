/** A TCP relay in front of a peer that keeps what it passes on, byte for byte; it changes nothing. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { freePort } from './ports.ts'

export interface Tap extends AsyncDisposable {
  readonly port: number
  /** What each side has sent so far, all connections together. */
  readonly sent: Readonly<Record<'client' | 'server', string>>
}

export async function tap(target: number): Promise<Tap> {
  const sent = { client: '', server: '' }
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const [from, to, side] of [
      [client, upstream, 'client'],
      [upstream, client, 'server'],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => {
        sent[side] += bytes.toString('latin1')
        to.write(bytes)
      })
      // The end of one side is the end of the other; an error is followed by it.
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
  })
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port,
    sent,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
