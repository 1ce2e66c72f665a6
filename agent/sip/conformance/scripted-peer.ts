/** A peer whose every word a test writes itself, over any transport: for what no well-behaved engine does. It has sockets and no transactions. */
import { systemClock } from '../../../lib/clock.ts'
import { systemRandom } from '../../../lib/random.ts'
import type { SignallingEngine, Transport } from '../engine.ts'
import { LIMITS, noRefusals } from '../limits.ts'
import type { Message, Request, Response } from '../message/message.ts'
import { LocalAddresses } from '../transport/addresses.ts'
import type { Flow } from '../transport/flow.ts'
import { MessageCounter } from '../transport/message-counter.ts'
import { bindTransports } from '../transport/transports.ts'
import { AUTHORITY, IDENTITY, parameterOf, portOf } from './lab.ts'

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
  /** Sends lines as a message with the body that may follow an empty one. A Via names UDP: it is told as the transport that is used. */
  send(lines: string[], engine: SignallingEngine): void
}

const HOST = '127.0.0.1'

export async function scriptedPeer(transport: Transport = 'UDP'): Promise<ScriptedPeer> {
  const arrived: Message[] = []
  let wake = Promise.withResolvers<void>()
  const origins = new WeakMap<Message, Flow>()
  const transports = await bindTransports({
    ...{ clock: systemClock, random: systemRandom, host: HOST, identity: IDENTITY },
    ports: { TLS: 0, WS: 0, WSS: 0 },
    ...{ addresses: new LocalAddresses(systemClock, HOST), counter: new MessageCounter() },
    ...{ limits: LIMITS, refused: noRefusals() },
    receive(message, { flow }) {
      arrived.push(message)
      origins.set(message, flow)
      wake.resolve()
      wake = Promise.withResolvers()
    },
    malformed(reason) {
      throw new Error(reason)
    },
  })
  const { ways, ports } = transports
  const port = ports[transport] ?? 0

  async function next<Wanted extends Message>(wanted: (message: Message) => message is Wanted): Promise<Wanted> {
    for (;;) {
      const message = arrived.shift()
      if (!message) await wake.promise
      else if (wanted(message)) return message
    }
  }

  async function flowTo(engine: SignallingEngine): Promise<Flow> {
    const target = { host: HOST, port: portOf(engine, transport), transport }
    if (transport === 'UDP') return ways.udp(HOST, target.port)
    const opened = await ways.open({ ...target, name: HOST, tls: { ca: AUTHORITY.ca, verify: 'Full' } })
    if (opened.kind !== 'Open') throw new Error(opened.kind)
    return opened.flow
  }

  /** What was sent before goes before. */
  let sending: Promise<unknown> = Promise.resolve()

  return {
    port,
    request: (method) => next((message): message is Request => message.kind === 'Request' && message.method === method),
    response: () => next((message): message is Response => message.kind === 'Response'),
    reply(request, status, { tag = 'peer', headers = [], body = '' } = {}) {
      const copied = ['Via', 'From', 'Call-ID', 'CSeq'].flatMap((name) =>
        request.headers.all(name.toLowerCase()).map((value) => `${name}: ${value}`),
      )
      const to = request.headers.get('to') ?? ''
      const tagged = request.headers.toTag === undefined ? `${to};tag=${tag}` : to
      const elsewhere = headers.some((each) => each.startsWith('Contact:'))
      const contact = elsewhere ? [] : [`Contact: <sip:${tag}@${HOST}:${port}${parameterOf(transport)}>`]
      const type = body === '' ? [] : ['Content-Type: application/sdp']
      const length = [`Content-Length: ${Buffer.byteLength(body)}`]
      const lines = [
        `SIP/2.0 ${status}`,
        ...copied,
        `To: ${tagged}`,
        ...contact,
        ...headers,
        ...type,
        ...length,
        '',
        body,
      ]
      origins.get(request)?.send(lines.join('\r\n'))
    },
    send(lines, engine) {
      const text = whole(lines, transport)
      if (transport === 'UDP') return ways.udp(HOST, portOf(engine, transport)).send(text)
      sending = sending.then(async () => (await flowTo(engine)).send(text))
    },
    async [Symbol.asyncDispose]() {
      await sending
      await transports[Symbol.asyncDispose]()
    },
  }
}

/** Over a stream a message says how long its body is. */
function whole(lines: string[], transport: Transport): string {
  const text = lines.join('\r\n').replaceAll(/^Via: SIP\/2\.0\/UDP/gm, `Via: SIP/2.0/${transport}`)
  const end = text.indexOf('\r\n\r\n')
  const [head, body] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 4)]
  const stated = transport === 'UDP' || /^Content-Length:/im.test(head)
  return `${head}${stated ? '' : `\r\nContent-Length: ${Buffer.byteLength(body)}`}\r\n\r\n${body}`
}
