/** A real rtpengine in user space: media of a call goes through it, and on each side it encrypts and speaks ICE as it is told. Who tells it is Kamailio. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { freePort, freeRtpPorts } from './ports.ts'
import { start, temporaryFolder } from './process.ts'

export interface Rtpengine extends AsyncDisposable {
  /** Of its control protocol, UDP. */
  readonly port: number
  log(): string
}

/** RTP and RTCP of both sides of twenty calls. */
const PORTS = 80

export async function rtpengine(): Promise<Rtpengine> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('rtpengine')).path
  const [port, first] = [await freePort(), await freeRtpPorts(PORTS)]
  const child = stack.use(
    await start({
      command: 'rtpengine',
      arguments: [
        ...['--foreground', '--log-stderr', '--log-level=6', '--no-log-timestamps'],
        // No kernel module: it forwards by itself.
        ...['--config-file=none', '--table=-1', '--num-threads=2'],
        ...['--interface=127.0.0.1', `--listen-ng=127.0.0.1:${port}`],
        ...[`--port-min=${first}`, `--port-max=${first + PORTS - 1}`],
      ],
      folder,
      ready: () => answersPing(port),
    }),
  )
  const owned = stack.move()
  return { port, log: () => child.log(), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Its control protocol: a cookie and a bencoded dictionary, answered under the same cookie. */
async function answersPing(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.send('lab d7:command4:pinge')
    const [answer] = await once(socket, 'message', { signal: AbortSignal.timeout(200) })
    return String(answer).includes('4:pong')
  } catch {
    return false
  } finally {
    socket.close()
  }
}
