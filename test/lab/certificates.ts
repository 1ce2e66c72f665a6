/** A certificate authority of the lab, and what it issues to peers; nothing outside trusts it. */
// @peculiar/x509 does not load without it, and does not bring it along.
import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import type { Extension, JsonName } from '@peculiar/x509'

/** A certificate and its private key, PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

export interface Authority {
  /** Its own certificate, PEM. */
  readonly ca: string
  /** For servers and clients; a name that is an IP address is certified as one. `validTo`: milliseconds since 1970, default in a day. */
  issue(names: readonly [string, ...string[]], validTo?: number): Promise<Identity>
  /** For a client that is known by its subject, as Kubernetes reads it: the common name is the user, the organization its group. */
  issueClient(user: string, group?: string): Promise<Identity>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 86_400_000

export async function certificateAuthority(): Promise<Authority> {
  const notBefore = new Date(Date.now() - DAY)
  const keys = await newKeys()
  const root = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=lab authority',
    keys,
    notBefore,
    notAfter: new Date(Date.now() + DAY),
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)],
  })
  const issue = async (subject: JsonName, extensions: readonly Extension[], validTo: number): Promise<Identity> => {
    const own = await newKeys()
    const certificate = await X509CertificateGenerator.create({
      subject,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      notBefore,
      notAfter: new Date(validTo),
      signingAlgorithm: ALGORITHM,
      extensions: [...extensions],
    })
    const exported = await crypto.subtle.exportKey('pkcs8', own.privateKey)
    return { certificate: certificate.toString('pem'), key: PemConverter.encode(exported, 'PRIVATE KEY') }
  }
  return {
    ca: root.toString('pem'),
    issue(names, validTo = Date.now() + DAY) {
      const alternatives = new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const), value })),
      )
      return issue([{ CN: [names[0]] }], [alternatives], validTo)
    },
    issueClient: (user, group) =>
      issue([{ CN: [user] }, ...(group === undefined ? [] : [{ O: [group] }])], [], Date.now() + DAY),
  }
}

function newKeys() {
  return crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
}
