/** The model of a session description (RFC 8866) with what media needs to know of it; it is neither read nor written here, and no choice is made. */
import type { Direction } from './hold.ts'

export interface SessionDescription {
  readonly origin: Origin
  /** The mids of each a=group:BUNDLE (RFC 8843). */
  readonly bundles: ReadonlyArray<readonly string[]>
  /** Of the whole session (RFC 8839 5.3). */
  readonly iceLite: boolean
  /** In the order of the m= lines, which never changes during a session (RFC 3264 8). */
  readonly media: readonly MediaDescription[]
}

/** `version` has up to 64 bits and more: it is text. */
export interface Origin {
  readonly username: string
  readonly sessionId: string
  readonly version: string
  readonly address: string
}

/** One m= line. What stood in the session's part and not in its own is here too: the values are those in force. */
export interface MediaDescription {
  /** `audio`, `video`, or whatever it says. */
  readonly kind: string
  /** 0: refused, or without its own transport (`bundleOnly`). */
  readonly port: number
  /** `RTP/AVP`, `UDP/TLS/RTP/SAVPF`, ... as it was written. */
  readonly profile: string
  /** As they stand in the m= line; at least one. */
  readonly formats: readonly string[]
  /** Those of the formats that are payload types whose codec is known by number or by rtpmap. */
  readonly codecs: readonly Codec[]
  readonly address?: string | undefined
  /** As its writer sees it. An address of all zeros, the old form of hold, makes it `inactive` (RFC 3264 8.4). */
  readonly direction: Direction
  /** From a=rtcp (RFC 3605). */
  readonly rtcp?: { readonly port: number; readonly address?: string | undefined } | undefined
  readonly rtcpMux: boolean
  /** Milliseconds. */
  readonly ptime?: number | undefined
  readonly maxptime?: number | undefined
  readonly mid?: string | undefined
  readonly bundleOnly: boolean
  /** RFC 4568; only lines that can be used. */
  readonly crypto: readonly CryptoLine[]
  /** RFC 8122; several are of one certificate. */
  readonly fingerprints: readonly Fingerprint[]
  /** RFC 4145, 8842. */
  readonly setup?: Setup | undefined
  readonly ice?: Ice | undefined
}

export interface Codec {
  /** As in its registration but for case: compare with `sameCodec`. */
  readonly name: string
  readonly payloadType: number
  /** Of the RTP timestamp: 8000 for G722, 48000 for opus, 90000 for video. */
  readonly clockRate: number
  /** Default 1. */
  readonly channels?: number | undefined
  /** The a=fmtp of it, without the payload type. */
  readonly parameters?: string | undefined
  /** The a=rtcp-fb of it (RFC 4585): `nack`, `nack pli`, `ccm fir`, ... */
  readonly feedback?: readonly string[] | undefined
}

export interface CryptoLine {
  readonly tag: number
  /** `AES_CM_128_HMAC_SHA1_80`, ... */
  readonly suite: string
  /** Base64 of master key and salt. A secret. */
  readonly key: string
  /** `2^20` or a number of packets. */
  readonly lifetime?: string | undefined
  /** `1:4`: value and length. */
  readonly mki?: string | undefined
}

export interface Fingerprint {
  /** `sha-256`, in lower case. */
  readonly algorithm: string
  /** Upper case, with colons. */
  readonly value: string
}

export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn'

/** RFC 8839, carried for whoever speaks ICE. */
export interface Ice {
  readonly ufrag: string
  readonly pwd: string
  readonly options?: string | undefined
  readonly candidates: readonly Candidate[]
  readonly remoteCandidates?: string | undefined
  readonly endOfCandidates: boolean
}

export interface Candidate {
  readonly foundation: string
  readonly component: number
  /** `udp` or `tcp`, in lower case. */
  readonly transport: string
  readonly priority: number
  readonly address: string
  readonly port: number
  /** `host`, `srflx`, `prflx`, `relay`. */
  readonly type: string
  readonly related?: { readonly address: string; readonly port: number } | undefined
  readonly tcpType?: string | undefined
}

/** Whether the stream is there: not refused, though it may be on hold. */
export function isOpen({ port, bundleOnly }: MediaDescription): boolean {
  return port > 0 || bundleOnly
}

/** True: a profile that needs keys, by whichever way (RFC 3711, 5124). */
export function isSecure(profile: string): boolean {
  return /(?:^|\/)SAVPF?$/i.test(profile)
}
