/** The door to DTLS-SRTP: a certificate, and one end of an association. It loads werift, 40 MB: import it when it is needed. */
export { createCertificate, type DtlsCertificate, type Fingerprint } from './certificate.ts'
export {
  DtlsEndpoint,
  type DtlsFailure,
  type DtlsOptions,
  type DtlsOutcome,
  type SrtpContexts,
} from './dtls-endpoint.ts'
export type { DtlsSide } from './handshake-proof.ts'
