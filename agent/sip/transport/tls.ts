/** TLS as both sides set it up (RFC 3261 26.3, RFC 5922): whom we trust, who we are, and why a handshake had no success. It opens no connection. */
import { isIP } from 'node:net'
import {
  checkServerIdentity,
  type ConnectionOptions,
  type PeerCertificate as Shown,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls'
import type { PeerCertificate, TlsSettings } from '../engine.ts'

/** Who we are towards those who connect to us; PEM. */
export interface Identity {
  certificate: string
  key: string
  /** Present: a client must show a certificate that one of these issued. */
  clientCa?: string
}

export function serverOptions({ certificate, key, clientCa }: Identity): TlsOptions {
  const asked = clientCa !== undefined
  return { cert: certificate, key, requestCert: asked, rejectUnauthorized: asked, ...(asked && { ca: clientCa }) }
}

/** @param name what was asked for before it was located */
export function clientOptions(settings: TlsSettings | undefined, name: string): ConnectionOptions {
  const { ca, certificate, serverName = name, verify = 'Full' } = settings ?? {}
  return {
    ...(ca !== undefined && { ca }),
    ...(certificate && { cert: certificate.certificate, key: certificate.key }),
    // RFC 6066 3: an address is not asked for.
    servername: isIP(serverName) === 0 ? serverName : '',
    rejectUnauthorized: verify !== 'None',
    checkServerIdentity: (_host, shown) => (verify === 'Full' ? identityError(serverName, shown) : undefined),
  }
}

/** RFC 5922 7.1: a SIP domain may be certified as a URI; else, as everywhere, as a DNS name or an address. */
function identityError(name: string, shown: Shown): Error | undefined {
  const certified = (shown.subjectaltname ?? '').split(', ')
  if (certified.includes(`URI:sip:${name}`)) return undefined
  return checkServerIdentity(name, shown)
}

export function certificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const shown = socket.getPeerX509Certificate()
  if (!shown) return undefined
  return { subject: shown.subject.split('\n').join(', '), validTo: shown.validToDate.getTime() }
}

const UNKNOWN_CA = 'the certificate was issued by an authority that is not trusted'
const SELF_SIGNED = 'the certificate is self-signed and not trusted'
const NO_TLS = 'the peer does not speak TLS there'
const CERTIFICATE_WANTED = 'the peer wants a certificate of ours'

/** By the codes of OpenSSL and Node. */
const DETAILS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  CERT_REVOKED: 'the certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  CERT_SIGNATURE_FAILURE: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the peer speaks no version of TLS that we do',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the peer speaks no version of TLS that we do',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: CERTIFICATE_WANTED,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the peer does not trust our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'our certificate has expired',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the peer does not take our certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the peer refused the handshake; it may want a certificate of ours',
  ECONNRESET: 'the peer ended the handshake',
}

/** What a human can read of an error of TLS. */
export function tlsDetail(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = codeOf(error)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const reason = 'reason' in error ? String(error.reason) : error.message
    return `the certificate is for another name: ${reason}`
  }
  return DETAILS[code] ?? error.message
}

/** The peer refused us by an alert, which over TLS 1.3 comes after our own side of the handshake is done. */
export function isAlert(error: Error): boolean {
  return /^ERR_SSL_.*ALERT/.test(codeOf(error))
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
