/** Sockets that send whatever they are given to sessions, as the peer that they call and as a stranger. It makes no packet and judges nothing. */
import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { MediaSession } from '../media.ts'
import { parseCompound } from '../rtcp.ts'

const HOST = '127.0.0.1'
/** Another host: what comes from it is never taken for the peer's. */
const STRANGER = '127.0.0.2'

export type Sender = 'Peer' | 'Stranger'
export type Port = 'RTP' | 'RTCP'

/** What the last SR of the session said: reports that name it are read to the end. */
export interface Told {
  ssrc: number
  /** Middle 32 bits of its NTP timestamp. */
  senderReport: number
}

export interface HostilePeer extends AsyncDisposable {
  readonly remote: { host: string; rtpPort: number; rtcpPort: number }
  /** Undefined: no SR came yet. */
  readonly told: Told | undefined
  send(session: MediaSession, as: Sender, to: Port, packet: Buffer): void
}

export async function hostilePeer(): Promise<HostilePeer> {
  await using stack = new AsyncDisposableStack()
  const [rtp, rtcp, stranger] = [await bound(HOST, stack), await bound(HOST, stack), await bound(STRANGER, stack)]
  let told: Told | undefined
  rtcp.on('message', (message) => {
    const [report] = parseCompound(message) ?? []
    if (report?.type === 'SR') told = { ssrc: report.ssrc, senderReport: message.readUInt32BE(10) }
  })
  const owned = stack.move()
  return {
    remote: { host: HOST, rtpPort: rtp.address().port, rtcpPort: rtcp.address().port },
    get told() {
      return told
    },
    send(session, as, to, packet) {
      const own = to === 'RTP' ? rtp : rtcp
      const socket = as === 'Peer' ? own : stranger
      socket.send(packet, to === 'RTP' ? session.rtpPort : session.rtcpPort, HOST)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function bound(host: string, stack: AsyncDisposableStack): Promise<Socket> {
  const socket = createSocket('udp4')
  stack.defer(() => new Promise<void>((resolve) => socket.close(() => resolve())))
  socket.bind(0, host)
  await once(socket, 'listening')
  return socket
}
