/** The DTLS handshake with OpenSSL, as its server and as its client: both export the same SRTP keys, with a certificate of either kind. */
import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCertificate, DtlsEndpoint, type DtlsSide, type SrtpContexts } from '../../agent/media/dtls/index.ts'
import { masterKeysOf, MOST_OVERHEAD, SrtpReceiver, SrtpSender, type SuiteName } from '../../agent/media/srtp/index.ts'
import { rtpPacket } from '../../agent/media/srtp/packets.fixture.ts'
import { systemClock } from '../../lib/clock.ts'
import { freePort, isBound } from '../lab/ports.ts'
import { start, temporaryFolder, until } from '../lab/process.ts'
import { commandPath } from '../lab/requirements.ts'

const certificate = await createCertificate(systemClock)

/** What OpenSSL calls a suite, and how many octets both keys and both salts are. */
const SUITES = [
  ['AES_CM_128_HMAC_SHA1_80', 'SRTP_AES128_CM_SHA1_80', 60],
  ['AEAD_AES_128_GCM', 'SRTP_AEAD_AES_128_GCM', 56],
] as const satisfies ReadonlyArray<readonly [SuiteName, string, number]>

const KEYS = [
  ['ECDSA P-256', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ['RSA 2048', ['rsa:2048']],
] as const

/** A certificate that OpenSSL makes for itself, and its fingerprint. */
function identityIn(folder: string, key: readonly string[]) {
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const files = ['-keyout', keyFile, '-out', certificateFile]
  execFileSync(commandPath('openssl'), ['req', '-x509', '-nodes', '-subj', '/CN=lab', '-newkey', ...key, ...files], {
    stdio: 'ignore',
  })
  const { raw } = new X509Certificate(readFileSync(certificateFile))
  const hex = createHash('sha256').update(raw).digest('hex').toUpperCase()
  const fingerprint = { algorithm: 'sha-256', value: hex.match(/../g)?.join(':') ?? '' }
  return { arguments: ['-key', keyFile, '-cert', certificateFile], fingerprint }
}

const cases = (['Client', 'Server'] as const).flatMap((side) =>
  SUITES.flatMap(([suite, name, octets]) =>
    KEYS.map(([key, options]) => ({ side, suite, name, octets, key, options })),
  ),
)

test.each(cases)('we are the $side, with $suite; its key is $key', async ({ side, suite, name, octets, options }) => {
  using folder = temporaryFolder('openssl')
  const identity = identityIn(folder.path, options)
  const socket = createSocket('udp4')
  await using _socket = { [Symbol.asyncDispose]: async () => void socket.close() }
  socket.bind(await freePort(), '127.0.0.1')
  await once(socket, 'listening')
  let port = side === 'Client' ? await freePort() : 0
  const shared = ['-use_srtp', name, '-keymatexport', 'EXTRACTOR-dtls_srtp', '-keymatexportlen', String(octets)]
  const role =
    side === 'Client'
      ? ['s_server', '-dtls1_2', '-accept', `127.0.0.1:${port}`, '-verify', '1']
      : ['s_client', '-dtls1_2', '-connect', `127.0.0.1:${socket.address().port}`]
  let endpoint: DtlsEndpoint | undefined
  socket.on('message', (datagram, from) => {
    port = from.port
    endpoint?.receive(datagram)
  })
  const begin = () =>
    new DtlsEndpoint({
      ...{ clock: systemClock, certificate, side, fingerprints: [identity.fingerprint], timeout: 20_000 },
      send: (datagram) => socket.send(datagram, port, '127.0.0.1'),
    })
  if (side === 'Server') endpoint = begin()
  await using peer = await start({
    // With an end of its input it would end, and all of this is one group.
    command: 'sh',
    arguments: ['-c', 'sleep 60 | openssl "$@"', 'sh', ...role, ...identity.arguments, ...shared],
    folder: folder.path,
    ready: () => side === 'Server' || isBound(port, 'udp'),
  })
  await using dtls = (endpoint ??= begin())
  const outcome = await dtls.outcome
  if (outcome.kind === 'Failed') throw new Error(`${outcome.reason} ${outcome.detail}\n${peer.log()}`)
  expect(outcome.contexts.suite).toBe(suite)
  const exported = () => /Keying material: ([\dA-F]+)/.exec(peer.log())?.[1] ?? ''
  await until(() => exported().length === 2 * octets, { what: 'OpenSSL says what it exported' })
  expectSameKeys(outcome.contexts, Buffer.from(exported(), 'hex'), side)
})

function expectSameKeys(ours: SrtpContexts, exported: Buffer, side: DtlsSide): void {
  const { local, remote } = masterKeysOf(ours.suite, exported, side === 'Client' ? 'Server' : 'Client')
  using sender = new SrtpSender(local)
  using receiver = new SrtpReceiver(remote)
  const packet = rtpPacket(7, 1)
  const sealed = [ours.sender, sender].map((each) =>
    each.protectRtp(packet, Buffer.alloc(packet.length + MOST_OVERHEAD)),
  )
  const opened = [receiver, ours.receiver].map((each, index) => {
    const outcome = sealed[index]
    return outcome?.kind === 'Ok' ? each.unprotectRtp(outcome.packet) : outcome
  })
  expect(opened).toEqual([
    { kind: 'Ok', packet },
    { kind: 'Ok', packet },
  ])
}
