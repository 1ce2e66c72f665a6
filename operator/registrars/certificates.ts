/** What a registrar trusts and who we are to it over TLS: from its Secrets to PEM that can be used now, or to a named reason why not. It opens no connection. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { SipRegistrarSpec } from '../../crds/index.ts'
import type { ReadSecret, Unresolved } from './secrets.ts'
import { lookUp, unresolved } from './secrets.ts'

/** Settings for a server over TLS; texts are PEM. */
export interface TlsSettings {
  ca?: string
  certificate?: { certificate: string; key: string }
  /** Absent: the host that is connected to. */
  serverName?: string
  verify: 'Full' | 'CA' | 'None'
}

export type ResolvedTls =
  /** `expiring`: a sentence, of what will not work for much longer. */
  { kind: 'Resolved'; settings: TlsSettings; expiring?: string } | Unresolved

/** Milliseconds before its end from which a certificate is said to expire soon. */
const SOON = 14 * 86_400_000

/** Keys of a Secret of type kubernetes.io/tls. */
const [CERTIFICATE, KEY] = ['tls.crt', 'tls.key']

/** PEM that can be used until it ends. */
type Usable<Value> = Ending & { kind: 'Usable'; value: Value }

/** @param now milliseconds since 1970 */
export async function resolveTls(spec: SipRegistrarSpec, readSecret: ReadSecret, now: number): Promise<ResolvedTls> {
  const { caRef, clientCertificateRef, verify = 'Full' } = spec.tls ?? {}
  const serverName = nameOf(spec)
  const ca = caRef && (await authoritiesIn(caRef, readSecret))
  if (ca?.kind === 'Unresolved') return ca
  const own = clientCertificateRef && (await identityIn(clientCertificateRef.name, readSecret))
  if (own?.kind === 'Unresolved') return own
  const settings = {
    verify,
    ...(serverName !== undefined && { serverName }),
    ...(ca && { ca: ca.value }),
    ...(own && { certificate: own.value }),
  }
  return inTime(settings, endOf(ca, own), now)
}

function inTime(settings: TlsSettings, end: Ending | undefined, now: number): ResolvedTls {
  if (!end || end.until - now >= SOON) return { kind: 'Resolved', settings }
  const { what, until } = end
  if (until <= now) return unresolved('CertificateExpired', `${what} expired on ${day(until)}.`)
  return { kind: 'Resolved', settings, expiring: `${what} expires on ${day(until)}.` }
}

interface Ending {
  /** Milliseconds since 1970. */
  until: number
  /** What a human calls it. */
  what: string
}

/** Whichever of two ends first. */
function endOf(one: Ending | undefined, other: Ending | undefined): Ending | undefined {
  return one && other ? (one.until <= other.until ? one : other) : (one ?? other)
}

/** An outbound proxy that an address pins is one of the servers of the domain, and certified as that; one with a name has its own. */
function nameOf({ domain, outboundProxy, tls }: SipRegistrarSpec): string | undefined {
  if (tls?.serverName !== undefined) return tls.serverName
  const host = /^(\[[^\]]+\]|[^:;]+)/.exec(outboundProxy ?? '')?.[0].replace(/^\[(.*)\]$/, '$1')
  return host !== undefined && isIP(host) !== 0 ? domain : undefined
}

async function authoritiesIn(
  ref: { name: string; key: string },
  readSecret: ReadSecret,
): Promise<Usable<string> | Unresolved> {
  const found = await lookUp(readSecret, ref)
  if (found.kind === 'Unresolved') return found
  const authorities = certificatesIn(found.value)
  if (!authorities)
    return unresolved('InvalidCertificate', `The Secret ${ref.name} has under ${ref.key} no certificates in PEM.`)
  // Several are trusted side by side while one takes the place of the other: what counts is the last of them.
  const until = Math.max(...authorities.map(({ validToDate }) => validToDate.getTime()))
  return { kind: 'Usable', value: found.value, until, what: `The authority in the Secret ${ref.name}` }
}

async function identityIn(
  name: string,
  readSecret: ReadSecret,
): Promise<Usable<NonNullable<TlsSettings['certificate']>> | Unresolved> {
  const certificate = await lookUp(readSecret, { name, key: CERTIFICATE })
  if (certificate.kind === 'Unresolved') return certificate
  const key = await lookUp(readSecret, { name, key: KEY })
  if (key.kind === 'Unresolved') return key
  const [first] = certificatesIn(certificate.value) ?? []
  if (!first)
    return unresolved('InvalidCertificate', `The Secret ${name} has under ${CERTIFICATE} no certificate in PEM.`)
  // What is wrong with a key is not told: it is a secret.
  if (!belongsTo(first, key.value))
    return unresolved('InvalidCertificate', `The Secret ${name} has under ${KEY} no private key of its ${CERTIFICATE}.`)
  const value = { certificate: certificate.value, key: key.value }
  return { kind: 'Usable', value, until: first.validToDate.getTime(), what: `The certificate of the Secret ${name}` }
}

function belongsTo(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/** All of a PEM text, at least one; undefined: there is none, or one that cannot be read. */
function certificatesIn(text: string): readonly X509Certificate[] | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs)
  try {
    return blocks?.map((block) => new X509Certificate(block))
  } catch {
    return undefined
  }
}

const day = (at: number): string => new Date(at).toISOString().slice(0, 10)
