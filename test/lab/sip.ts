/** Asks a peer whether it speaks SIP yet, by one OPTIONS datagram; no transaction, no retransmission. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** How long one question waits for its answer, milliseconds. */
const ANSWER = 200

/** True when `host`:`port` answers an OPTIONS over UDP with any SIP response. */
export async function answersOptions(port: number, host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<boolean> {
  const address = host === '::1' ? '[::1]' : host
  const socket = createSocket(host === '::1' ? 'udp6' : 'udp4')
  const abort = AbortSignal.timeout(ANSWER)
  try {
    socket.bind(0, host)
    await once(socket, 'listening')
    const own = `${address}:${socket.address().port}`
    const unique = `${process.pid}-${performance.now()}`
    const request = [
      `OPTIONS sip:${address}:${port} SIP/2.0`,
      `Via: SIP/2.0/UDP ${own};rport;branch=z9hG4bK${unique}`,
      'Max-Forwards: 70',
      `From: <sip:lab@${own}>;tag=${unique}`,
      `To: <sip:${address}:${port}>`,
      `Call-ID: ${unique}@lab`,
      'CSeq: 1 OPTIONS',
      `Contact: <sip:lab@${own}>`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n')
    socket.send(request, port, host)
    const [response] = await once(socket, 'message', { signal: abort })
    return String(response).startsWith('SIP/2.0 ')
  } catch (error) {
    if (abort.aborted) return false
    throw error
  } finally {
    socket.close()
  }
}
