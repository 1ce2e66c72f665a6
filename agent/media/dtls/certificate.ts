/** The certificate that our side of every DTLS handshake shows, one for an engine, and fingerprints of certificates (RFC 8122). Nobody signs it. */
// @peculiar/x509 does not load without it, and does not bring it along.
import 'reflect-metadata'
import { createHash } from 'node:crypto'
import { PemConverter, X509CertificateGenerator } from '@peculiar/x509'
import type { Clock } from '../../../lib/clock.ts'

/** As in `a=fingerprint`. */
export interface Fingerprint {
  /** `sha-256`, in lower case. */
  readonly algorithm: string
  /** Upper case, with colons. */
  readonly value: string
}

export interface DtlsCertificate {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS #8. A secret. */
  readonly key: string
  readonly fingerprint: Fingerprint
}

/** ECDSA on P-256, which every peer has to have (RFC 8827 6.5). */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 86_400_000
/** Longer than an agent runs. It is trusted by its fingerprint alone. */
const VALIDITY = 365 * DAY

export async function createCertificate(clock: Clock): Promise<DtlsCertificate> {
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=ringcheck',
    keys,
    // The peer's clock may be behind ours.
    notBefore: new Date(clock.now() - DAY),
    notAfter: new Date(clock.now() + VALIDITY),
    signingAlgorithm: ALGORITHM,
  })
  return {
    certificate: certificate.toString('pem'),
    key: PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY'),
    fingerprint: { algorithm: 'sha-256', value: hashOf(Buffer.from(certificate.rawData), 'sha256') },
  }
}

/** The hashes of RFC 8122 5 that are still trusted, as Node names them. */
const HASHES: Readonly<Record<string, string>> = {
  'sha-256': 'sha256',
  'sha-384': 'sha384',
  'sha-512': 'sha512',
}

/**
 * Whether a certificate is one that the fingerprints name. Several are of different certificates or by different hashes: one that fits is
 * enough. Hashes that nobody trusts any more are as good as none.
 * @param certificate DER
 */
export function hasFingerprint(certificate: Uint8Array, fingerprints: readonly Fingerprint[]): boolean {
  return fingerprints.some(({ algorithm, value }) => {
    const hash = HASHES[algorithm.toLowerCase()]
    return hash !== undefined && hashOf(certificate, hash) === value.toUpperCase()
  })
}

function hashOf(certificate: Uint8Array, hash: string): string {
  const digest = createHash(hash).update(certificate).digest('hex').toUpperCase()
  return digest.replaceAll(/(..)(?!$)/g, '$1:')
}
