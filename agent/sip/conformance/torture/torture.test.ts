import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../../lib/manual-clock.ts'
import { type Message, parseMessage, type Response } from '../../message/message.ts'
import { engine } from '../lab.ts'
import { outside } from '../odd-lab.ts'
import { staleTorturePage } from './page.ts'
import type { Outcome, TortureRow } from './row.ts'
import { RFC_4475, RFC_5118 } from './tables.ts'

const vectors = join(import.meta.dirname, '../../../../test/vectors')

/** Byte for byte as published. */
const published = (rfc: string, { name }: TortureRow) => readFileSync(join(vectors, rfc, `${name}.dat`))

/** RFC 5118 publishes its messages with LF, and with a Content-Length that is not theirs. */
function corrected(row: TortureRow): Buffer {
  const text = published('rfc5118', row).toString('latin1')
  const end = text.indexOf('\n\n')
  const [head, body] = end < 0 ? [text.trimEnd(), ''] : [text.slice(0, end), text.slice(end + 2)]
  const crlf = body.replaceAll('\n', '\r\n')
  const fields = head.replaceAll('\n', '\r\n').replace(/^Content-Length: \d+$/m, `Content-Length: ${crlf.length}`)
  return Buffer.from(`${fields}\r\n\r\n${crlf}`, 'latin1')
}

const rows = [
  ...RFC_4475.map((row) => ({ name: `4475 ${row.section} ${row.name}`, row, bytes: published('rfc4475', row) })),
  ...RFC_5118.map((row) => ({ name: `5118 ${row.section} ${row.name}`, row, bytes: corrected(row) })),
]

describe('the parser', () => {
  test.each(rows)('$name', ({ row, bytes }) => {
    const parsed = parseMessage(bytes)
    expect(parsed.kind === 'Malformed' ? parsed.reason : undefined).toBe(row.malformed)
  })
})

const PING = `${outside('OPTIONS', { 'Call-ID': 'ping', Via: 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKping' }).join('\r\n')}\r\n\r\n`

interface Wire extends AsyncDisposable {
  send(bytes: Buffer | string): void
  /** The next message; undefined when the connection was closed. */
  next(): Promise<Message | undefined>
}

async function lab(bytes: Buffer) {
  const clock = new ManualClock()
  const ours = await engine({ clock })
  const users: string[] = []
  ours.onInvite(undefined, (incoming) => {
    users.push(incoming.user)
    incoming.reject(BUSY)
  })
  const parsed = parseMessage(bytes)
  const request = parsed.kind === 'Parsed' ? parsed.message : parsed.request
  return { clock, ours, users, viaPort: request?.headers.via?.port ?? 5060 }
}

function queue() {
  const arrived: Array<Message | undefined> = []
  let wake = Promise.withResolvers<void>()
  return {
    add(message: Message | undefined): void {
      arrived.push(message)
      wake.resolve()
      wake = Promise.withResolvers()
    },
    async next(): Promise<Message | undefined> {
      while (arrived.length === 0) await wake.promise
      return arrived.shift()
    },
  }
}

function read(bytes: Buffer): Message {
  const parsed = parseMessage(bytes)
  if (parsed.kind === 'Parsed') return parsed.message
  // What is repeated of a request without Call-ID, From and To lacks them too.
  const first = /^SIP\/2\.0 (\d{3}) (.*)/.exec(bytes.toString())
  const answer: Response | undefined = first
    ? { ...read(Buffer.from(GOOD)), kind: 'Response', code: Number(first[1]), reason: first[2] ?? '' }
    : undefined
  if (!answer) throw new Error(`${parsed.reason}: ${bytes.toString()}`)
  return answer
}

const GOOD = `SIP/2.0 200 OK\r\n${outside('OPTIONS').slice(1).join('\r\n')}\r\n\r\n`

/** An address of this process's own, because the answer goes to the port in Via (18.2.2): 5060 where it names none. */
const ADDRESS = `127.${1 + (process.pid % 250)}.${(process.pid >> 8) % 250}.77`

