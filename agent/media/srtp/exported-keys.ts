/** Master keys of both directions from what a DTLS handshake exports (RFC 5764 4.2); it makes no handshake. */
import type { MasterKey } from './session-keys.ts'
import { type SuiteName, suiteNames, suites } from './suites.ts'

/** Octets that the exporter of RFC 5705 is asked for, with the label `EXTRACTOR-dtls_srtp` and without a context. */
export function exportedLength(suite: SuiteName): number {
  const { keyLength, saltLength } = suites[suite]
  return 2 * (keyLength + saltLength)
}

/** The suite of an SRTP protection profile (RFC 5764 4.1.2, RFC 7714 14.2); undefined: none of ours. */
export function suiteOfProfile(profile: number): SuiteName | undefined {
  return suiteNames.find((name) => suites[name].profile === profile)
}

/**
 *     | client_write key | server_write key | client_write salt | server_write salt |
 *
 * @param side which one we were in the handshake
 * @returns what we send with, and what we receive with, in the memory of `material`: overwrite it once sender and receiver are made
 * @throws RangeError when the material has not `exportedLength` octets
 */
export function masterKeysOf(
  suite: SuiteName,
  material: Uint8Array,
  side: 'Client' | 'Server',
): { local: MasterKey; remote: MasterKey } {
  const { keyLength, saltLength } = suites[suite]
  if (material.length !== exportedLength(suite)) {
    throw new RangeError(`${suite} takes ${exportedLength(suite)} octets of keying material, not ${material.length}`)
  }
  const salts = 2 * keyLength
  const client = { suite, key: material.subarray(0, keyLength), salt: material.subarray(salts, salts + saltLength) }
  const server = { suite, key: material.subarray(keyLength, salts), salt: material.subarray(salts + saltLength) }
  return side === 'Client' ? { local: client, remote: server } : { local: server, remote: client }
}
