/**
 * Whether the peer of a DTLS 1.2 handshake holds the private key of the certificate that it showed, and saw the handshake that we saw
 * (RFC 5246 7.4.3, 7.4.8, 7.4.9). werift reads signature and Finished and compares neither, so that a fingerprint that fits would prove
 * nothing: anybody can show a certificate. It makes no handshake.
 */
import { createHash, createHmac, verify, X509Certificate } from 'node:crypto'

/** The client begins: it is the one whose `a=setup` is `active` in the answer (RFC 5763 5). */
export type DtlsSide = 'Client' | 'Server'

/** A message of the handshake, whole, as it stands in the hash of Finished (RFC 6347 4.2.6). */
export interface HandshakeMessage {
  readonly type: number
  readonly body: Buffer
  /** With its header. */
  readonly octets: Buffer
}

export interface Handshake {
  /** Which one we were. */
  readonly side: DtlsSide
  /** In their order, up to ours or theirs before the peer's Finished. */
  readonly messages: readonly HandshakeMessage[]
  /** The peer's verify_data. */
  readonly finished: Buffer
  /** The peer's, DER. */
  readonly certificate: Buffer
  readonly masterSecret: Buffer
  readonly clientRandom: Buffer
  readonly serverRandom: Buffer
}

/** RFC 5246 7.4. */
export const MESSAGE = { serverKeyExchange: 12, certificateVerify: 15, finished: 20 } as const

/** RFC 5246 7.4.1.4.1: the hash is the first octet, the signature the second. */
const SHA256 = 4
const VERIFY_DATA = 12

/** Undefined: it is proven. */
export function disproof(handshake: Handshake): string | undefined {
  const { publicKey } = new X509Certificate(handshake.certificate)
  const signed = handshake.side === 'Client' ? signedParameters(handshake) : signedMessages(handshake)
  if (!signed) return 'the peer signed nothing'
  if (signed.hash !== SHA256) return `the peer signed with hash ${signed.hash}`
  if (!verify('sha256', signed.octets, publicKey, signed.signature)) return 'the signature is not of the certificate'
  return finishedOf(handshake).equals(handshake.finished) ? undefined : 'the peer saw another handshake'
}

interface Signed {
  readonly octets: Buffer
  readonly hash: number
  readonly signature: Buffer
}

/**
 * ServerKeyExchange of ECDHE (RFC 8422 5.4); the signature is over both randoms and the parameters.
 *
 *     | curve type (8) | named curve (16) | length (8) | point | hash (8) | signature algorithm (8) | length (16) | signature |
 */
function signedParameters({ messages, clientRandom, serverRandom }: Handshake): Signed | undefined {
  const body = messages.find(({ type }) => type === MESSAGE.serverKeyExchange)?.body
  if (!body || body.length < 4) return undefined
  const end = 4 + body.readUInt8(3)
  return readSignature(body.subarray(end), Buffer.concat([clientRandom, serverRandom, body.subarray(0, end)]))
}

/** CertificateVerify: the signature is over all messages before it. */
function signedMessages({ messages }: Handshake): Signed | undefined {
  const index = messages.findIndex(({ type }) => type === MESSAGE.certificateVerify)
  const body = messages[index]?.body
  return body && readSignature(body, octetsOf(messages.slice(0, index)))
}

function readSignature(field: Buffer, octets: Buffer): Signed | undefined {
  if (field.length < 4) return undefined
  return { octets, hash: field.readUInt8(0), signature: field.subarray(4, 4 + field.readUInt16BE(2)) }
}

/** PRF(master_secret, finished_label, Hash(handshake_messages)) with P_SHA256 (RFC 5246 5, 7.4.9); 12 octets are of its first round. */
function finishedOf({ side, messages, masterSecret }: Handshake): Buffer {
  const label = side === 'Client' ? 'server finished' : 'client finished'
  const seed = Buffer.concat([Buffer.from(label), createHash('sha256').update(octetsOf(messages)).digest()])
  const first = createHmac('sha256', masterSecret).update(seed).digest()
  return createHmac('sha256', masterSecret).update(first).update(seed).digest().subarray(0, VERIFY_DATA)
}

function octetsOf(messages: readonly HandshakeMessage[]): Buffer {
  return Buffer.concat(messages.map(({ octets }) => octets))
}
