/** The certificates with which operator and agents know each other: an authority, and what it issues. It keeps none and writes none. */
// @peculiar/x509 does not load without it, and does not bring it along.
import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
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
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { Extension, JsonGeneralName } from '@peculiar/x509'
import type { Clock } from '../../lib/clock.ts'

/** A private key and its certificate, PEM. */
export interface Identity {
  key: string
  certificate: string
}

export interface Authority {
  /** Its certificate, PEM: what both sides trust, and nothing else. */
  readonly ca: string
  /** For an agent: serves under `names` (DNS names, IP addresses), and is refused as a client (RFC 5280 4.2.1.12). */
  issueServer(name: string, names: readonly string[]): Promise<Identity>
  /** For the operator: is accepted by agents, and cannot serve. */
  issueClient(name: string): Promise<Identity>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** As long as a process may run: the keys of an authority that nobody keeps die with it. */
const LIFE = 10 * 365 * 86_400_000
/** Clocks of two machines are never the same. */
const TOLERANCE = 5 * 60_000

/** A new authority with a key of its own (ECDSA P-256) that ends with this process. */
export async function createAuthority(clock: Clock): Promise<Authority> {
  return authorityOf(await createRoot(clock, LIFE), clock, LIFE)
}

/** The key of a new authority and its certificate by itself, valid from now. @param life milliseconds */
export async function createRoot(clock: Clock, life: number): Promise<Identity> {
  const keys = await newKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Ringcheck agents',
    keys,
    ...validity(clock, life),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { key: await exported(keys.privateKey), certificate: certificate.toString('pem') }
}

/** What this root issues is valid for `life` milliseconds from then, and never longer than the root. Throws when it is none. */
export async function authorityOf(root: Identity, clock: Clock, life: number): Promise<Authority> {
  const certificate = new X509Certificate(root.certificate)
  const [pkcs8] = PemConverter.decode(root.key)
  if (!pkcs8) throw new Error('the authority has no key')
  const signingKey = await crypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, false, ['sign'])

  const issue = async (name: string, usage: ExtendedKeyUsage, extensions: readonly Extension[]): Promise<Identity> => {
    const subject = await newKeys()
    const { notBefore, notAfter } = validity(clock, life)
    const issued = await X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: [{ CN: [name] }],
      issuer: certificate.subject,
      publicKey: subject.publicKey,
      signingKey,
      notBefore,
      notAfter: new Date(Math.min(notAfter.getTime(), certificate.notAfter.getTime())),
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage], true),
        await AuthorityKeyIdentifierExtension.create(certificate.publicKey),
        ...extensions,
      ],
    })
    return { key: await exported(subject.privateKey), certificate: issued.toString('pem') }
  }

  return {
    ca: root.certificate,
    issueServer: (name, names) =>
      issue(name, ExtendedKeyUsage.serverAuth, [new SubjectAlternativeNameExtension(names.map(alternativeName))]),
    issueClient: (name) => issue(name, ExtendedKeyUsage.clientAuth, []),
  }
}

const alternativeName = (value: string): JsonGeneralName => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })

const validity = (clock: Clock, life: number) => ({
  notBefore: new Date(clock.now() - TOLERANCE),
  notAfter: new Date(clock.now() + life),
})

async function exported(key: CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
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
