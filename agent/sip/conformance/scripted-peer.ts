/** A peer whose every word a test writes itself, over one UDP socket: for what no well-behaved engine does. It has no transactions. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type Message, parseMessage, type Request, type Response } from '../message/message.ts'

export interface ReplyChanges {
  /** Default `peer`. */
  tag?: string
  /** A Contact takes the place of the peer's own. */
  headers?: string[]
  body?: string
}

export interface ScriptedPeer extends AsyncDisposable {
  readonly port: number
  /** The next request of this method; what else comes is passed over. */
  request(method: string): Promise<Request>
  response(): Promise<Response>
  reply(request: Request, status: string, changes?: ReplyChanges): void
  /** Sends lines as a message with the body that may follow an empty one. */
  send(lines: string[], port: number): void
}

export async function scriptedPeer(): Promise<ScriptedPeer> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const arrived: Array<{ message: Message; from: number }> = []
  let wake = Promise.withResolvers<void>()
  const origins = new WeakMap<Message, number>()
  socket.on('message', (bytes, remote) => {
    const parsed = parseMessage(bytes)
    if (parsed.kind === 'Malformed') throw new Error(parsed.reason)
    arrived.push({ message: parsed.message, from: remote.port })
    origins.set(parsed.message, remote.port)
    wake.resolve()
    wake = Promise.withResolvers()
  })

  async function next<Wanted extends Message>(wanted: (message: Message) => message is Wanted): Promise<Wanted> {
    for (;;) {
      const entry = arrived.shift()
      if (!entry) await wake.promise
      else if (wanted(entry.message)) return entry.message
    }
  }

  const send = (lines: string[], to: number): void => {
    const text = lines.join('\r\n')
    socket.send(text.includes('\r\n\r\n') ? text : `${text}\r\n\r\n`, to, '127.0.0.1')
  }

  return {
    port,
    request: (method) => next((message): message is Request => message.kind === 'Request' && message.method === method),
    response: () => next((message): message is Response => message.kind === 'Response'),
    reply(request, status, { tag = 'peer', headers = [], body } = {}) {
      const copied = ['Via', 'From', 'Call-ID', 'CSeq'].flatMap((name) =>
        request.headers.all(name.toLowerCase()).map((value) => `${name}: ${value}`),
      )
      const to = request.headers.get('to') ?? ''
      const tagged = request.headers.toTag === undefined ? `${to};tag=${tag}` : to
      const elsewhere = headers.some((each) => each.startsWith('Contact:'))
      const contact = elsewhere ? [] : [`Contact: <sip:${tag}@127.0.0.1:${port}>`]
      const tail = body === undefined ? ['Content-Length: 0', '', ''] : ['Content-Type: application/sdp', '', body]
      send(
        [`SIP/2.0 ${status}`, ...copied, `To: ${tagged}`, ...contact, ...headers, ...tail],
        origins.get(request) ?? 0,
      )
    },
    send,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}
