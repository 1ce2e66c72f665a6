/** Both ends of a negotiated path on loopback, for tests: it listens to nothing and checks nothing. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { systemClock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import { createCertificate } from './dtls/index.ts'
import { NegotiatedPath, type PathOptions, type PathOutcome, type RemotePath } from './negotiated-path.ts'

/** Of both ends. */
export const certificates = {
  offerer: await createCertificate(systemClock),
  answerer: await createCertificate(systemClock),
}

type IceMode = 'Lite' | 'Full'

export interface End extends AsyncDisposable {
  path: NegotiatedPath
  socket: Socket
  port: number
}

export async function open(
  name: 'offerer' | 'answerer',
  mode?: IceMode,
  options: Partial<PathOptions> = {},
): Promise<End> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const ice = mode && { mode, controlling: name === 'offerer', stun: [], turn: [], candidates: 'All' as const }
  const path = new NegotiatedPath({
    ...{ clock: systemClock, random: systemRandom, socket, certificate: certificates[name] },
    ...(ice && { ice }),
    ...options,
  })
  await path.gather()
  return {
    ...{ path, socket, port: socket.address().port },
    async [Symbol.asyncDispose]() {
      await path[Symbol.asyncDispose]()
      socket.close()
      await once(socket, 'close')
    },
  }
}

export function remoteOf({ path, port }: End, dtls?: RemotePath['dtls']): RemotePath {
  return { host: '127.0.0.1', port, ...(path.ice && { ice: path.ice }), ...(dtls && { dtls }) }
}

/** The answerer begins the handshake, as an answer to `actpass` has it. */
export async function connect(offerer: End, answerer: End, encrypted = true): Promise<[PathOutcome, PathOutcome]> {
  const fingerprints = (name: 'offerer' | 'answerer') => [certificates[name].fingerprint]
  const ofAnswerer = { side: 'Server' as const, fingerprints: fingerprints('answerer') }
  const ofOfferer = { side: 'Client' as const, fingerprints: fingerprints('offerer') }
  return await Promise.all([
    offerer.path.connect(remoteOf(answerer, encrypted ? ofAnswerer : undefined), 20_000),
    answerer.path.connect(remoteOf(offerer, encrypted ? ofOfferer : undefined), 20_000),
  ])
}
