/** The certificates with which operator and agents know each other: an authority, and what it issues. Keys are made here and never written to a disk. */
// @peculiar/x509 does not load without it, and does not bring it along.
import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { Extension } from '@peculiar/x509'
import type { Clock } from '../../lib/clock.ts'

/** A private key and its certificate, PEM. */
export interface Identity {
  key: string
  certificate: string
}

export interface Authority {
  /** Its certificate, PEM: what both sides trust, and nothing else. */
  readonly ca: string
  /** For an agent: serves on `addresses` (IP addresses), and is refused as a client (RFC 5280 4.2.1.12). */
  issueServer(name: string, addresses: readonly string[]): Promise<Identity>
  /** For the operator: is accepted by agents, and cannot serve. */
  issueClient(name: string): Promise<Identity>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** As long as a process may run: the keys die with it. */
const LIFE = 10 * 365 * 86_400_000
/** Clocks of two machines are never the same. */
const TOLERANCE = 5 * 60_000

/** A new authority with a key of its own (ECDSA P-256), valid from now. */
export async function createAuthority(clock: Clock): Promise<Authority> {
  const validity = { notBefore: new Date(clock.now() - TOLERANCE), notAfter: new Date(clock.now() + LIFE) }
  const keys = await newKeys()
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Ringcheck agents',
    keys,
    ...validity,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })

  const issue = async (name: string, usage: ExtendedKeyUsage, extensions: readonly Extension[]): Promise<Identity> => {
    const subject = await newKeys()
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ CN: [name] }],
      issuer: root.subject,
      publicKey: subject.publicKey,
      signingKey: keys.privateKey,
      ...validity,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage], true),
        await AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ...extensions,
      ],
    })
    const exported = await crypto.subtle.exportKey('pkcs8', subject.privateKey)
    return { key: PemConverter.encode(exported, 'PRIVATE KEY'), certificate: certificate.toString('pem') }
  }

  return {
    ca: root.toString('pem'),
    issueServer: (name, addresses) =>
      issue(name, ExtendedKeyUsage.serverAuth, [
        new SubjectAlternativeNameExtension(addresses.map((value) => ({ type: 'ip' as const, value }))),
      ]),
    issueClient: (name) => issue(name, ExtendedKeyUsage.clientAuth, []),
  }
}

function newKeys() {
  return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
}

/** RFC 5280 4.1.2.2: positive, at most 20 octets, unpredictable. */
function serialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}
