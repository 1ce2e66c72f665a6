/** A peer that sends mutated messages to a running engine through real sockets, answers the engine's own requests with mutated responses, and can tell when the engine has read all of it. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Mutator } from './mutate.ts'

export interface HostilePeer extends AsyncDisposable {
  /** Where the engine sends its own requests. */
  readonly port: number
  /** Messages to send: some of the corpus, some that belong to what the engine has. */
  readonly messages: (count: number) => string[]
  /** Sends them as datagrams; resolves when the engine has read them all. */
  readonly datagrams: (texts: readonly string[]) => Promise<void>
  /** Sends them over a connection, cut at random places; resolves when the engine has read them all or closed it. */
  readonly stream: (texts: readonly string[]) => Promise<void>
}

/** Dialogs of which the peer has learnt the tags that the engine gave. */
const REMEMBERED = 64

const INSIDE = ['BYE', 'ACK', 'INVITE', 'CANCEL', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'OPTIONS'] as const

const STATUS = [
  ...[
    '100 Trying',
    '180 Ringing',
    '183 Session Progress',
    '199 Early Dialog Terminated',
    '200 OK',
    '202 Accepted',
    '300 Multiple Choices',
  ],
  ...[
    '302 Moved',
    '401 Unauthorized',
    '407 Proxy',
    '408 Timeout',
    '420 Bad Extension',
    '422 Too Small',
    '423 Too Brief',
    '481 None',
  ],
  ...[
    '486 Busy',
    '487 Terminated',
    '488 Not Acceptable',
    '491 Pending',
    '500 Error',
    '503 Unavailable',
    '600 Busy',
    '699 Never',
  ],
] as const

const EXTRA = [
  '',
  'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n',
  'Proxy-Authenticate: Digest realm="r", nonce="n", algorithm=SHA-256, stale=true\r\n',
  'Require: 100rel\r\nRSeq: 1\r\n',
  'Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n',
  'Min-Expires: 4294967295\r\n',
  'Min-SE: 4294967295\r\n',
  'Record-Route: <sip:127.0.0.1;lr>\r\n',
  'Retry-After: 1\r\n',
] as const

/** @param ports of the engine on 127.0.0.1 */
export async function hostilePeer(mutator: Mutator, ports: { UDP: number; TCP: number }): Promise<HostilePeer> {
  const { below, pick, changed, message } = mutator
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  const dialogs: string[] = []
  let number = 0
  let expected = ''
  let pong = Promise.withResolvers<void>()

  const sdp = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n`
  const withSdp = `Content-Type: application/sdp\r\nContent-Length: ${sdp.length}\r\n\r\n${sdp}`
  const send = (text: string): void => {
    // An empty datagram, and one that is too long for a datagram, never arrive.
    socket.send(Buffer.from(text.slice(0, 65_000) || ' ', 'latin1'), ports.UDP, '127.0.0.1', () => {})
  }
  const via = (): string => `SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${++number};rport`
  const fields = (text: string): string => (text.match(/^(?:Via|From|Call-ID|CSeq):.*\r\n/gim) ?? []).join('')

  socket.on('message', (bytes) => {
    const text = bytes.toString('latin1')
    if (text.startsWith('SIP/2.0 200') && text.includes(`Call-ID: ${expected}\r\n`)) pong.resolve()
    if (text.startsWith('SIP/2.0')) learn(text)
    else if (!text.startsWith('ACK')) for (let left = below(4); left > 0; left--) answer(text)
  })
  // What is sent to a port that nobody has any more.
  socket.on('error', () => {})

  /** From a response of the engine: who is who in the dialog that it may have made. */
  function learn(text: string): void {
    const [from, to, callId] = ['From', 'To', 'Call-ID'].map(
      (name) => new RegExp(`^${name}: .*\\r\\n`, 'm').exec(text)?.[0] ?? '',
    )
    if (!to?.includes(';tag=')) return
    dialogs.push(`${from}${to}${callId}`)
    if (dialogs.length > REMEMBERED) dialogs.splice(below(REMEMBERED), 1)
  }

  function answer(request: string): void {
    const to = /^To: .*/m.exec(request)?.[0] ?? 'To: <sip:x@y>'
    const tagged = to.includes(';tag=') ? to : `${to};tag=${pick(['p', 'q', `${++number}`])}`
    const body = below(2) === 0 ? withSdp : 'Content-Length: 0\r\n\r\n'
    const contact = `Contact: <sip:peer@127.0.0.1:${port}>\r\n`
    const text = `SIP/2.0 ${pick(STATUS)}\r\n${fields(request)}${tagged}\r\n${contact}${pick(EXTRA)}${body}`
    send(below(3) === 0 ? text : changed(text))
  }

  /** A request inside a dialog that the engine thinks it has, or outside one with a branch of its own. */
  function next(): string {
    if (dialogs.length > 0 && below(3) === 0) {
      const method = pick(INSIDE)
      const head = `${method} sip:x@127.0.0.1 SIP/2.0\r\nVia: ${via()}\r\n${pick(dialogs)}CSeq: ${1 + below(5)} ${method}\r\n`
      const text = `${head}Contact: <sip:peer@127.0.0.1:${port}>\r\n${below(2) === 0 ? withSdp : 'Content-Length: 0\r\n\r\n'}`
      return below(2) === 0 ? text : changed(text)
    }
    if (below(3) === 0) {
      const text = `INVITE sip:x@127.0.0.1 SIP/2.0\r\nVia: ${via()}\r\nFrom: <sip:p@h>;tag=${number}\r\nTo: <sip:x@y>\r\nCall-ID: i${number}\r\nCSeq: 1 INVITE\r\n${withSdp}`
      return below(2) === 0 ? text : changed(text)
    }
    return message()
  }

  const ping = (transport: string): string => {
    expected = `ping-${++number}`
    pong = Promise.withResolvers()
    const head = `OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: ${via().replace('UDP', transport)}\r\nFrom: <sip:p@h>;tag=${number}\r\nTo: <sip:x@y>\r\n`
    return `${head}Call-ID: ${expected}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`
  }

  /** Writes in pieces; whether the engine still takes them. */
  async function write(stream: Socket, text: string): Promise<boolean> {
    const bytes = Buffer.from(text, 'latin1')
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + below(below(20) === 0 ? 40 : 4_000)
      if (stream.destroyed || !stream.writable) return false
      stream.write(bytes.subarray(at, end))
      at = end
      // Each piece is a segment of its own.
      if (below(8) === 0) await nextTurn()
    }
    return true
  }

  return {
    port,
    messages: (count) => Array.from({ length: count }, next),
    async datagrams(texts) {
      for (const text of texts) send(text)
      send(ping('UDP'))
      await pong.promise
    },
    async stream(texts) {
      const stream = connect({ port: ports.TCP, host: '127.0.0.1', noDelay: true })
      stream.on('error', () => {}).resume()
      const closed = new Promise((resolve) => stream.on('close', resolve))
      for (const text of texts) if (!(await write(stream, text))) break
      // It is read to the end, then closed from the other side, or was closed for what it held.
      stream.end()
      await closed
    },
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}
