/** The crypto suites that we can: names, lengths and numbers. What they do is in `counter-mode.ts` and `galois-counter-mode.ts`. */

export type SuiteName = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32' | 'AEAD_AES_128_GCM' | 'AEAD_AES_256_GCM'

/** Lengths are octets. */
export interface Suite {
  readonly transform: 'CounterMode' | 'GaloisCounterMode'
  /** Of the master key and of the session key alike. */
  readonly keyLength: 16 | 32
  /** Of the master salt and of the session salt alike. */
  readonly saltLength: 12 | 14
  /** The short tag is for RTP alone: RTCP has few packets, and a forged BYE ends a call. */
  readonly tagLength: { readonly rtp: number; readonly rtcp: number }
  /** SRTP protection profile of DTLS-SRTP. */
  readonly profile: number
}

/** RFC 4568 6.2 and RFC 7714 14.1; the profiles are of RFC 5764 4.1.2 and RFC 7714 14.2. */
export const suites: Readonly<Record<SuiteName, Suite>> = {
  AES_CM_128_HMAC_SHA1_80: {
    ...{ transform: 'CounterMode', keyLength: 16, saltLength: 14 },
    ...{ tagLength: { rtp: 10, rtcp: 10 }, profile: 0x0001 },
  },
  AES_CM_128_HMAC_SHA1_32: {
    ...{ transform: 'CounterMode', keyLength: 16, saltLength: 14 },
    ...{ tagLength: { rtp: 4, rtcp: 10 }, profile: 0x0002 },
  },
  AEAD_AES_128_GCM: {
    ...{ transform: 'GaloisCounterMode', keyLength: 16, saltLength: 12 },
    ...{ tagLength: { rtp: 16, rtcp: 16 }, profile: 0x0007 },
  },
  AEAD_AES_256_GCM: {
    ...{ transform: 'GaloisCounterMode', keyLength: 32, saltLength: 12 },
    ...{ tagLength: { rtp: 16, rtcp: 16 }, profile: 0x0008 },
  },
}

/** In the order of their numbers. */
export const suiteNames: readonly SuiteName[] = [
  ...(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32', 'AEAD_AES_128_GCM', 'AEAD_AES_256_GCM'] as const),
]

export function isSuiteName(name: string): name is SuiteName {
  return Object.hasOwn(suites, name)
}
