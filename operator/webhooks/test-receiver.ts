/** A real HTTP server that takes webhooks, for tests: it keeps what arrived and answers as it is told. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What arrived at the receiver, in order, with the answer it got. */
export interface Received {
  path: string
  id: string
  signature: string | undefined
  body: string
  headers: NodeJS.Dict<string | string[]>
}

export type Answer = (request: IncomingMessage, response: ServerResponse, received: Received) => void
export const accept: Answer = (_request, response) => void response.writeHead(204).end()
export const refuse: Answer = (_request, response) => void response.writeHead(503).end('busy')
export const hang: Answer = () => undefined

export class Receiver implements AsyncDisposable {
  readonly received: Received[] = []
  /** By path; what has none is accepted. */
  readonly answers = new Map<string, Answer>()
  readonly #server = createServer((request, response) => void this.#take(request, response))

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  url(path: string): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('it does not listen')
    return `http://127.0.0.1:${address.port}${path}`
  }

  ids(path: string): string[] {
    return this.received.filter((each) => each.path === path).map(({ id }) => id)
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { headers, url: path = '' } = request
    const received = {
      path,
      id: String(headers['webhook-id']),
      signature: headers['webhook-signature']?.toString(),
      body: Buffer.concat(chunks).toString(),
      headers,
    }
    this.received.push(received)
    const answer = this.answers.get(path) ?? accept
    answer(request, response, received)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** The three headers as the verifying library takes them. */
export function headersOf(received: Received | undefined): Record<string, string> {
  return {
    'webhook-id': received?.id ?? '',
    'webhook-timestamp': String(received?.headers['webhook-timestamp']),
    'webhook-signature': received?.signature ?? '',
  }
}
