import { createHash, createHmac, randomBytes, sign, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { systemClock } from '../../../lib/clock.ts'
import { createCertificate } from './certificate.ts'
import { disproof, type DtlsSide, type Handshake, type HandshakeMessage } from './handshake-proof.ts'

const { certificate, key } = await createCertificate(systemClock)
const [clientRandom, serverRandom, masterSecret] = [randomBytes(32), randomBytes(32), randomBytes(48)]

function messageOf(type: number, body: Buffer): HandshakeMessage {
  return { type, body, octets: Buffer.concat([Buffer.from([type, 0, 0, body.length]), Buffer.alloc(8), body]) }
}

function signedBy(octets: Buffer): Buffer {
  const signature = sign('sha256', octets, key)
  return Buffer.concat([Buffer.from([4, 3, 0, signature.length]), signature])
}

/** P_SHA256 as RFC 5246 5 prints it, for one round. */
function finishedOf(label: string, messages: readonly HandshakeMessage[]): Buffer {
  const hash = createHash('sha256')
  for (const { octets } of messages) hash.update(octets)
  const seed = Buffer.concat([Buffer.from(label), hash.digest()])
  const round = createHmac('sha256', masterSecret).update(seed).digest()
  return createHmac('sha256', masterSecret)
    .update(Buffer.concat([round, seed]))
    .digest()
    .subarray(0, 12)
}

/** An honest peer's handshake, as seen from the given side. */
function handshakeAt(side: DtlsSide): Handshake {
  const parameters = Buffer.concat([Buffer.from([3, 0, 23, 65]), randomBytes(65)])
  const exchange = Buffer.concat([parameters, signedBy(Buffer.concat([clientRandom, serverRandom, parameters]))])
  const messages = [messageOf(1, randomBytes(60)), messageOf(2, randomBytes(60)), messageOf(12, exchange)]
  const verified = Buffer.concat(messages.map(({ octets }) => octets))
  messages.push(messageOf(15, signedBy(verified)))
  const finished = finishedOf(side === 'Client' ? 'server finished' : 'client finished', messages)
  const der = new X509Certificate(certificate).raw
  return { side, messages, finished, certificate: der, masterSecret, clientRandom, serverRandom }
}

test.each(['Client', 'Server'] as const)('an honest peer is proven to a %s', (side) => {
  expect(disproof(handshakeAt(side))).toBeUndefined()
})

test.each(['Client', 'Server'] as const)('to a %s: a Finished of another handshake, and one of another end', (side) => {
  const handshake = handshakeAt(side)
  const messages = [messageOf(1, randomBytes(60)), ...handshake.messages.slice(1)]
  const other = finishedOf('server finished', messages)
  expect(disproof({ ...handshake, finished: other })).toBe('the peer saw another handshake')
  expect(disproof({ ...handshakeAt(side), finished: handshake.finished.subarray(1) })).toBe(
    'the peer saw another handshake',
  )
})

test('a signature over other parameters, other randoms or other messages', () => {
  const [client, server] = [handshakeAt('Client'), handshakeAt('Server')]
  const reason = 'the signature is not of the certificate'
  expect(disproof({ ...client, serverRandom: clientRandom })).toBe(reason)
  expect(disproof({ ...server, messages: [messageOf(1, randomBytes(60)), ...server.messages.slice(1)] })).toBe(reason)
})

test('nothing signed, a signature that is cut off, and a hash that is not SHA-256', () => {
  const [client, server] = [handshakeAt('Client'), handshakeAt('Server')]
  expect(disproof({ ...client, messages: [] })).toBe('the peer signed nothing')
  expect(disproof({ ...server, messages: server.messages.slice(0, 3) })).toBe('the peer signed nothing')
  expect(disproof({ ...server, messages: [messageOf(15, Buffer.from([4]))] })).toBe('the peer signed nothing')
  expect(disproof({ ...server, messages: [messageOf(15, Buffer.from([2, 3, 0, 0]))] })).toBe(
    'the peer signed with hash 2',
  )
})
