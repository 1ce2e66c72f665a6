/** Session keys from a master key (RFC 3711 4.3, RFC 6188 3); it encrypts no packet. */
import { createCipheriv } from 'node:crypto'
import { type SuiteName, suites } from './suites.ts'

/** Of one direction. Secrets. */
export interface MasterKey {
  readonly suite: SuiteName
  readonly key: Uint8Array
  readonly salt: Uint8Array
}

/** Secrets. */
export interface SessionKeys {
  readonly encryption: Buffer
  readonly authentication: Buffer
  readonly salt: Buffer
}

export type Protocol = 'RTP' | 'RTCP'

/** RFC 3711 4.3.1, 4.3.2. */
const LABELS = {
  RTP: { encryption: 0, authentication: 1, salt: 2 },
  RTCP: { encryption: 3, authentication: 4, salt: 5 },
} as const

/** Of HMAC-SHA1 (RFC 3711 5.2). */
const AUTHENTICATION_KEY_LENGTH = 20

/** @throws RangeError when key or salt have not the length that the suite asks for */
export function deriveSessionKeys({ suite, key, salt }: MasterKey, protocol: Protocol): SessionKeys {
  const { keyLength, saltLength, transform } = suites[suite]
  if (key.length !== keyLength || salt.length !== saltLength) {
    throw new RangeError(`${suite} has a key of ${keyLength} and a salt of ${saltLength} octets`)
  }
  const labels = LABELS[protocol]
  return {
    encryption: derive(key, salt, labels.encryption, keyLength),
    // The tag of GCM is made with the encryption key.
    authentication: derive(
      key,
      salt,
      labels.authentication,
      transform === 'CounterMode' ? AUTHENTICATION_KEY_LENGTH : 0,
    ),
    salt: derive(key, salt, labels.salt, saltLength),
  }
}

/**
 * The first octets of the AES-CM keystream of the master key for x = (label * 2^48) XOR salt, with a key derivation rate of 0. A salt of
 * 96 bits stands as one of 112 whose last 16 are zeroes (RFC 7714 11).
 *
 *     octet   0              7              14  15
 *             |      salt (14 or 12)        | 0 |     label is XORed into octet 7
 */
export function derive(key: Uint8Array, salt: Uint8Array, label: number, length: number): Buffer {
  const block = Buffer.alloc(16)
  block.set(salt)
  block.writeUInt8(block.readUInt8(7) ^ label, 7)
  return createCipheriv(key.length === 32 ? 'aes-256-ctr' : 'aes-128-ctr', key, block).update(Buffer.alloc(length))
}
