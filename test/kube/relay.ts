/** A way to the API server that can be blocked: connections through it stay open and carry nothing, as when a network breaks in the middle. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { freePort } from '../lab/ports.ts'

export interface Relay extends AsyncDisposable {
  /** Path of a kubeconfig whose way leads through here. */
  readonly kubeconfig: string
  /** Until it is disposed of nothing passes; then the old connections are reset and new ones work. */
  block(): Disposable
}

/** @param kubeconfig path of one that leads to the API server directly */
export async function relayTo(kubeconfig: string): Promise<Relay> {
  const text = readFileSync(kubeconfig, 'utf8')
  const target = Number(/127\.0\.0\.1:(\d+)/.exec(text)?.[1])
  const port = await freePort()
  const own = `${kubeconfig}.relay`
  writeFileSync(own, text.replace(`127.0.0.1:${target}`, `127.0.0.1:${port}`), { mode: 0o600 })

  const sockets = new Set<Socket>()
  let isBlocked = false
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        if (!isBlocked) to.destroy()
      })
      from.on('data', (data) => {
        if (!isBlocked) to.write(data)
      })
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const reset = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    kubeconfig: own,
    block() {
      isBlocked = true
      return {
        [Symbol.dispose]() {
          isBlocked = false
          reset()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      reset()
      await once(server, 'close')
    },
  }
}
