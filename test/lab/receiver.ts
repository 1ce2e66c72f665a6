/** A real HTTP server that receives webhooks and verifies them with the library that receivers use; it knows nothing of what they say. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import type { Identity } from './certificates.ts'
import { freePort } from './ports.ts'

interface Delivery {
  /** `webhook-id`: the same for each attempt of one event. */
  readonly id: string
  /** The verified body, parsed as JSON. */
  readonly payload: unknown
  readonly headers: Readonly<Record<string, string>>
  /** The status it was answered with. */
  readonly answered: number
}

export interface Receiver extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** All that was verified, in the order of arrival, those answered with a failure among them. */
  readonly deliveries: readonly Delivery[]
  /** Why each of the others was refused (401): a signature that is wrong, missing or too old. */
  readonly refused: readonly string[]
  /** The ids of the deliveries it accepted (2xx), each once, in the order of their first acceptance. */
  accepted(): string[]
  /** Waits for a delivery that came or comes; throws after `within` milliseconds (default 10 000). */
  delivery(matches: (delivery: Delivery) => boolean, within?: number): Promise<Delivery>
  /** Answers this status from now on, until `up`. */
  fail(status: number): void
  /** What comes is neither taken nor answered until this, and every other hold, is disposed of; `waiting` counts those who wait for it. */
  hold(): Disposable & { readonly waiting: number }
  /** Closes its port and its connections: refuses to connect until `up`. */
  down(): Promise<void>
  /** Listens, on the same port, and answers 204. */
  up(): Promise<void>
}

/**
 * @param secret `whsec_...`, as in the Standard Webhooks specification
 * @param at an address of this machine, and who it is there, over HTTPS; default: plain HTTP on 127.0.0.1
 */
export async function receiver(secret: string, at?: { host: string; identity: Identity }): Promise<Receiver> {
  const host = at?.host ?? '127.0.0.1'
  const webhook = new Webhook(secret)
  const port = await freePort()
  const deliveries: Delivery[] = []
  const refused: string[] = []
  const waiting = new Set<() => void>()
  const held = new Set<IncomingMessage>()
  let holding: { readonly over: PromiseWithResolvers<void>; holds: number } | undefined
  let status = 204

  /** Keeps what came and says what to answer. */
  async function take(request: IncomingMessage): Promise<number> {
    const body = await text(request)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    let payload: unknown
    try {
      payload = webhook.verify(body, headers)
    } catch (error) {
      refused.push(error instanceof Error ? error.message : String(error))
      return 401
    }
    deliveries.push({ id: headers['webhook-id'] ?? '', payload, headers, answered: status })
    for (const look of waiting) look()
    return status
  }

  /** Rejects when the sender went away meanwhile. */
  async function released(request: IncomingMessage): Promise<void> {
    if (!holding) return
    held.add(request)
    request.socket.once('close', () => held.delete(request))
    await holding.over.promise
    if (!held.delete(request)) throw new Error('nobody waits for the answer')
  }

  const listener: RequestListener = (request, response) => {
    released(request)
      .then(() => take(request))
      .then(
        (answer) => response.writeHead(answer).end(),
        // The sender went away in the middle of its body, or while it was held.
        () => response.destroy(),
      )
  }
  const server = at
    ? createSecureServer({ key: at.identity.key, cert: at.identity.certificate }, listener)
    : createServer(listener)
  const up = async () => {
    status = 204
    if (server.listening) return
    const listening = once(server, 'listening')
    server.listen(port, host)
    await listening
  }
  const down = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  await up()

  return {
    url: `${at ? 'https' : 'http'}://${host}:${port}/`,
    port,
    deliveries,
    refused,
    accepted: () => [...new Set(deliveries.filter(({ answered }) => answered < 300).map(({ id }) => id))],
    delivery(matches, within = 10_000) {
      return new Promise((resolve, reject) => {
        const settle = () => {
          clearTimeout(timer)
          waiting.delete(look)
        }
        const look = () => {
          const found = deliveries.find(matches)
          if (!found) return
          settle()
          resolve(found)
        }
        const timer = setTimeout(() => {
          settle()
          const seen = JSON.stringify({ deliveries, refused })
          reject(new Error(`no such delivery within ${within} ms; received so far: ${seen}`))
        }, within)
        waiting.add(look)
        look()
      })
    },
    fail: (answer) => void (status = answer),
    hold() {
      const ours = (holding ??= { over: Promise.withResolvers<void>(), holds: 0 })
      ours.holds++
      return {
        get waiting() {
          return held.size
        },
        [Symbol.dispose]() {
          if (--ours.holds > 0) return
          holding = undefined
          ours.over.resolve()
        },
      }
    },
    down,
    up,
    [Symbol.asyncDispose]: down,
  }
}
