/** A way to a server that can be blocked: connections through it stay open and carry nothing, as when a network breaks in the middle. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { freePort } from '../lab/ports.ts'

export interface Relay extends AsyncDisposable {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number
  /** Until it is disposed of nothing passes; then the old connections are reset and new ones work. */
  block(): Disposable
}

/** @param target a port of 127.0.0.1 */
export async function relay(target: number): Promise<Relay> {
  const port = await freePort()
  const sockets = new Set<Socket>()
  let isBlocked = false
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      // It is followed by the end.
      from.on('error', () => {})
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
    port,
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

/**
 * A relay to the API server, and the path of a kubeconfig whose way leads through it.
 * @param kubeconfig path of one that leads there directly
 * @param name distinguishes several of them
 */
export async function relayTo(kubeconfig: string, name = 'relay'): Promise<Relay & { readonly kubeconfig: string }> {
  const text = readFileSync(kubeconfig, 'utf8')
  const target = Number(/127\.0\.0\.1:(\d+)/.exec(text)?.[1])
  const way = await relay(target)
  const own = `${kubeconfig}.${name}`
  writeFileSync(own, text.replace(`127.0.0.1:${target}`, `127.0.0.1:${way.port}`), { mode: 0o600 })
  return { ...way, kubeconfig: own }
}
