/** Session keys from a master key (RFC 3711 4.3, RFC 6188 3); it encrypts no packet. */
import { Keystream } from './keystream.ts'
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
  using derivation = new KeyDerivation(key, salt)
  return {
    encryption: derivation.derive(labels.encryption, keyLength),
    // The tag of GCM is made with the encryption key.
    authentication: derivation.derive(
      labels.authentication,
      transform === 'CounterMode' ? AUTHENTICATION_KEY_LENGTH : 0,
    ),
    salt: derivation.derive(labels.salt, saltLength),
  }
}

/**
 * A key is the beginning of the keystream of the master key for x = (label * 2^48) XOR salt, with a key derivation rate of 0: the label
 * stands where the last octet of an SSRC does. A salt of 96 bits is one of 112 whose last 16 are zeroes (RFC 7714 11).
 */
export class KeyDerivation implements Disposable {
  readonly #keystream: Keystream
  readonly #salt = Buffer.alloc(14)

  constructor(key: Uint8Array, salt: Uint8Array) {
    this.#salt.set(salt)
    this.#keystream = new Keystream(key, this.#salt)
  }

  derive(label: number, length: number): Buffer {
    const derived = Buffer.alloc(length)
    this.#keystream.apply(derived, 0, length, { ssrc: label, rollover: 0, sequenceNumber: 0 })
    return derived
  }

  [Symbol.dispose](): void {
    this.#keystream[Symbol.dispose]()
  }
}
