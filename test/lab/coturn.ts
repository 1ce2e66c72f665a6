/** A real coturn: STUN, and TURN over UDP and TCP with one user, on loopback. It keeps nothing. */
import { createSocket } from 'node:dgram'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { freePort, freeRtpPorts } from './ports.ts'
import { start, temporaryFolder } from './process.ts'

export interface Coturn extends AsyncDisposable {
  readonly host: '127.0.0.1'
  /** UDP and TCP. */
  readonly port: number
  readonly username: string
  readonly password: string
  /** The relayed addresses that it gives away, both inclusive. */
  readonly relayPorts: { readonly first: number; readonly last: number }
  log(): string
}

/** Allocations at once. */
const RELAYS = 20

export async function coturn(): Promise<Coturn> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(temporaryFolder('coturn')).path
  const [port, first] = [await freePort(), await freeRtpPorts(RELAYS)]
  const last = first + RELAYS - 1
  const [username, password] = ['lab', 'pw-lab']
  const child = stack.use(
    await start({
      command: 'turnserver',
      arguments: [
        // No file but its arguments, and none written.
        ...[
          '-n',
          '--log-file=stdout',
          '--simple-log',
          '--verbose',
          `--userdb=${folder}/turndb`,
          `--pidfile=${folder}/pid`,
        ],
        ...['--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`],
        ...[`--min-port=${first}`, `--max-port=${last}`, '--no-tls', '--no-dtls', '--no-cli', '--no-rfc5780'],
        ...['--lt-cred-mech', '--fingerprint', '--realm=lab', `--user=${username}:${password}`],
        // It relays to nobody on loopback otherwise.
        ...['--allow-loopback-peers', '--no-multicast-peers'],
      ],
      folder,
      ready: () => answersBinding(port),
    }),
  )
  const owned = stack.move()
  return {
    ...{ host: '127.0.0.1', port, username, password, relayPorts: { first, last } },
    log: () => child.log(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** One Binding request (RFC 8489 5) and whether anything comes back. */
async function answersBinding(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    //                           Binding request, no attributes, magic cookie, transaction id
    socket.send(Buffer.concat([Buffer.from('000100002112a442', 'hex'), randomBytes(12)]))
    await once(socket, 'message', { signal: AbortSignal.timeout(200) })
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