async function udpWire(port: number, to: number): Promise<Wire> {
  const socket: Datagrams = createSocket('udp4')
  socket.bind(port, ADDRESS)
  await once(socket, 'listening')
  const arrived = queue()
  socket.on('message', (bytes) => arrived.add(read(bytes)))
  return {
    send: (bytes) => socket.send(bytes, to, '127.0.0.1'),
    next: () => arrived.next(),
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}

async function tcpWire(to: number): Promise<Wire> {
  const socket = connect(to, '127.0.0.1')
  await once(socket, 'connect')
  const arrived = queue()
  let text = ''
  // No answer of ours has a body here.
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      arrived.add(read(Buffer.from(text.slice(0, end + 4), 'latin1')))
      text = text.slice(end + 4)
    }
  })
  socket.on('error', () => {}).on('close', () => arrived.add(undefined))
  return {
    send: (bytes) => socket.write(bytes),
    next: () => arrived.next(),
    async [Symbol.asyncDispose]() {
      socket.destroy()
    },
  }
}

const code = (message: Message | undefined) => (message?.kind === 'Response' ? message.code : message)

async function final(wire: Wire): Promise<Response | undefined> {
  for (;;) {
    const message = await wire.next()
    if (message === undefined) return undefined
    if (message.kind === 'Response' && message.code >= 200) return message
  }
}

/** Lets the time pass that `settling` takes. */
async function passing<Value>(clock: ManualClock, settling: Promise<Value>): Promise<Value> {
  let settled = false
  void settling.then(() => (settled = true))
  while (!settled) {
    await clock.advance(60_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return settling
}

/** What comes of it, as far as the kind of the outcome that is expected says where to look. */
async function seen(
  expected: Outcome,
  wire: Wire,
  { clock, users }: Awaited<ReturnType<typeof lab>>,
): Promise<unknown> {
  switch (expected.kind) {
    case 'Response': {
      const response = await final(wire)
      const [name = '', part = ''] = expected.header ?? []
      const found = expected.header && response?.headers.get(name)?.includes(part) && { header: expected.header }
      return { kind: users.length === 0 ? 'Response' : 'Call', code: code(response), ...found }
    }
    case 'Call':
      return code(await final(wire)) === BUSY ? { kind: 'Call', user: users.join() } : 'no call'
    case 'Dropped':
      wire.send(PING)
      return (await final(wire))?.headers.callId === 'ping' ? { kind: 'Dropped' } : 'answered'
    case 'Waits':
      // When the connection was accepted is not ours to see: time goes on until it is closed, and nothing else comes before that.
      return (await passing(clock, wire.next())) === undefined ? { kind: 'Waits' } : 'answered'
    case 'Closed': {
      const answer = code(await final(wire))
      return (await wire.next()) === undefined ? { kind: 'Closed', code: answer } : 'open'
    }
    case 'Both': {
      const first = code(await final(wire))
      return code(await final(wire)) === BUSY ? { kind: 'Both', code: first, user: users.join() } : 'no call'
    }
  }
}

const BUSY = 486

describe.each(['UDP', 'TCP'] as const)('a running user agent over %s', (transport) => {
  test.each(rows)('$name', async ({ row, bytes }) => {
    const all = await lab(bytes)
    await using ours = all.ours
    {
      await using wire = await (transport === 'UDP' ? udpWire(all.viaPort, ours.ports.UDP) : tcpWire(ours.ports.TCP))
      wire.send(bytes)
      const expected = (transport === 'TCP' && row.tcp) || row.udp
      expect(await seen(expected, wire, all)).toEqual(expected)
    }
    // And it works on.
    await using other = await tcpWire(ours.ports.TCP)
    other.send(PING.replaceAll('ping', 'again'))
    expect(code(await final(other))).toBe(200)
    await all.clock.advance(64_000)
    expect(ours.gauges).toMatchObject({ transactions: 0, dialogs: 0 })
  })
})

test('every message of both RFCs has its row, once', () => {
  const files = (rfc: string) => readdirSync(join(vectors, rfc)).filter((file) => file.endsWith('.dat'))
  const names = (table: readonly TortureRow[]) => table.map(({ name }) => `${name}.dat`).toSorted()
  expect(names(RFC_4475)).toEqual(files('rfc4475').toSorted())
  expect(names(RFC_5118)).toEqual(files('rfc5118').toSorted())
  expect([RFC_4475.length, RFC_5118.length]).toEqual([49, 12])
})

test('the reference page is what the table says', async () => {
  expect(await staleTorturePage()).toBe(false)
})
